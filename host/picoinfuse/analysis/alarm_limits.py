"""The timing of alarm signals that IEC 60601-1-8 asks for, as data.

The numbers come from secondary sources (chip data sheets, manuals), not from the standard's text: what is
checked here "follows IEC 60601-1-8 as reported by secondary sources". Times in seconds, frequencies in hertz.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

INFINITE = float("inf")


@dataclass(frozen=True)
class Limit:
    """What a measured quantity must lie between, both ends included."""

    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class AlarmTiming:
    """One column of the standard's table."""

    pulses: Limit
    pulse: Limit
    spacing: Limit  # between ordinary pulses of a burst: x of HIGH, y of MEDIUM and LOW
    between_bursts: Limit
    melodies: tuple[str, ...]  # the notes of a burst, by name; any one of them
    lamp: str  # the wire of the lamp that must show
    flashes: Limit | None  # None: steady
    duty: Limit | None
    # Only the ten pulses of HIGH have these. Spacing 0 lies between pulses 1 and 2.
    long_spacings: tuple[int, ...] = ()  # 2x + t_d
    pause_spacing: int | None = None  # between the two fives
    pause: Limit | None = None


FUNDAMENTAL = Limit(150, 1000, "Hz")

TIMING = MappingProxyType(
    {
        "high": AlarmTiming(
            pulses=Limit(10, 10, ""),
            pulse=Limit(0.075, 0.200, "s"),
            spacing=Limit(0.050, 0.125, "s"),
            between_bursts=Limit(2.5, 15, "s"),
            melodies=("C5 D4 G4 C5 D4 C5 D4 G4 C5 D4",),
            lamp="lamp_red",
            flashes=Limit(1.4, 2.8, "Hz"),
            duty=Limit(0.20, 0.60, ""),
            long_spacings=(2, 7),
            pause_spacing=4,
            pause=Limit(0.35, 1.30, "s"),
        ),
        "medium": AlarmTiming(
            pulses=Limit(3, 3, ""),
            pulse=Limit(0.125, 0.250, "s"),
            spacing=Limit(0.125, 0.250, "s"),
            between_bursts=Limit(2.5, 30, "s"),
            melodies=("C5 D4 G4",),
            lamp="lamp_yellow",
            flashes=Limit(0.4, 0.8, "Hz"),
            duty=Limit(0.20, 0.60, ""),
        ),
        "low": AlarmTiming(
            pulses=Limit(1, 2, ""),
            pulse=Limit(0.125, 0.250, "s"),
            spacing=Limit(0.125, 0.250, "s"),
            between_bursts=Limit(15, INFINITE, "s"),
            melodies=("E C", "E"),
            lamp="lamp_yellow",
            flashes=None,
            duty=None,
        ),
    }
)

# Equal temperament on A4 = 440 Hz: C5 lies 3 semitones above it, D4 7 below, E4 5 below, G4 2 below.
SEMITONES_FROM_A4 = MappingProxyType({"C5": 3, "D4": -7, "G4": -2, "E": -5, "C": -9})


def note_hz(name: str) -> float:
    """E and C stand without an octave in the sources: E4 and C4 are taken."""
    return 440.0 * 2 ** (SEMITONES_FROM_A4[name] / 12)
