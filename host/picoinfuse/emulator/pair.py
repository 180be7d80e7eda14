"""Two emulated Picos in one process, with pins wired together: a pump and the instrument that measures it.

They take turns in short slices of time. What the first does in its slice, the second sees at the very nanosecond,
for it comes second; what the second drives, the first sees at the beginning of its next slice, up to a slice late.
So the instrument is the second.
"""

from __future__ import annotations

from collections import deque

from picoinfuse.emulator.device import Pico
from picoinfuse.emulator.nets import Net

SLICE_NS = 50_000


class _Edges:
    """What one wire of the first did in this slice, played to the second in its own."""

    def __init__(self, source: Net, target: Net, pico: Pico) -> None:
        self._target = target
        self._pico = pico
        self._edges: deque[tuple[int, int]] = deque()
        self._schedule = pico.alarm(self._play)
        target.drive(source.level)
        source.listeners.append(self)

    def on_level(self, t_ns: int, level: int) -> None:
        self._edges.append((t_ns, level))
        if len(self._edges) == 1:
            self._schedule(max(0, t_ns - self._pico.now_ns))

    def _play(self) -> None:
        _, level = self._edges.popleft()
        self._target.drive(level)
        if self._edges:
            self._schedule(max(0, self._edges[0][0] - self._pico.now_ns))


class _Follow:
    """What one wire of the second is at, for the first."""

    def __init__(self, source: Net, target: Net) -> None:
        self._source = source
        self._target = target
        self._level: int | None = None

    def follow(self) -> None:
        level = self._source.level
        if level != self._level:
            self._level = level
            self._target.drive(level)


class Pair:
    """`run` lets both go on together."""

    def __init__(self, first: Pico, second: Pico, slice_ns: int = SLICE_NS) -> None:
        self.first = first
        self.second = second
        self._slice_ns = slice_ns
        self._follow: list[_Follow] = []

    def wire(self, pin_of_first: int, pin_of_second: int) -> None:
        """The first drives, the second sees."""
        _Edges(self.first.nets[pin_of_first], self.second.nets[pin_of_second], self.second)

    def wire_back(self, pin_of_second: int, pin_of_first: int) -> None:
        """The second drives, the first sees."""
        self._follow.append(_Follow(self.second.nets[pin_of_second], self.first.nets[pin_of_first]))

    def run(self, duration_ns: int) -> None:
        self._align()
        while duration_ns > 0:
            slice_ns = min(duration_ns, self._slice_ns)
            for wire in self._follow:
                wire.follow()
            self.first.run(slice_ns)
            self.second.run(slice_ns)
            duration_ns -= slice_ns

    def _align(self) -> None:
        """Brings the one that is behind, because the other ran alone, to the other's time."""
        behind_ns = self.first.now_ns - self.second.now_ns
        (self.second if behind_ns > 0 else self.first).run(abs(behind_ns))
