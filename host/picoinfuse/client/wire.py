"""The kinds of values that replies are made of, with their limits. `decode.py` checks a reply against them.

A field of a reply is annotated with one of these, so its type, limits and unit stand in one place. The limits
are those that the firmware can reach, or wider where only a physical bound exists: they are there to reject
nonsense, not to check a therapy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from picoinfuse.dosing.units import AMOUNTS, PER_HOUR


@dataclass(frozen=True)
class Range:
    """Limits of an integer, both allowed."""

    low: int
    high: int


@dataclass(frozen=True)
class Text:
    """Limits of a string: printable, `least` to `most` characters, and of the form `pattern` when there is one.

    `what` and `example` say in words what is allowed, for the documentation and for errors.
    """

    most: int
    pattern: str | None = None
    what: str = "a text"
    example: str = "text"
    least: int = 1


@dataclass(frozen=True)
class Length:
    """Limits of the number of elements in a list."""

    low: int
    high: int


@dataclass(frozen=True)
class ByName:
    """The values of an object, where the kind of each follows from its name."""

    kind_of: Callable[[str], Any]


# Text
Name = Annotated[str, Text(40, r"[a-z][a-z0-9_]*", "a name", "air_in_line")]
FreeText = Annotated[str, Text(256)]
Word = Annotated[str, Text(64)]
Version = Annotated[str, Text(24, r"\d{1,6}(\.\d{1,6}){1,3}", "a version", "1.25.0")]
Ratio = Annotated[str, Text(40, r"[1-9]\d{0,17}/[1-9]\d{0,17}", "a ratio", "1031/1000")]
Date = Annotated[str, Text(10, r"\d{4}-\d{2}-\d{2}", "a date", "2026-11-22")]
Base64 = Annotated[
    str, Text(700, r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", "base64", "AAECAw==", least=0)
]
DrugName = Annotated[str, Text(24, r"[a-z0-9-]+", "a drug's name", "morphine")]
LibraryId = Annotated[str, Text(42, r"[a-z0-9-]+ \d+ [0-9a-f]{8}", "a library", "ward-3 7 0a1b2c3d")]
Amount = Annotated[str, Text(8, "|".join(AMOUNTS), "a unit of amounts", "mg")]
DoseUnit = Annotated[str, Text(16, f"({'|'.join(AMOUNTS)})(/kg)?/({'|'.join(PER_HOUR)})", "a unit of doses", "mg/h")]

# Choices. A test holds them against the firmware's own tables.
State = Literal["self_test", "idle", "infusing", "paused", "alarm_stopped", "fault", "service"]
Priority = Literal["low", "medium", "high"]
OcclusionLevelName = Literal["low", "medium", "high"]

# Numbers. 2**30 is the span of the Pico's small integers and of its millisecond clock.
Count = Annotated[int, Range(0, 2**40)]
Index = Annotated[int, Range(0, 2**30)]
BootNumber = Annotated[int, Range(0, 2**32)]
SignedMs = Annotated[int, Range(-(2**30), 2**30)]  # a difference of two clock readings; wraps after 6.2 days
Token = Annotated[int, Range(1, 2**24 - 1)]
RateUlH = Annotated[int, Range(0, 4_000_000)]  # above basal and bolus together, each at most 1,200,000
SignedRateUlH = Annotated[int, Range(-4_000_000, 4_000_000)]  # negative while the plunger is drawn back
VolumeNl = Annotated[int, Range(0, 10**13)]  # 10,000 L, the largest VTBI of the protocol
SignedVolumeNl = Annotated[int, Range(-(10**13), 10**13)]
TotalNl = Annotated[int, Range(0, 12 * 10**17)]  # a regimen's: 12 segments of at most 10**13 nL, 10,000 times
TotalS = Annotated[int, Range(0, 4 * 10**12)]  # a regimen's: 12 segments of at most 366 days, 10,000 times
PressurePa = Annotated[int, Range(-10_000_000, 10_000_000)]
Milli = Annotated[int, Range(0, 10**15)]  # thousandths of a unit of dose or amount
WeightG = Annotated[int, Range(1, 500_000)]
Millivolts = Annotated[int, Range(0, 100_000)]


@dataclass(frozen=True)
class StateReply:
    """The pump's state after the method."""

    state: State
    """State now."""
