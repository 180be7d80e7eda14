"""The UF2 volume of an emulated Pico in BOOTSEL: a folder that is there as long as the boot ROM waits for an image.

It behaves as the disk of the boot ROM does: what is copied to it is taken when its last block is there, and then the
disk is gone. A file that is no image for this chip is ignored without a word, and one that is not whole waited for.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.flash.volume import BOARD_ID, INFO_FILE
from picoinfuse.image import uf2
from picoinfuse.image.errors import BadUf2

_INFO = f"UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: {BOARD_ID}\n"


class NoPlaceForVolume(PicoinfuseError):
    """The folder cannot be made, or is there already: it would be removed with what is in it."""


class BootVolume:
    def __init__(self, folder: Path) -> None:
        if folder.exists():
            raise NoPlaceForVolume(f"{folder} is there already; name a folder that is not, for the UF2 volume")
        self._folder = folder

    @property
    def shown(self) -> bool:
        return self._folder.exists()

    def show(self) -> None:
        fresh = self._folder.with_name(self._folder.name + ".new")
        try:
            fresh.mkdir(parents=True)
            (fresh / INFO_FILE).write_text(_INFO)
            fresh.rename(self._folder)  # it appears whole
        except OSError as error:
            raise NoPlaceForVolume(f"{self._folder} cannot be made: {error.strerror}") from error

    def hide(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def taken(self) -> uf2.Uf2 | None:
        """The image that somebody has copied, once it is whole."""
        for file in sorted(self._folder.glob("*.[uU][fF]2")):
            try:
                return uf2.read(file)
            except BadUf2:
                continue
        return None
