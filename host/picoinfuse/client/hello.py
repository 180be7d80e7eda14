"""The identity of the pump: the reply to `hello`, the first request of every connection."""

from dataclasses import dataclass
from typing import Annotated, Literal

from picoinfuse.client.method import Query
from picoinfuse.client.wire import BootNumber, LibraryId, Range, Ratio, Version, Word


@dataclass(frozen=True)
class Hello:
    """The pump's identity, and the boot number that its commands must carry."""

    name: Literal["picoinfuse"]
    """The firmware's name."""
    version: Word
    """Version of the firmware."""
    commit: Word
    """Commit that the firmware was built from, or `unknown`."""
    micropython: Version
    """Version of MicroPython."""
    machine: Word
    """The board, as MicroPython names it."""
    profile: Word | None
    """Name of the profile; null when the pump has no valid one."""
    unique_id: Word
    """The chip's unique id, in hex."""
    calibration: Ratio | None
    """Calibration factor in force; null when it is not known."""
    library: LibraryId | None
    """Name, version and CRC of the drug library in force."""
    boot: BootNumber
    """Counts boots. A command must carry it."""
    protocol: Annotated[int, Range(1, 1)]
    """Version of this protocol."""


HELLO = Query("hello", Hello)
