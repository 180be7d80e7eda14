"""The supply fails within an operation of the flash chip: a sector's erase, or a page's program.

rp2040py's chip does each of them at once, when its select goes up; here it is left half done, as the stub does it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

_SECTOR_BYTES, _BLOCK_BYTES, _PAGE_BYTES = 4096, 65536, 256
_PROGRAM, _ERASE_SECTOR, _ERASE_BLOCK = 0x02, 0x20, 0xD8  # commands of a flash chip
_LENGTH = {_PROGRAM: _PAGE_BYTES, _ERASE_SECTOR: _SECTOR_BYTES, _ERASE_BLOCK: _BLOCK_BYTES}


class FlashCut:
    """`on_cut()` is told when it has happened, in the midst of an instruction. `operations`: how many there were."""

    def __init__(self, chip: Any, on_cut: Callable[[], None]) -> None:
        self.operations = 0
        self._chip = chip
        self._on_cut = on_cut
        self._left = -1
        self._torn = "before"
        self._seed = 1
        self._apply: Callable[[], None] = chip.ssi._apply_command
        chip.ssi._apply_command = self._on_command

    def arm(self, left: int, torn: str, seed: int) -> None:
        """At the operation after `left` more. `torn`: "before" it began, "after" it was done, "half" done, or "bits",
        each of them settled or not, from `seed`.
        """
        self._left, self._torn, self._seed = left, torn, seed

    def _on_command(self) -> None:
        ssi = self._chip.ssi
        command = bytes(ssi._tx_buffer)
        if not ssi._write_enabled or len(command) < 4 or command[0] not in _LENGTH:
            self._apply()
            return
        self.operations += 1
        self._left -= 1
        length = _LENGTH[command[0]]
        at = int.from_bytes(command[1:4], "big") // length * length
        flash = self._chip.flash
        old = bytes(flash[at : at + length])
        self._apply()
        if self._left == -1:
            flash[at : at + length] = torn(old, bytes(flash[at : at + length]), self._torn, self._seed)
            self._on_cut()


def torn(old: bytes, new: bytes, how: str, seed: int) -> bytes:
    """What an operation that was to make `new` of `old` leaves behind."""
    if how == "before":
        return old
    if how == "half":
        middle = len(new) // 2
        return new[:middle] + old[middle:]
    if how == "bits":
        settled = random.Random(seed).randbytes(len(new))
        return bytes(a & ~mask | b & mask for a, b, mask in zip(old, new, settled, strict=True))
    return new
