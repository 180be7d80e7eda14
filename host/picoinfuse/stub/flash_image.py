"""The board's flash between runs: an image file, and beside it the folder that takes its place on CPython."""

from __future__ import annotations

import shutil
from binascii import crc32
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


def forget_journal(image: Path) -> None:
    """Erases the journal's sectors: what a deployment in real time left there would make each run another."""
    data = bytearray(image.read_bytes())
    for at in range(0, len(data), BLOCK):
        if _is_journal(data[at : at + BLOCK]):
            data[at : at + BLOCK] = b"\xff" * BLOCK
    image.write_bytes(data)
    for file in folder_of(image).glob("log/*"):
        if _is_journal(file.read_bytes()):
            file.write_bytes(b"\xff" * BLOCK)


def _is_journal(block: bytes | bytearray) -> bool:
    """It begins with a head as in firmware/pump/storage/ring.py."""
    return block[14] == 1 and crc32(block[:28]) == int.from_bytes(block[28:32], "little")
