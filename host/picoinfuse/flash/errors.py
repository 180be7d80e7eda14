"""Errors of flashing an image; `image/errors.py` has those of the image itself."""

from picoinfuse.common.errors import PicoinfuseError


class FlashError(PicoinfuseError):
    """Base: the image was not flashed, or another one runs."""


class NoPico(FlashError):
    """No Pico was found."""


class TwoPicos(FlashError):
    """More than one Pico was found, and none was chosen."""


class DifferentDevice(FlashError):
    """The port is not one of a Pico with MicroPython on USB."""


class PumpBusy(FlashError):
    """The pump refuses service because it has a running or paused infusion."""


class NoBootloader(FlashError):
    """MicroPython could not be asked for BOOTSEL."""


class NoVolume(FlashError):
    """The UF2 volume did not appear."""


class WrongBoard(FlashError):
    """The UF2 volume belongs to another kind of board."""


class VolumeFull(FlashError):
    """The volume is full."""


class VolumeVanished(FlashError):
    """The volume vanished before the last byte was written."""


class VolumeWriteFailed(FlashError):
    """A write failed while the volume is still mounted."""


class PortDidNotReturn(FlashError):
    """The board did not come back after it was flashed."""


class WrongFirmware(FlashError):
    """The board runs something else than was flashed."""
