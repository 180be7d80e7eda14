"""Storage of one signal of a Trace: columns of integers, converted to numpy arrays on the first query.

A row of a wire is a batch of equal pulses (first rise, period, width, count) or, with count 0, a change to the level in
`high`. The arrays are kept until the next record. The caller (Trace) does the locking.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from picoinfuse.common.errors import PicoinfuseError

Times = NDArray[np.int64]
Columns = tuple[Times, Times, Times, Times]


class TraceError(PicoinfuseError, ValueError):
    """A record or a query is not valid for a trace."""


class UnknownSignal(TraceError):
    """The trace has no signal of this name and kind."""


class OutOfOrder(TraceError):
    """A record is older than the one before it."""


class Overlap(TraceError):
    """A pulse begins before the wire is low again."""


class _Signal:
    """Base of wires and reals: records come in time order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.newest_ns = 0  # time of the newest record, also of one without a change

    def in_order(self, t_ns: int) -> None:
        if t_ns < self.newest_ns:
            raise OutOfOrder(f"{self.name} at {t_ns} ns was recorded after {self.name} at {self.newest_ns} ns")


class Wire(_Signal):
    """One bit over time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._start, self._period, self._high, self._count = (array("q") for _ in range(4))
        self._level = 0
        self._arrays: Columns | None = None

    def set_level(self, t_ns: int, level: int) -> None:
        self.in_order(t_ns)
        self.newest_ns = t_ns
        if level == self._level:
            return
        if t_ns == self._changed_ns():
            if self._count[-1]:
                raise Overlap(f"{self.name} rises at {t_ns} ns, the time at which the last pulse falls")
            for column in (self._start, self._period, self._high, self._count):
                column.pop()  # it changed and changed back at one instant
            self._arrays = None
        else:
            self._append(t_ns, 1, level, 0)
        self._level = level

    def add_pulses(self, t_ns: int, period_ns: int, high_ns: int, count: int) -> None:
        self.in_order(t_ns)
        if self._level or t_ns == self._changed_ns():
            raise Overlap(f"pulses on {self.name} begin at {t_ns} ns, before the wire is low")
        if self._continues(t_ns, period_ns, high_ns):
            self._count[-1] += count
            self._arrays = None
        else:
            self._append(t_ns, period_ns, high_ns, count)
        self.newest_ns = self._changed_ns()

    def columns(self) -> Columns:
        """The rows as int64 arrays: start (ns), period (ns), high (ns), count."""
        if self._arrays is None:
            start, period, high, count = (
                np.array(c, dtype=np.int64) for c in (self._start, self._period, self._high, self._count)
            )
            self._arrays = start, period, high, count
        return self._arrays

    def _append(self, start: int, period: int, high: int, count: int) -> None:
        self._start.append(start)
        self._period.append(period)
        self._high.append(high)
        self._count.append(count)
        self._arrays = None

    def _changed_ns(self) -> int:
        if not self._start:
            return -1
        if self._count[-1] == 0:
            return self._start[-1]
        return self._start[-1] + (self._count[-1] - 1) * self._period[-1] + self._high[-1]

    def _continues(self, start: int, period: int, high: int) -> bool:
        return (
            bool(self._count)
            and self._count[-1] > 0
            and (self._period[-1], self._high[-1]) == (period, high)
            and start == self._start[-1] + self._count[-1] * period
        )


class Real(_Signal):
    """One number over time: its changes."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._t, self._v = array("q"), array("d")
        self._arrays: tuple[Times, NDArray[np.float64]] | None = None

    def set(self, t_ns: int, value: float) -> None:
        self.in_order(t_ns)
        self.newest_ns = t_ns
        if self._t and self._t[-1] == t_ns:
            self._t.pop()
            self._v.pop()
        if value != (self._v[-1] if self._v else 0.0):
            self._t.append(t_ns)
            self._v.append(value)
        self._arrays = None

    def columns(self) -> tuple[Times, NDArray[np.float64]]:
        """Times (int64, ns) and values (float64) of the changes."""
        if self._arrays is None:
            self._arrays = np.array(self._t, dtype=np.int64), np.array(self._v, dtype=np.float64)
        return self._arrays


def expand(columns: Columns, first: int, last: int) -> tuple[Times, NDArray[np.int8]]:
    """Edges of both directions with first ≤ t < last: times (ns) and new levels. Unrolls only pulses in the window."""
    start, period, high, count = columns
    ends = np.where(count == 0, start, start + (count - 1) * period + high)
    rows = slice(int(np.searchsorted(ends, first, "left")), int(np.searchsorted(start, last, "left")))
    start, period, high, count = start[rows], period[rows], high[rows], count[rows]
    skipped = np.where(count > 0, np.maximum(0, (first - start - high) // period), 0)
    start = start + skipped * period
    kept = np.minimum(count - skipped, -((start - last) // period))
    changes = np.where(count == 0, 1, 2 * kept)
    row = np.repeat(np.arange(len(start)), changes)
    k = np.arange(len(row)) - np.repeat(np.cumsum(changes) - changes, changes)
    falling, in_train = k & 1, count[row] > 0
    t = start[row] + (k >> 1) * period[row] + np.where(in_train, falling * high[row], 0)
    level = np.where(in_train, 1 - falling, high[row]).astype(np.int8)
    inside = (t >= first) & (t < last)
    return t[inside], level[inside]


def count_before(columns: Columns, t: Times) -> Times:
    """Number of rising edges before each of the times. Does not unroll pulses."""
    start, period, high, count = columns
    if not len(start):
        return np.zeros_like(t)
    rises = np.where(count == 0, high, count)
    total = np.concatenate(([0], np.cumsum(rises)))
    begun = np.searchsorted(start, t, "left")
    last = np.maximum(begun - 1, 0)
    of_last = np.clip(-((start[last] - t) // period[last]), 0, rises[last])
    return np.where(begun == 0, 0, total[last] + of_last)


def level_at(columns: Columns, t_ns: int) -> int:
    """The level at `t_ns`, including a change at `t_ns`."""
    start, period, high, count = columns
    row = int(np.searchsorted(start, t_ns, "right")) - 1
    if row < 0:
        return 0
    if count[row] == 0:
        return int(high[row])
    pulse, phase = divmod(t_ns - int(start[row]), int(period[row]))
    return int(pulse < count[row] and phase < high[row])
