"""The delivery monitor: does what was counted on the STEP pin fit what was asked for?

Shares nothing with the arithmetic of the step grid: what was asked for is rate times time, added up slice by
slice, and what was made is counted by a second state machine. Slices are granted 200 to 300 ms before they are
made. So steps that nobody has asked for yet are too many at once, and what was asked for half a second ago and
is not made yet is too few: at every rate, and through every change of it, without an account that drifts.

Both are in units of pL·18000/den, as in core/grid.py: a step of num/den pL is num * 18000 of them.
"""

from micropython import const

from pump.core.grid import TICKS_PER_PL

_SLACK_STEPS = const(2)  # the part of a step that a new infusion inherits, and one in the making
_PAST = const(6)  # updates, 100 ms apart: the oldest is 500 ms old or more


class DeliveryMonitor:
    def __init__(self, step_pl_num):
        self._step = step_pl_num * TICKS_PER_PL
        self._past = [0] * _PAST
        self._at = 0
        self.start(0)

    def start(self, counted_steps):
        """From here on: what was asked for before is not held against the motor."""
        for i in range(_PAST):
            self._past[i] = counted_steps * self._step

    def update(self, asked, counted_steps):
        """Both in all, since the infusion began. Returns None, "too few" or "too many"."""
        at = self._at
        self._past[at] = asked
        self._at = at = (at + 1) % _PAST
        made = counted_steps * self._step
        slack = _SLACK_STEPS * self._step
        if made < self._past[at] - slack:
            return "too few"
        if made > asked + slack:
            return "too many"
        return None
