"""An image to flash: check its file, and compare it with what runs afterwards."""

from dataclasses import dataclass
from pathlib import Path

from picoinfuse.common.micropython_versions import check_version
from picoinfuse.flash.errors import WrongFirmware
from picoinfuse.flash.system import Running
from picoinfuse.image import binary_info, info, uf2
from picoinfuse.image.errors import NoInfo, WritesFilesystem

# Where MicroPython's filesystem begins on a Pico: 1408 KB below the end of its 2 MB
# (MICROPY_HW_FLASH_STORAGE_BYTES in ports/rp2/boards/RPI_PICO/mpconfigboard.h).
FILESYSTEM_START = 0x100A0000
FIRMWARE_BYTES = FILESYSTEM_START - uf2.FLASH_START


@dataclass(frozen=True)
class Image:
    """A file that passed every check."""

    file: uf2.Uf2
    micropython: tuple[int, int, int]
    info: info.ImageInfo | None  # of a production image

    @property
    def name(self) -> str:
        """The versions in the image, for messages."""
        micropython = "MicroPython " + dotted(self.micropython)
        if self.info is None:
            return micropython
        return f"picoinfuse {self.info.version} ({self.info.commit}) on {micropython}"


def load(path: Path) -> Image:
    """Read and check an image. Raises BadUf2, UnsupportedMicroPython, or DamagedImage for a production image."""
    file = uf2.read(path)
    if len(file.flash) > FIRMWARE_BYTES:
        raise WritesFilesystem(
            f"{path} writes above {FILESYSTEM_START:#x}, into the filesystem with the calibration, the profile and the "
            "journal; flash an image without a filesystem, then run picoinfuse deploy"
        )
    micropython = binary_info.read(file.flash).micropython
    check_version(micropython, str(path))
    try:
        own = info.read(file.flash)
    except NoInfo:
        own = None
    return Image(file, micropython, own)


def compare(image: Image, running: Running, port: str) -> None:
    """Raise WrongFirmware unless the versions in `running` are those of `image`."""
    if running.micropython[:3] != image.micropython:
        got, wanted = dotted(running.micropython), dotted(image.micropython)
        raise WrongFirmware(f"{port} runs MicroPython {got}, but {wanted} was flashed")
    if image.info is None:
        return
    if running.version is None:
        raise WrongFirmware(f"{port} shows a prompt instead of the pump; is the service strap low?")
    if (running.version, running.commit) != (image.info.version, image.info.commit):
        got = f"picoinfuse {running.version} ({running.commit})"
        raise WrongFirmware(f"{port} runs {got}, but {image.info.version} ({image.info.commit}) was flashed")


def dotted(numbers: tuple[int, ...]) -> str:
    """`(1, 25, 0)` → `1.25.0`."""
    return ".".join(str(number) for number in numbers)
