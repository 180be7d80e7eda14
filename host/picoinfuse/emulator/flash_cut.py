"""Power cuts during an operation of the flash chip: the erase of a sector, or the programming of a page.

rp2040py completes each operation at once, when chip select goes high; this leaves it unfinished, as the stub does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

_SECTOR_BYTES, _BLOCK_BYTES, _PAGE_BYTES = 4096, 65536, 256
_PROGRAM, _ERASE_SECTOR, _ERASE_BLOCK = 0x02, 0x20, 0xD8  # commands of a flash chip
_LENGTH = {_PROGRAM: _PAGE_BYTES, _ERASE_SECTOR: _SECTOR_BYTES, _ERASE_BLOCK: _BLOCK_BYTES}


class FlashCut:
    """Watches the flash chip of `chip`, and calls `on_cut()` in the middle of an instruction when the cut happens.
    `operations`: number of operations so far.
    """

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
        """Schedules a cut at the operation that follows `left` others; `torn` and `seed` as in
        `Bench.cut_at_flash_operation`.
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
    """Contents after an interrupted operation that should have changed `old` to `new`."""
    if how == "before":
        return old
    if how == "half":
        middle = len(new) // 2
        return new[:middle] + old[middle:]
    if how == "bits":
        settled = random.Random(seed).randbytes(len(new))
        return bytes(a & ~mask | b & mask for a, b, mask in zip(old, new, settled, strict=True))
    return new
