"""Levels of the pins and quantities of the fluid path over a run, in ns since power-on.

A board writes a Trace while it runs (one writer); a test or a report reads it (one reader, from any thread). Equal
pulses are stored as one row: 72 h at 100 Hz are 26 million steps, but only one row for each change of rate. A query
unrolls pulses only within its window. Windows are half open: start_ns ≤ t < end_ns, and empty when end_ns ≤ start_ns.

A signal keeps its value between two records. Before its first record a wire is low and a real is 0, so a wire recorded
high at 0 has a rising edge at 0. Of two records of one signal at the same time, the later one counts.
"""

from __future__ import annotations

import math
from threading import RLock

import numpy as np
from numpy.typing import ArrayLike, NDArray

from picoinfuse.trace import store
from picoinfuse.trace.store import OutOfOrder, Overlap, Real, Times, TraceError, UnknownSignal, Wire

__all__ = ["REALS", "WIRES", "OutOfOrder", "Overlap", "Times", "Trace", "TraceError", "UnknownSignal"]

WIRES = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow")
REALS = ("pressure_pa", "delivered_nl", "patient_nl")

_FOREVER_NS = 1 << 62


class Trace:
    """All signals of one run: WIRES with levels 0 and 1, REALS with float values (Pa, nL)."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._wires = {name: Wire(name) for name in WIRES}
        self._reals = {name: Real(name) for name in REALS}
        self._end_ns = 0

    # -- writing

    def level(self, signal: str, t_ns: int, level: int) -> None:
        """Records that the wire is at `level` (0 or 1) from `t_ns` on.

        Raises UnknownSignal, OutOfOrder, Overlap, or TraceError for another level.
        """
        if level not in (0, 1):
            raise TraceError(f"the level of {signal} is 0 or 1, not {level!r}")
        with self._lock:
            wire = self._wire(signal)
            wire.set_level(t_ns, level)
            self.extend_to(wire.newest_ns)

    def pulses(self, signal: str, t_ns: int, period_ns: int, high_ns: int, count: int) -> None:
        """Records `count` pulses: each rises at t_ns + k·period_ns and falls high_ns later.

        Raises UnknownSignal, OutOfOrder, Overlap, or TraceError for pulses that do not fit their period.
        """
        if count < 1:
            raise TraceError(f"{count} pulses on {signal}: at least one is needed")
        if not 0 < high_ns < period_ns:
            raise TraceError(f"a pulse of {high_ns} ns on {signal} does not fit a period of {period_ns} ns")
        with self._lock:
            wire = self._wire(signal)
            wire.add_pulses(t_ns, period_ns, high_ns, count)
            self.extend_to(wire.newest_ns)

    def real(self, signal: str, t_ns: int, value: float) -> None:
        """Records that the quantity is `value` from `t_ns` on.

        Raises UnknownSignal, OutOfOrder, or TraceError for a value that is not finite.
        """
        if not math.isfinite(value):
            raise TraceError(f"the value of {signal} must be finite, not {value}")
        with self._lock:
            self._real(signal).set(t_ns, value)
            self.extend_to(t_ns)

    def extend_to(self, t_ns: int) -> None:
        """Records that the run lasted at least until `t_ns`, even without a change."""
        with self._lock:
            self._end_ns = max(self._end_ns, t_ns)

    # -- reading

    @property
    def end_ns(self) -> int:
        """Duration of the run: the time of the newest record, in ns."""
        with self._lock:
            return self._end_ns

    def transitions(
        self, signal: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> tuple[Times, NDArray[np.int8]]:
        """Edges of both directions in the window: times (int64, ns) and the levels after them (int8)."""
        return store.expand(self._columns(signal), *_window(start_ns, end_ns))

    def edges(self, signal: str, rising: bool = True, start_ns: int | None = None, end_ns: int | None = None) -> Times:
        """Times (int64, ns) of the rising or falling edges in the window."""
        t, level = self.transitions(signal, start_ns, end_ns)
        return t[level == int(rising)]

    def intervals(self, signal: str, start_ns: int | None = None, end_ns: int | None = None) -> Times:
        """Times (int64, ns) from each rising edge in the window to the next."""
        return np.diff(self.edges(signal, True, start_ns, end_ns))

    def count_before(self, signal: str, t_ns: ArrayLike) -> Times:
        """Number of rising edges before each of the times `t_ns` (a scalar or an array)."""
        times = np.minimum(np.asarray(t_ns, dtype=np.int64), _FOREVER_NS)
        return store.count_before(self._columns(signal), times)

    def count(self, signal: str, start_ns: int | None = None, end_ns: int | None = None) -> int:
        """Number of rising edges in the window."""
        first, last = self.count_before(signal, _window(start_ns, end_ns))
        return int(last - first)

    def level_at(self, signal: str, t_ns: int) -> int:
        """The level of a wire at `t_ns`, including a change at `t_ns`."""
        return store.level_at(self._columns(signal), t_ns)

    def values(
        self, signal: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> tuple[Times, NDArray[np.float64]]:
        """Changes of a real in the window: times (int64, ns) and the values after them (float64)."""
        first, last = _window(start_ns, end_ns)
        t, v = self._real_columns(signal)
        rows = slice(int(np.searchsorted(t, first, "left")), int(np.searchsorted(t, last, "left")))
        return t[rows], v[rows]

    def values_at(self, signal: str, t_ns: ArrayLike) -> NDArray[np.float64]:
        """The value of a real at each of the times, including a change at that time."""
        t, v = self._real_columns(signal)
        return np.concatenate(([0.0], v))[np.searchsorted(t, np.asarray(t_ns, dtype=np.int64), "right")]

    def value_at(self, signal: str, t_ns: int) -> float:
        """The value of a real at `t_ns`, including a change at `t_ns`."""
        return float(self.values_at(signal, t_ns))

    def _wire(self, signal: str) -> Wire:
        if signal not in self._wires:
            raise UnknownSignal(f"unknown wire {signal!r}; the wires are {', '.join(WIRES)}")
        return self._wires[signal]

    def _real(self, signal: str) -> Real:
        if signal not in self._reals:
            raise UnknownSignal(f"unknown real {signal!r}; the reals are {', '.join(REALS)}")
        return self._reals[signal]

    def _columns(self, signal: str) -> store.Columns:
        with self._lock:
            return self._wire(signal).columns()

    def _real_columns(self, signal: str) -> tuple[Times, NDArray[np.float64]]:
        with self._lock:
            return self._real(signal).columns()


def _window(start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    start_ns = 0 if start_ns is None else start_ns
    return start_ns, max(start_ns, _FOREVER_NS if end_ns is None else end_ns)
