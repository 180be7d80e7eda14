"""What can go wrong when an image is built or read, by name. What is wrong in a UF2 block carries its number."""

from picoinfuse.common.errors import PicoinfuseError


class ImageError(PicoinfuseError):
    """Base: no image was built, or this file holds none that can be trusted."""


class NoMicroPython(ImageError):
    """MPY_DIR is not a MicroPython source tree that ports/rp2 can be built from."""


class MissingTool(ImageError):
    """A program that the build needs is not installed."""


class BuildFailed(ImageError):
    """CMake or the compiler failed."""


class NoInfo(ImageError):
    """The image is not one of this project's: it has no info block."""


class DamagedImage(ImageError):
    """A CRC does not fit: the image or its info block was changed."""


class BadUf2(ImageError):
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
