"""What happened on the pins and in the line, in nanoseconds since power-on.

A board writes a Trace while it runs (one writer), a test or a report reads it (one reader, from any thread).
Pulses that repeat are kept as a train: 72 h at 100 Hz are 26 million steps, but only as many rows as the rate
changed. Queries unroll only the window that they are asked for; windows are half open, start_ns ≤ t < end_ns.

Between two records a signal holds its value. Before its first record a wire is low and a real is 0, so a wire
that is recorded high at 0 rises at 0. Two records of one signal at one instant: the last counts, for a pulse
without width is none.
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
    """Every signal of one run."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._wires = {name: Wire(name) for name in WIRES}
        self._reals = {name: Real(name) for name in REALS}
        self._end_ns = 0

    # -- what a board writes

    def level(self, signal: str, t_ns: int, level: int) -> None:
        """The wire is at `level` from t_ns on."""
        if level not in (0, 1):
            raise TraceError(f"{signal} is 0 or 1, not {level!r}")
        with self._lock:
            wire = self._wire(signal)
            wire.set_level(t_ns, level)
            self.extend_to(wire.newest_ns)

    def pulses(self, signal: str, t_ns: int, period_ns: int, high_ns: int, count: int) -> None:
        """`count` pulses: rise at t_ns + k·period_ns, fall high_ns later."""
        if count < 1:
            raise TraceError(f"a train on {signal} has at least one pulse, not {count}")
        if not 0 < high_ns < period_ns:
            raise TraceError(f"a pulse of {high_ns} ns on {signal} does not fit a period of {period_ns} ns")
        with self._lock:
            wire = self._wire(signal)
            wire.add_pulses(t_ns, period_ns, high_ns, count)
            self.extend_to(wire.newest_ns)

    def real(self, signal: str, t_ns: int, value: float) -> None:
        """The quantity is `value` from t_ns on."""
        if not math.isfinite(value):
            raise TraceError(f"{signal} is a finite number, not {value}")
        with self._lock:
            self._real(signal).set(t_ns, value)
            self.extend_to(t_ns)

    def extend_to(self, t_ns: int) -> None:
        """The run lasted until t_ns at least, even if nothing changed."""
        with self._lock:
            self._end_ns = max(self._end_ns, t_ns)

    # -- what a reader asks

    @property
    def end_ns(self) -> int:
        """How long the run lasted: the time of the newest record."""
        with self._lock:
            return self._end_ns

    def transitions(
        self, signal: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> tuple[Times, NDArray[np.int8]]:
        """Both edges in the window: their times, and the level from each on."""
        return store.expand(self._columns(signal), *_window(start_ns, end_ns))

    def edges(self, signal: str, rising: bool = True, start_ns: int | None = None, end_ns: int | None = None) -> Times:
        """The times of the rising (or falling) edges in the window."""
        t, level = self.transitions(signal, start_ns, end_ns)
        return t[level == int(rising)]

    def intervals(self, signal: str, start_ns: int | None = None, end_ns: int | None = None) -> Times:
        """From each rising edge in the window to the next."""
        return np.diff(self.edges(signal, True, start_ns, end_ns))

    def count_before(self, signal: str, t_ns: ArrayLike) -> Times:
        """How many rising edges came before each of the times."""
        times = np.minimum(np.asarray(t_ns, dtype=np.int64), _FOREVER_NS)
        return store.count_before(self._columns(signal), times)

    def count(self, signal: str, start_ns: int | None = None, end_ns: int | None = None) -> int:
        """How many rising edges lie in the window."""
        first, last = self.count_before(signal, _window(start_ns, end_ns))
        return int(last - first)

    def level_at(self, signal: str, t_ns: int) -> int:
        """The level of a wire at t_ns, a change at t_ns included."""
        return store.level_at(self._columns(signal), t_ns)

    def values(
        self, signal: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> tuple[Times, NDArray[np.float64]]:
        """The changes of a real in the window: times, and the value from each on."""
        first, last = _window(start_ns, end_ns)
        t, v = self._real_columns(signal)
        rows = slice(int(np.searchsorted(t, first, "left")), int(np.searchsorted(t, last, "left")))
        return t[rows], v[rows]

    def values_at(self, signal: str, t_ns: ArrayLike) -> NDArray[np.float64]:
        """The value of a real at each of the times, a change at that time included."""
        t, v = self._real_columns(signal)
        return np.concatenate(([0.0], v))[np.searchsorted(t, np.asarray(t_ns, dtype=np.int64), "right")]

    def value_at(self, signal: str, t_ns: int) -> float:
        """The value of a real at t_ns, a change at t_ns included."""
        return float(self.values_at(signal, t_ns))

    # -- inside

    def _wire(self, signal: str) -> Wire:
        if signal not in self._wires:
            raise UnknownSignal(f"no wire is called {signal!r}; there are {', '.join(WIRES)}")
        return self._wires[signal]

    def _real(self, signal: str) -> Real:
        if signal not in self._reals:
            raise UnknownSignal(f"no real is called {signal!r}; there are {', '.join(REALS)}")
        return self._reals[signal]

    def _columns(self, signal: str) -> store.Columns:
        with self._lock:
            return self._wire(signal).columns()

    def _real_columns(self, signal: str) -> tuple[Times, NDArray[np.float64]]:
        with self._lock:
            return self._real(signal).columns()


def _window(start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    return (0 if start_ns is None else start_ns), (_FOREVER_NS if end_ns is None else end_ns)
