"""Edges in a Trace, out of the instrument's frames; whatever is missing is said by name."""

from __future__ import annotations

from picoinfuse.rig.instrument.frames import Frame, InstrumentError
from picoinfuse.trace.trace import WIRES, Trace

GROUPS = (WIRES[:3], WIRES[3:])  # wires in the order of the instrument's pins, GP2 to GP7
# The timer is cut to its microsecond, which is half of one on average; from the edge to the timer's reading it takes
# some 25 clocks of 8 ns: two to see it, six of PIO, the rest of DMA.
_CENTRE_NS = 500 - 200
_NUMBERS = 1 << 29


class EdgesLost(InstrumentError):
    """More edges came than the instrument can take or send."""


class Recorder:
    """Takes frames, keeps time, and writes into the trace that it was last given. Times are ns since its begin."""

    def __init__(self) -> None:
        self.now_us = 0  # of the newest frame, without the timer's wrap
        self.complete_us = 0  # until here every group has told all
        self._trace = Trace()
        self._began_us = 0
        self._told_us = [0] * len(GROUPS)
        self._next = [0] * len(GROUPS)
        self._levels = [0] * len(GROUPS)
        self._started = False

    def begin(self, trace: Trace) -> None:
        """From here on edges go there, and the time is 0."""
        self._began_us = self.complete_us
        self._trace = trace
        for group, wires in enumerate(GROUPS):
            for bit, wire in enumerate(wires):
                trace.level(wire, 0, self._levels[group] >> bit & 1)

    def elapsed_ns(self, us: int) -> int:
        return (us - self._began_us) * 1000

    def take(self, frame: Frame) -> None:
        now_us = self._unwrapped(frame.now_us)
        self.now_us = max(now_us, self.now_us)
        words, times = frame.words.tolist(), frame.times.tolist()
        for word, time_us in zip(words, times, strict=True):
            self._event(frame.group, word, now_us + _ahead_us(time_us, frame.now_us))
        if not frame.more:
            self._told_us[frame.group] = now_us
            self.complete_us = min(self._told_us)
            self._trace.extend_to(max(self.elapsed_ns(self.complete_us), 0))

    def _unwrapped(self, timer_us: int) -> int:
        """Frames come many times in the 71 min of the timer; the two groups' may be a little out of order."""
        if not self._started:
            self._started = True
            self._began_us = self.complete_us = timer_us
            self._told_us = [timer_us] * len(GROUPS)
            return timer_us
        return self.now_us + _ahead_us(timer_us, self.now_us)

    def _event(self, group: int, word: int, t_us: int) -> None:
        number, levels = ~(word >> 3) % _NUMBERS, word & 7
        expected = self._next[group]
        if number != expected:
            lost = (number - expected) % _NUMBERS
            names = ", ".join(GROUPS[group])
            at_s = self.elapsed_ns(t_us) / 1e9
            raise EdgesLost(
                f"the instrument lost {lost} edges of {names} before {at_s:.3f} s: they came faster than it sends them"
            )
        self._next[group] = (number + 1) % _NUMBERS
        changed = levels ^ self._levels[group]
        self._levels[group] = levels
        t_ns = max(self.elapsed_ns(t_us) + _CENTRE_NS, 0)
        for bit, wire in enumerate(GROUPS[group]):
            if changed >> bit & 1:
                self._trace.level(wire, t_ns, levels >> bit & 1)


def _ahead_us(timer_us: int, of_us: int) -> int:
    """How far the one is ahead of the other, negative when it is behind: less than half of the timer's 32 bits."""
    return (timer_us - of_us + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
