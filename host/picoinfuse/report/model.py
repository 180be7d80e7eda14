"""What a run report is made from. Times are seconds of the trace, volumes nL, rates µL/h, pressures Pa.

An end of None means: it lasted to the end of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from picoinfuse.trace.trace import Trace


@dataclass(frozen=True)
class AlarmSpan:
    """An alarm, from when it was raised until it was no longer active."""

    name: str
    priority: str  # high, medium, low
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True)
class StateSpan:
    """The pump's state over a time."""

    state: str
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True)
class OrderedSpan:
    """A rate that the operator ordered, for as long as the order held: until the next, a stop or an alarm."""

    rate_ul_h: int
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True)
class ClosedSpan:
    """The line to the patient was closed."""

    start_s: float
    end_s: float | None = None


@dataclass(frozen=True)
class Marker:
    """Something that somebody did, at a time."""

    t_s: float
    text: str


@dataclass(frozen=True)
class Run:
    """One run. Only what is drawn between start_s and end_s (None: the end of the trace) counts."""

    title: str
    facts: Mapping[str, str]
    trace: Trace
    alarms: Sequence[AlarmSpan] = ()
    commands: Sequence[Marker] = ()
    states: Sequence[StateSpan] = ()
    ordered: Sequence[OrderedSpan] = ()
    closed: Sequence[ClosedSpan] = ()
    limit_pa: int | None = None
    counted_nl: int | None = None  # what the pump itself says it gave
    notes: Sequence[str] = ()
    start_s: float = 0.0
    end_s: float | None = None

    @property
    def until_s(self) -> float:
        """The end of the run; never before its start."""
        return max(self.start_s, self.trace.end_ns / 1e9 if self.end_s is None else self.end_s)

    @property
    def seconds(self) -> float:
        return self.until_s - self.start_s
