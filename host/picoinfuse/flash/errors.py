"""What can go wrong when an image is put on a board, by name. What is wrong in a UF2 block carries its
number.
"""

from picoinfuse.common.errors import PicoinfuseError


class FlashError(PicoinfuseError):
    """Base: the image did not get onto the board, or not the one that was meant."""


class BadUf2(FlashError):
    """A file that must not be flashed; nothing was touched. `block` is the first bad one, if it is one."""

    def __init__(self, message: str, block: int | None = None) -> None:
        super().__init__(message if block is None else f"block {block}: {message}")
        self.block = block


class NoSuchImage(BadUf2):
    """There is no such file, or it cannot be read."""


class NotUf2(BadUf2):
    """A magic word is missing."""


class TruncatedUf2(BadUf2):
    """The file ends before its last block."""


class ForeignFamily(BadUf2):
    """Made for another chip than the RP2040, or it does not say for which."""


class BadPayload(BadUf2):
    """A payload is not one 256-byte page of flash."""


class BadAddress(BadUf2):
    """An address is outside the Pico's flash, or not that of a page."""


class BadBlockNumber(BadUf2):
    """Blocks are not numbered 0, 1, 2, … or disagree on how many there are."""


class OverlappingBlocks(BadUf2):
    """Two blocks are for the same page."""


class NotBootable(BadUf2):
    """Nothing is written to the start of flash, where the chip starts."""


class NotMicroPython(BadUf2):
    """The image does not say which MicroPython it is, so it could not be checked once it is on the board."""


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
