"""What rate the motor may have now, by the command alone: the monitor's own idea of it.

A command takes a while to reach the motor: motion is granted up to 300 ms ahead, tasks run every 50 ms, and a ramp
climbs and falls no faster than the profile allows. So the command is a band: `low_ul_h` is what the motor has at
least, `high_ul_h` at most. At a steady rate both are that rate. After a change one of them follows at once and
the other after half a second, by ramps half as steep as the profile's, so that the real ramp lies between.
"""

from micropython import const

from pump.core.units import rate_of_hz

_DELAY_UPDATES = const(6)  # 100 ms apart: the oldest is 500 ms old or more


class CommandBand:
    """The least and the most rate that the motor may have: `low_ul_h` and `high_ul_h`."""

    def __init__(self, step_pl, start_hz, accel_hz_s):
        """`step_pl`: volume of a step, a whole number here."""
        self._start_ul_h = rate_of_hz(start_hz, (step_pl, 1))
        self._half_accel = rate_of_hz(accel_hz_s, (step_pl, 2)) + 1  # µL/h a second
        self._past = [0] * _DELAY_UPDATES  # what was commanded at least
        self._past_most = [0] * _DELAY_UPDATES
        self._at = 0
        self.low_ul_h = 0
        self.high_ul_h = 0

    def ramp_s(self, rate_ul_h):
        """How long the slowest ramp down from a rate takes, rounded up."""
        over_ul_h = rate_ul_h - self._start_ul_h
        return over_ul_h // self._half_accel + 1 if over_ul_h > 0 else 0

    def commanded(self, least, most):
        """Between two updates: a command may be over before the next, and the motor still makes what it granted."""
        before = self._at - 1
        if least < self._past[before]:
            self._past[before] = least
        if most > self._past_most[before]:
            self._past_most[before] = most

    def update(self, least, most, since_ms):
        """What is commanded now at least and at most, one rate but near a change; the time since the last update."""
        self._past[self._at] = least
        self._past_most[self._at] = most
        self._at = (self._at + 1) % _DELAY_UPDATES
        for rate_ul_h in self._past:
            if rate_ul_h < least:
                least = rate_ul_h
        for rate_ul_h in self._past_most:
            if rate_ul_h > most:
                most = rate_ul_h
        start = self._start_ul_h
        change = self._half_accel * since_ms // 1000 + 1
        low = self.low_ul_h
        if least <= low:
            self.low_ul_h = least
        else:
            self.low_ul_h = min(least, max(low + change, start))
        high = self.high_ul_h
        if most >= high or high <= start:
            self.high_ul_h = most
        else:
            self.high_ul_h = max(most, start, high - change)
