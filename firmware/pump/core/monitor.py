"""The delivery monitor: does what was counted on the STEP pin fit what was asked for?

Shares nothing with the step generator: it adds up rate times time by its own clock and compares with the steps
counted by a second state machine. A motor that does not step when it should, or steps when it should not, is
reported within a second or two steps, whichever is longer.

µL/h times ms is 1/3.6 pL: the sum is kept in units of 5/18 pL, so that a step of num/den pL is num * 18 / (den
* 5) of them.
"""

from micropython import const

_SLACK_STEPS = const(3)  # one in the making at each end, one for rounding
_SLACK_MS = const(1000)  # granted motion, and a ramp that is on its way


class DeliveryMonitor:
    def __init__(self, step_pl_num, step_pl_den):
        self._step = step_pl_num * 18
        self._den = step_pl_den * 5
        self.start()

    def start(self):
        """From here on: a start, or a change of who is responsible for the motor."""
        self._asked = 0
        self._counted = 0

    def update(self, rate_ul_h, elapsed_ms, counted_steps):
        """Adds `elapsed_ms` at `rate_ul_h` and `counted_steps`; returns None, "too few" or "too many".

        The rate that is in force is granted up to 300 ms ahead, so a change of rate shifts the account by at
        most that, and the change back shifts it back: nothing adds up, and nothing need be forgotten.
        """
        self._asked += rate_ul_h * elapsed_ms * self._den
        self._counted += counted_steps * self._step
        slack = _SLACK_STEPS * self._step + rate_ul_h * _SLACK_MS * self._den
        difference = self._counted - self._asked
        if difference < -slack:
            return "too few"
        if difference > slack:
            return "too many"
        return None
