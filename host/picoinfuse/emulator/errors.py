"""What can go wrong around the emulated Pico, by name."""

from picoinfuse.common.errors import PicoinfuseError


class EmulatorError(PicoinfuseError):
    """Base: the emulated Pico cannot be had, or it stopped working."""


class WrongEmulator(EmulatorError):
    """rp2040py is missing, or another version than the one that the cures are for."""


class NoFirmware(EmulatorError):
    """There is no MicroPython image to run, and none could be fetched."""


class UntrustedFirmware(EmulatorError):
    """An image was fetched that is not the one that was pinned; it was not kept."""


class PicoStopped(EmulatorError):
    """The emulated chip executed something that no Pico can go on from."""
