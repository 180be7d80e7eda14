"""The reservoir: what is left in it, and whether that is low.

A person says how much is in it (a refill); from then on the steps that were made forward, less those drawn back, are
taken off. It is unknown before the first refill, and after a reset during an infusion whose
steps are unknown.

Steps are those of the delivery's account, which begins at 0 with each therapy; `deduct` is called before it does.
"""

from micropython import const

from pump.core.units import nl_of, steps_of_up

_UL = const(1000)

_LEVEL_OK = const(0)
LEVEL_LOW = const(1)
LEVEL_EMPTY = const(2)


class Reservoir:
    """The volume left, by the steps since the last refill."""

    def __init__(self, limits, step_pl_num, step_pl_den):
        """`limits`: the profile's section."""
        self._step_pl = (step_pl_num, step_pl_den)
        self._low_nl = limits["low_ul"] * _UL
        self._empty_nl = limits["empty_ul"] * _UL
        self._left_steps = None  # at the mark
        self._mark = 0  # steps of the account that are taken off

    def fill(self, volume_nl, net_steps):
        """Sets the volume in it; None: unknown."""
        # Rounded up, for `left_nl` rounds down: what a record kept is the same number of steps again.
        self._left_steps = None if volume_nl is None else steps_of_up(volume_nl, self._step_pl)
        self._mark = net_steps

    def deduct(self, net_steps):
        """Takes off the steps that were made; the account may then start again from 0."""
        if self._left_steps is not None:
            self._left_steps -= net_steps - self._mark
        self._mark = 0

    def left_nl(self, net_steps):
        """None: unknown."""
        if self._left_steps is None:
            return None
        steps = self._left_steps - net_steps + self._mark
        return max(0, nl_of(steps, self._step_pl))

    def level(self, left_nl):
        """LEVEL_OK, LEVEL_LOW or LEVEL_EMPTY."""
        if left_nl <= self._empty_nl:
            return LEVEL_EMPTY
        return LEVEL_LOW if left_nl <= self._low_nl else _LEVEL_OK

    def usable_nl(self, left_nl):
        """nL that can be delivered before the pump stops because the reservoir is empty."""
        return max(0, left_nl - self._empty_nl)
