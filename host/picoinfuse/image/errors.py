"""Errors of building and reading an image. An error in a UF2 block carries the number of the block."""

from picoinfuse.common.errors import PicoinfuseError


class ImageError(PicoinfuseError):
    """Base: the image was not built, or the file does not hold a valid one."""


class NoMicroPython(ImageError):
    """MPY_DIR is not a MicroPython source tree that ports/rp2 can be built from."""


class MissingTool(ImageError):
    """A program that the build needs is not installed."""


class BuildFailed(ImageError):
    """CMake or the compiler failed."""


class NoInfo(ImageError):
    """The image has no info block: it is not a production image of this project."""


class DamagedImage(ImageError):
    """A CRC does not match: the image or its info block was changed."""


class BadUf2(ImageError):
    """A file that must not be flashed. `block` is the number of the first invalid block, or None."""

    def __init__(self, message: str, block: int | None = None) -> None:
        super().__init__(message if block is None else f"block {block}: {message}")
        self.block = block


class NoSuchImage(BadUf2):
    """There is no such file, or it cannot be read."""


class NotUf2(BadUf2):
    """A magic word is missing."""


class TruncatedUf2(BadUf2):
    """The file ends before its last block."""


class TooLarge(BadUf2):
    """The file is larger than any valid one."""


class ForeignFamily(BadUf2):
    """Made for another chip than the RP2040, or for none that it names."""


class BadPayload(BadUf2):
    """A payload is not one 256-byte page of flash."""


class BadAddress(BadUf2):
    """An address is outside the Pico's flash, or not the start of a page."""


class BadBlockNumber(BadUf2):
    """Blocks are not numbered 0, 1, 2, …, or disagree on their count."""


class OverlappingBlocks(BadUf2):
    """Two blocks write the same page."""


class NotBootable(BadUf2):
    """Nothing is written to the start of flash, where the chip starts."""


class NotMicroPython(BadUf2):
    """The image does not name its MicroPython version, so what runs afterwards could not be checked."""


class WritesFilesystem(BadUf2):
    """The image writes into the filesystem, where the calibration, the profile and the journal are."""
