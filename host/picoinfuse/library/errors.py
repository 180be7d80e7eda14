"""What can be wrong with a drug library."""

from pathlib import Path

from picoinfuse.common.errors import Mistake, PicoinfuseError


class LibraryError(PicoinfuseError):
    """A library is wrong. It carries every mistake."""

    def __init__(self, file: Path, mistakes: list[Mistake]) -> None:
        self.file = file
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line)
        super().__init__("\n".join(f"{file}:{m.line}: {m.message}" for m in self.mistakes))


class LibraryNotFound(PicoinfuseError):
    """No such file, or it cannot be read."""
