"""The board's flash between runs: an image file, and beside it the folder that takes its place on CPython."""

from __future__ import annotations

import shutil
from pathlib import Path

BLOCK, BLOCKS = 4096, 352


def folder_of(image: Path) -> Path:
    """Where the filesystem is when the board runs on CPython, which has no littlefs."""
    return image.with_name(image.name + ".d")


def erase(image: Path) -> None:
    """Makes it a flash as it comes from the factory: all ones."""
    image.write_bytes(b"\xff" * BLOCK * BLOCKS)
    shutil.rmtree(folder_of(image), ignore_errors=True)


def copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    if folder_of(source).exists():
        shutil.copytree(folder_of(source), folder_of(target))


def move(source: Path, target: Path) -> None:
    if folder_of(source).exists():
        folder_of(source).rename(folder_of(target))
    source.rename(target)
