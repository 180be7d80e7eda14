"""An image that may be flashed: what its file says it is, and whether that is what runs afterwards."""

from dataclasses import dataclass
from pathlib import Path

from picoinfuse.common.micropython_versions import check_version
from picoinfuse.flash.errors import WrongFirmware
from picoinfuse.flash.system import Running
from picoinfuse.image import binary_info, info, uf2
from picoinfuse.image.errors import NoInfo


@dataclass(frozen=True)
class Image:
    """A file that passed every check."""

    file: uf2.Uf2
    micropython: tuple[int, int, int]
    info: info.ImageInfo | None  # of a production image

    @property
    def name(self) -> str:
        micropython = "MicroPython " + dotted(self.micropython)
        if self.info is None:
            return micropython
        return f"picoinfuse {self.info.version} ({self.info.commit}) on {micropython}"


def load(path: Path) -> Image:
    """Raises BadUf2, UnsupportedMicroPython, or DamagedImage for one of this project's own; nothing was touched."""
    file = uf2.read(path)
    micropython = binary_info.read(file.flash).micropython
    check_version(micropython, str(path))
    try:
        own = info.read(file.flash)
    except NoInfo:
        own = None
    return Image(file, micropython, own)


def compare(image: Image, running: Running, port: str) -> None:
    """Raises WrongFirmware unless `running` is what `image` holds."""
    if running.micropython[:3] != image.micropython:
        got, wanted = dotted(running.micropython), dotted(image.micropython)
        raise WrongFirmware(f"{port} runs MicroPython {got}, flashed was {wanted}")
    if image.info is None:
        return
    if running.version is None:
        raise WrongFirmware(f"{port} shows a prompt in place of the pump; is the service strap low?")
    if (running.version, running.commit) != (image.info.version, image.info.commit):
        got = f"picoinfuse {running.version} ({running.commit})"
        raise WrongFirmware(f"{port} runs {got}, flashed was {image.info.version} ({image.info.commit})")


def dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in numbers)
