"""Errors of the emulated Pico."""

from picoinfuse.common.errors import PicoinfuseError


class EmulatorError(PicoinfuseError):
    """Base class: the emulated Pico is not available, stopped working, or lacks a capability."""


class WrongEmulator(EmulatorError):
    """rp2040py is missing, or is not the version that the patches are for."""


class NoFirmware(EmulatorError):
    """No MicroPython image was found, and none could be downloaded."""


class UntrustedFirmware(EmulatorError):
    """A downloaded image does not have the pinned SHA-256; it was not kept."""


class PicoStopped(EmulatorError):
    """The emulated chip executed something from which a Pico cannot continue."""
