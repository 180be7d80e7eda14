"""What can go wrong when an image is put on a board, by name; `image/errors.py` has what is wrong with an image."""

from picoinfuse.common.errors import PicoinfuseError


class FlashError(PicoinfuseError):
    """Base: the image did not get onto the board, or not the one that was meant."""


class NoPico(FlashError):
    """No Pico was found."""


class TwoPicos(FlashError):
    """More than one Pico, and no way to tell which is meant."""


class DifferentDevice(FlashError):
    """The port is not that of a Pico with MicroPython on USB."""


class PumpBusy(FlashError):
    """The pump refuses to hand over the board, because it infuses or holds an infusion."""


class NoBootloader(FlashError):
    """MicroPython could not be asked for BOOTSEL."""


class NoVolume(FlashError):
    """The UF2 volume did not appear."""


class WrongBoard(FlashError):
    """The UF2 volume belongs to another kind of board."""


class VolumeFull(FlashError):
    """There is no room on the volume."""


class VolumeVanished(FlashError):
    """The volume went away before the last byte was written."""


class VolumeWriteFailed(FlashError):
    """A write to the volume failed, and the volume is still there."""


class PortDidNotReturn(FlashError):
    """The board did not come back after it was flashed."""


class WrongFirmware(FlashError):
    """What runs on the board is not what was flashed."""
