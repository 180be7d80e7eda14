"""What can go wrong when the production image is built or read, by name."""

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
