"""Errors of the host tool.

Each message is one sentence that a user can act on; the command line prints it unchanged. `PicoinfuseError` is the
base of all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


class PicoinfuseError(Exception):
    """Base of all errors that picoinfuse raises on purpose."""


def os_error_text(error: OSError) -> str:
    """One sentence: the file, if the error names one, and what the system says."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}" if error.filename is not None else f"cannot write: {reason}"


class NotAClone(PicoinfuseError):
    """A file of the repository is needed, but picoinfuse does not run from a clone."""


class BadQuantity(PicoinfuseError):
    """A text is not a rate, a volume or a dose."""


class FrameError(PicoinfuseError):
    """A line is not a valid frame. `code` is the protocol's name for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PortError(PicoinfuseError):
    """The serial port cannot be used. `url` names it."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(message)
        self.url = url


class PortNotFound(PortError):
    """No such port, or nothing listens there."""


class PortBusy(PortError):
    """Another program uses the port."""


class PortDenied(PortError):
    """The user may not open the port."""


class PortVanished(PortError):
    """The open port is gone: unplugged, or the board was reset."""


class PortStalled(PortError):
    """The port accepts no data."""


class NoBoard(PicoinfuseError):
    """No port was named and not exactly one Pico is plugged in."""


class LinkClosed(PicoinfuseError):
    """The link is used after `close()`, or a callback tries to send a request."""


class NoAnswer(PicoinfuseError):
    """No reply came, although the request was repeated."""


class NotAPump(PicoinfuseError):
    """What answers at the port is not the pump's firmware."""


class ReplAnswers(NotAPump):
    """What answers at the port is a MicroPython prompt."""

    def __init__(self, url: str) -> None:
        super().__init__(f"the board at {url} shows a MicroPython prompt; deploy the firmware first")


class BadReply(PicoinfuseError):
    """A reply or a notification is not what the protocol says: `field` of `method` is missing or wrong."""

    def __init__(self, method: str, field: str, expected: str, found: str) -> None:
        """`found`: the wrong value as repr() shows it."""
        super().__init__(
            f"the pump's reply to {method} is malformed: {field} must be {expected}, not {found}; "
            "deploy the firmware again if this repeats"
        )
        self.method = method
        self.field = field
        self.expected = expected
        self.found = found


class OtherProtocol(PicoinfuseError):
    """The pump speaks another version of the protocol."""


class CalibrationNotInForce(PicoinfuseError):
    """After its reset the pump does not use the calibration that was set."""


class SelfTestFailed(PicoinfuseError):
    """The pump is in fault because its self-test failed. `tests` names the tests that failed."""

    def __init__(self, tests: list[str]) -> None:
        self.tests = tests
        names = ", ".join(name.replace("_", " ") for name in tests)
        super().__init__(f"the pump is in fault: its self-test failed at {names}; `picoinfuse status` shows the alarms")


class NoAlarm(PicoinfuseError):
    """An expected alarm did not occur in time."""


class PumpError(PicoinfuseError):
    """The pump refused a request. `code` is one of the codes of docs/protocol.md."""

    def __init__(self, code: str, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(f"the pump refused ({code}): {message}")
        self.code = code
        self.message = message
        self.data: dict[str, Any] = data or {}


@dataclass(frozen=True)
class Mistake:
    """One mistake in a file. `name` is the kind of mistake, for tests and programs."""

    name: str
    line: int
    message: str


class FileError(PicoinfuseError):
    """A file that a person wrote is wrong. It carries every mistake; `line` is that of the first."""

    def __init__(self, file: Path, mistakes: list[Mistake]) -> None:
        self.file = file
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line)
        self.line = self.mistakes[0].line
        super().__init__("\n".join(f"{file}:{m.line}: {m.message}" for m in self.mistakes))


class ProfileError(FileError):
    """A profile is wrong."""


class RegimenError(FileError):
    """A regimen is wrong."""


class LibraryError(FileError):
    """A drug library is wrong."""


class RigError(FileError):
    """A rig file is wrong."""


class FileNotReadable(PicoinfuseError):
    """A file that a person named does not exist or cannot be read."""


class ProfileNotFound(FileNotReadable):
    """No profile of that name or path."""


class RegimenNotFound(FileNotReadable):
    """No regimen at that path."""


class LibraryNotFound(FileNotReadable):
    """No drug library at that path."""


class RigNotFound(FileNotReadable):
    """No rig file at that path."""


class DeployError(PicoinfuseError):
    """The firmware was not deployed, or another one runs."""


class BuildError(DeployError):
    """The firmware could not be compiled for the board."""


class UnsupportedBoard(DeployError):
    """Not a Pico with a supported MicroPython; the board is unchanged."""


class FilesystemFull(DeployError):
    """The board's filesystem lacks room; the board is unchanged."""


class UnsupportedMicroPython(PicoinfuseError):
    """The firmware does not support this MicroPython version."""
