"""Tones, bursts and flashes of an alarm, measured on the piezo's and the lamps' pins, against the table.

    for row in check(trace, "high", start_s, end_s):
        assert row.ok, row

The piezo's pin carries a square wave. Carrier cycles that follow each other within 20 ms are one pulse (the
lowest tone, 150 Hz, has 6.7 ms), pulses that follow each other within 1.9 s are one burst (the longest rest
in a burst is 1.3 s, the shortest between two is 2.5 s). A pulse lasts from its first rise to its last fall,
so it is measured up to half a carrier cycle short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from picoinfuse.analysis.alarm_limits import FUNDAMENTAL, TIMING, AlarmTiming, Limit, note_hz
from picoinfuse.trace.trace import Trace

PULSE_GAP_S = 0.020
BURST_GAP_S = 1.9
# The table gives no tolerance for the 2x + t_d between pulses 3 and 4. Two passes of the pump's 10 ms loop.
LONG_SPACING_SLACK_S = 0.020
# Half a semitone, so that a note is nearer to its own name than to the next.
NOTE_SLACK = 2 ** (0.5 / 12) - 1


@dataclass(frozen=True)
class Pulse:
    """One tone. A single carrier cycle has no frequency: 0."""

    start_s: float
    duration_s: float
    frequency_hz: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


Burst = tuple[Pulse, ...]


@dataclass(frozen=True)
class Flashes:
    """How a lamp behaved: frequency, 0 when it rose less than twice, and the share of the time it was lit."""

    frequency_hz: float
    duty: float


@dataclass(frozen=True)
class Row:
    """One line of the comparison: smallest and largest value seen, None when nothing was, and the limits."""

    name: str
    seen: tuple[float, float] | None
    limit: Limit

    @property
    def ok(self) -> bool:
        return self.seen is not None and self.limit.low <= self.seen[0] and self.seen[1] <= self.limit.high


def pulses(trace: Trace, start_s: float = 0.0, end_s: float | None = None) -> list[Pulse]:
    """The tones in the window, in order."""
    window = round(start_s * 1e9), trace.end_ns + 1 if end_s is None else round(end_s * 1e9)
    rises, falls = trace.edges("piezo", True, *window) / 1e9, trace.edges("piezo", False, *window) / 1e9
    falls = falls[np.searchsorted(falls, rises[0]) :] if len(rises) else falls[:0]
    rises = rises[: len(falls)]  # a cycle that the window cuts is left out
    gaps = np.flatnonzero(rises[1:] - falls[:-1] > PULSE_GAP_S) + 1
    found = []
    for rise, fall in zip(np.split(rises, gaps), np.split(falls, gaps), strict=True):
        if len(rise):
            cycles = len(rise) - 1
            frequency_hz = cycles / float(rise[-1] - rise[0]) if cycles else 0.0
            found.append(Pulse(float(rise[0]), float(fall[-1] - rise[0]), frequency_hz))
    return found


def bursts(tones: Iterable[Pulse]) -> list[Burst]:
    """The tones, grouped where silence is longer than any rest inside a burst."""
    groups: list[list[Pulse]] = []
    for tone in tones:
        if groups and tone.start_s - groups[-1][-1].end_s <= BURST_GAP_S:
            groups[-1].append(tone)
        else:
            groups.append([tone])
    return [tuple(group) for group in groups]


def flashes(trace: Trace, signal: str, start_s: float, end_s: float) -> Flashes:
    """Frequency and duty of a lamp in the window, over whole periods when it flashes; 0 and 0 in an empty one."""
    start_ns, end_ns = round(start_s * 1e9), round(end_s * 1e9)
    if end_ns <= start_ns:
        return Flashes(0.0, 0.0)
    rises = trace.edges(signal, True, start_ns, end_ns)
    if len(rises) < 2:
        return Flashes(0.0, _lit_ns(trace, signal, start_ns, end_ns) / (end_ns - start_ns))
    first, last = int(rises[0]), int(rises[-1])
    duty = _lit_ns(trace, signal, first, last) / (last - first)
    return Flashes((len(rises) - 1) * 1e9 / (last - first), duty)


def check(trace: Trace, priority: str, start_s: float, end_s: float) -> list[Row]:
    """Every row of the table. The window begins in silence; a burst that its end cuts is not judged."""
    table = TIMING[priority]
    heard = bursts(pulses(trace, start_s, end_s))
    if heard and end_s - heard[-1][-1].end_s <= BURST_GAP_S:
        heard.pop()
    rows = _sound_rows(table, heard)
    lamp = flashes(trace, table.lamp, start_s, end_s)
    if table.flashes is not None and table.duty is not None:
        rows.append(Row(f"{table.lamp} flashes", _span([lamp.frequency_hz]), table.flashes))
        rows.append(Row(f"{table.lamp} duty", _span([lamp.duty]), table.duty))
    else:
        rows.append(Row(f"{table.lamp} lit", _span([lamp.duty]), Limit(1, 1, "")))
    return rows


def _sound_rows(table: AlarmTiming, heard: Sequence[Burst]) -> list[Row]:
    tones = [tone for burst in heard for tone in burst]
    rests = [_spacings(burst) for burst in heard]
    special = {*table.long_spacings, table.pause_spacing}
    ordinary = [rest for of_burst in rests for k, rest in enumerate(of_burst) if k not in special]
    between = [after[0].start_s - before[-1].end_s for before, after in pairwise(heard)]
    rows = [
        Row("pulses in a burst", _span([len(burst) for burst in heard]), table.pulses),
        Row("pulse", _span([tone.duration_s for tone in tones]), table.pulse),
    ]
    if table.pulses.high > 1 and (ordinary or table.pulses.low > 1):
        rows.append(Row("spacing", _span(ordinary), table.spacing))
    if table.pause is not None:
        pauses = [rest for of_burst in rests for k, rest in enumerate(of_burst) if k == table.pause_spacing]
        excess = [value for burst in heard for value in _long_excess(burst, table)]
        slack = Limit(-LONG_SPACING_SLACK_S, LONG_SPACING_SLACK_S, "s")
        rows.append(Row("spacing 3-4 less 2x + t_d", _span(excess), slack))
        rows.append(Row("spacing 5-6", _span(pauses), table.pause))
    if between or table.between_bursts.high != float("inf"):  # LOW need not repeat
        rows.append(Row("between bursts", _span(between), table.between_bursts))
    rows.append(Row("fundamental", _span([tone.frequency_hz for tone in tones]), FUNDAMENTAL))
    off = [_off_melody(burst, table.melodies) for burst in heard]
    rows.append(Row("off the melody", _span(off), Limit(0, NOTE_SLACK, "")))
    return rows


def _spacings(burst: Burst) -> list[float]:
    return [after.start_s - before.end_s for before, after in pairwise(burst)]


def _long_excess(burst: Burst, table: AlarmTiming) -> list[float]:
    """By how much each long rest differs from 2x + t_d, with this burst's own mean x and t_d."""
    rests = _spacings(burst)
    special = {*table.long_spacings, table.pause_spacing}
    ordinary = [rest for k, rest in enumerate(rests) if k not in special]
    if not ordinary:
        return []
    expected = 2 * float(np.mean(ordinary)) + float(np.mean([tone.duration_s for tone in burst]))
    return [rests[k] - expected for k in table.long_spacings if k < len(rests)]


