"""Two emulated Picos in one process with pins wired together: a pump, and the instrument that measures it.

They run alternately in short slices of time. The second sees the edges of the first at their exact times; the first
sees those of the second at the beginning of its next slice, up to a slice late. So the instrument is the second.
"""

from __future__ import annotations

from collections import deque

from picoinfuse.emulator.device import Pico
from picoinfuse.emulator.nets import Net

SLICE_NS = 50_000


class _Edges:
    """Records the edges of a wire of the first in its slice, and plays them to the second in its own."""

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
    """Copies the level of a wire of the second to a wire of the first."""

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
    """Runs two Picos together; `wire` and `wire_back` connect their pins."""

    def __init__(self, first: Pico, second: Pico, slice_ns: int = SLICE_NS) -> None:
        self.first = first
        self.second = second
        self._slice_ns = slice_ns
        self._follow: list[_Follow] = []

    def wire(self, pin_of_first: int, pin_of_second: int) -> None:
        """Connects an output of the first to an input of the second."""
        _Edges(self.first.nets[pin_of_first], self.second.nets[pin_of_second], self.second)

    def wire_back(self, pin_of_second: int, pin_of_first: int) -> None:
        """Connects an output of the second to an input of the first."""
        self._follow.append(_Follow(self.second.nets[pin_of_second], self.first.nets[pin_of_first]))

    def run(self, duration_ns: int) -> None:
        """Lets time pass for both."""
        self._align()
        while duration_ns > 0:
            slice_ns = min(duration_ns, self._slice_ns)
            for wire in self._follow:
                wire.follow()
            self.first.run(slice_ns)
            self.second.run(slice_ns)
            duration_ns -= slice_ns

    def _align(self) -> None:
        """Brings both to the same time, in case one ran alone."""
        behind_ns = self.first.now_ns - self.second.now_ns
        (self.second if behind_ns > 0 else self.first).run(abs(behind_ns))
