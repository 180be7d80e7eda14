"""The MicroPython versions that the firmware supports."""

from picoinfuse.common.errors import UnsupportedMicroPython

OLDEST = (1, 25)
NEWEST = (1, 29)


def check_version(version: tuple[int, ...], what: str) -> None:
    """Raise UnsupportedMicroPython for a version out of range. `what` names the image or board in the message."""
    if not OLDEST <= version[:2] <= NEWEST:
        shown, oldest, newest = (".".join(map(str, numbers)) for numbers in (version[:3], OLDEST, NEWEST))
        raise UnsupportedMicroPython(f"{what} is MicroPython {shown}; this firmware is made for {oldest} to {newest}")