def _off_melody(burst: Burst, melodies: Sequence[str]) -> float:
    """How far the worst note is from the best-fitting melody: ratio less 1; infinite when one is missing."""
    return min(_off_notes(burst, melody.split()) for melody in melodies)


def _off_notes(burst: Burst, notes: Sequence[str]) -> float:
    if len(burst) != len(notes):
        return float("inf")
    return max(_off_note(tone.frequency_hz, name) for tone, name in zip(burst, notes, strict=True))


def _off_note(frequency_hz: float, name: str) -> float:
    if frequency_hz == 0:
        return float("inf")
    octaves = float(np.log2(frequency_hz / note_hz(name)))
    if not name[-1].isdigit():  # a note without an octave may lie in any
        octaves -= round(octaves)
    return 2 ** abs(octaves) - 1


def _lit_ns(trace: Trace, signal: str, start_ns: int, end_ns: int) -> int:
    t, level = trace.transitions(signal, start_ns, end_ns)
    times = np.concatenate(([start_ns], t, [end_ns]))
    levels = np.concatenate(([trace.level_at(signal, start_ns)], level))
    return int(np.sum(np.diff(times) * levels))


def _span(values: Sequence[float]) -> tuple[float, float] | None:
    return (float(min(values)), float(max(values))) if values else None
