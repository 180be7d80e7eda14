"""The UF2 volume of an emulated Pico in BOOTSEL: a folder that exists while the boot ROM waits for an image.

It behaves like the boot ROM's disk: an image is taken when its last block has been copied, and then the disk
disappears. Files that are not an image for this chip are ignored.
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
    """The folder cannot be created, or exists already and would be removed with its contents."""


class BootVolume:
    """The volume, at `folder`. Raises NoPlaceForVolume when the folder exists."""

    def __init__(self, folder: Path) -> None:
        if folder.exists():
            raise NoPlaceForVolume(f"{folder} exists already; name a new folder for the UF2 volume")
        self._folder = folder

    @property
    def shown(self) -> bool:
        """True while the volume exists."""
        return self._folder.exists()

    def show(self) -> None:
        """Creates the volume. Raises NoPlaceForVolume."""
        fresh = self._folder.with_name(self._folder.name + ".new")
        try:
            fresh.mkdir(parents=True)
            (fresh / INFO_FILE).write_text(_INFO)
            fresh.rename(self._folder)  # it appears complete
        except OSError as error:
            raise NoPlaceForVolume(f"{self._folder} cannot be created: {error.strerror}") from error

    def hide(self) -> None:
        """Removes the volume."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def taken(self) -> uf2.Uf2 | None:
        """The image that was copied to the volume, once it is complete."""
        for file in sorted(self._folder.glob("*.[uU][fF]2")):
            try:
                return uf2.read(file)
            except BadUf2:
                continue
        return None
