"""The ramp: how fast the rate may change, so that the motor follows.

Up to `start_hz` steps a second the motor needs no ramp. Above, the rate climbs and falls by `accel_hz_s`, in
stairs as long as a slice of the grid.
"""

from pump.core.motion.step_grid import RAMP_TICKS, TICK_HZ
from pump.core.units import rate_of_hz, rate_of_hz_up, step_hz_above


def resonance_ul_h(mechanics):
    """(lowest, highest) rate that the motor would resonate at. A ramp passes through, no rate in between is held."""
    step_pl = mechanics["step_pl"]
    low_hz, high_hz = mechanics["resonance_hz"]
    return rate_of_hz_up(low_hz, step_pl), rate_of_hz(high_hz, step_pl)


class Ramp:
    """Rates above `start_ul_h` change by at most one stair a slice."""

    def __init__(self, step_pl_num, step_pl_den, start_hz, accel_hz_s):
        self._step_pl = (step_pl_num, step_pl_den)
        self._accel_hz_s = accel_hz_s
        self.start_ul_h = max(1, rate_of_hz(start_hz, self._step_pl))
        self._accel_ul_h_s = rate_of_hz(accel_hz_s, self._step_pl)
        self.stair_ul_h = self._accel_ul_h_s * RAMP_TICKS // TICK_HZ + 1  # what one stair may add

    def next_rate(self, rate_ul_h, target_ul_h, ticks):
        """The rate to follow a stair of `rate_ul_h` that lasted `ticks`, on the way to `target_ul_h`."""
        start = self.start_ul_h
        stair_ul_h = self._accel_ul_h_s * ticks // TICK_HZ + 1
        if rate_ul_h < target_ul_h:
            if rate_ul_h < start:
                return min(target_ul_h, start)
            return min(target_ul_h, rate_ul_h + stair_ul_h)
        if rate_ul_h <= start:
            return target_ul_h
        return max(target_ul_h, start, rate_ul_h - stair_ul_h)

    def stopping_steps(self, rate_ul_h):
        """Steps that it takes to fall from `rate_ul_h` to the start rate: v**2 / 2a, and 125 ms of them to spare, for
        a slice of the grid is handed out whole.
        """
        if rate_ul_h <= self.start_ul_h:
            return 0
        hz = step_hz_above(rate_ul_h, self._step_pl)
        return hz * hz // (2 * self._accel_hz_s) + hz // 8
