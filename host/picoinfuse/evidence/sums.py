"""SHA256SUMS beside what a run left: `sha256sum -c` checks all of it, and who signs this file has signed the run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

NAME = "SHA256SUMS"


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """`names`: paths within the folder; what is not there is left out."""
    lines = [f"{_sum(folder / name)}  {name}\n" for name in names if (folder / name).is_file()]
    (folder / NAME).write_text("".join(lines), "utf-8")


def changed(file: Path, data: bytes) -> bool:
    """Whether the SHA256SUMS beside a file says that these were not its bytes. A file that was taken out of its folder
    has none.
    """
    try:
        lines = (file.parent / NAME).read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    named = {name: told for told, _, name in (line.partition("  ") for line in lines)}
    return named.get(file.name, "") not in ("", hashlib.sha256(data).hexdigest())


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
