"""The delivery monitor: does what was counted on the STEP pin fit what was commanded?

Shares nothing with the step grid: the command is the therapy's target (core/motion/command_band.py makes a band of
it), time
is the millisecond clock, the volume of a step is its own whole number of pL, and what was made is counted by a
second state machine. Four accounts, each a sum that never falls below 0:

    account     grows by                      found when it holds more than         for
    STANDS      1/2 of the least - made       1 1/4 steps                           at once
    RUNS        made - 2 * the most           2 steps                               at once
    UNDER       0.9 of the least - made       2 1/2 steps                           15 min
    OVER        made - 1.1 * the most         1 1/2 steps                           15 min

A steady motor makes floor or ceil of the steps that are due in any time, so its accounts never hold more than
1/2, 1, 0.9 and 1 step, at any rate: a step in ten minutes does not alarm. Nor does it blind: a motor that stands
is found after 2 1/2 intervals (one lost step alone is none), three steps that were not commanded are RUNS. An
account that is back at 0 has forgotten: "for 15 min" means that since it last was at 0, the mean has been beyond
the bound. Free flow of the Generic Infusion Pump requirements is RUNS as far as a pump that counts its steps can
see it.

Sums are in tenths of a pL: small ints on a Pico as long as all is well (1200 mL/h for 100 ms is 3.3e7 pL).
"""

from micropython import const

from pump.core.motion.command_band import CommandBand
from pump.core.units import FLOW_DEN, FLOW_NUM, most_pl, volume_pl

STANDS = const(1)
RUNS = const(2)
UNDER = const(4)
OVER = const(8)

_WINDOW_MS = const(15 * 60 * 1000)  # Generic Infusion Pump 1.2
_JITTER_MS = const(50)  # between reading the clock and reading the counter, and of a step
_NEAR_S = const(1)  # a volume that is nearly given may end at any time within this


class Account:
    """A sum, what it may hold, and how long it has been above 0."""

    def __init__(self, allowed, for_ms):
        """`allowed` in tenths of a pL; found when it is more than that, for `for_ms` since it left 0."""
        self._allowed = allowed
        self._for_ms = for_ms
        self._lasted_ms = 0
        self._sum = 0

    def forget(self):
        """Starts again from 0."""
        self._sum = self._lasted_ms = 0

    def add(self, change, jitter, since_ms):
        """Returns whether there is something to find."""
        total = self._sum + change
        if total <= 0:
            self._sum = self._lasted_ms = 0
            return False
        self._sum = total
        if self._lasted_ms < self._for_ms:
            self._lasted_ms += since_ms
        return self._lasted_ms >= self._for_ms and total > self._allowed + jitter


class DeliveryMonitor:
    """Compares counted steps with the commanded rate; `update` about every 100 ms."""

    def __init__(self, mechanics):
        """The profile's section."""
        num, den = mechanics["step_pl"]
        step_pl = self._step_pl = max(1, (num + den // 2) // den)
        self._band = CommandBand(step_pl, mechanics["start_hz"], mechanics["accel_hz_s"])
        self._stands = Account(step_pl * 25 // 2, 0)
        self._runs = Account(step_pl * 20, 0)
        self._under = Account(step_pl * 25, _WINDOW_MS)
        self._over = Account(step_pl * 15, _WINDOW_MS)
        self._low_rest = self._high_rest = 0  # of the divisions by FLOW_DEN
        self._counted = 0

    def start(self, counted_steps):
        """After a change of state, or of what is counted: the accounts begin anew, the command does not."""
        self._counted = counted_steps
        for account in (self._stands, self._runs, self._under, self._over):
            account.forget()

    def commanded(self, least_ul_h, most_ul_h):
        """Between what rates the target was since the last update, however short."""
        self._band.commanded(least_ul_h, most_ul_h)

    def left_pl(self, end_steps, counted_steps):
        """Until the rate changes, by the count."""
        return (end_steps - counted_steps) * self._step_pl

    def update(self, target_ul_h, left_pl, counted_steps, since_ms):
        """The target now (0: none), the volume that is left until it changes (None: no bound), the steps counted in
        all, and the time since the last update. Returns what was found: the sum of STANDS, RUNS, UNDER and OVER.
        """
        band = self._band
        if left_pl is not None and left_pl < most_pl(target_ul_h, band.ramp_s(target_ul_h) + _NEAR_S):
            band.update(0, target_ul_h, since_ms)
        else:
            band.update(target_ul_h, target_ul_h, since_ms)
        made = (counted_steps - self._counted) * self._step_pl * 10
        self._counted = counted_steps
        # Volumes in pL. What the division leaves is kept for the next update.
        low = band.low_ul_h * since_ms * FLOW_NUM + self._low_rest
        high = band.high_ul_h * since_ms * FLOW_NUM + self._high_rest
        self._low_rest = low % FLOW_DEN
        self._high_rest = high % FLOW_DEN
        low //= FLOW_DEN
        high //= FLOW_DEN
        low_jitter = volume_pl(band.low_ul_h, _JITTER_MS) * 10
        high_jitter = volume_pl(band.high_ul_h, _JITTER_MS) * 20
        found = STANDS if self._stands.add(5 * low - made, low_jitter, since_ms) else 0
        if self._runs.add(made - 20 * high, high_jitter, since_ms):
            found += RUNS
        if self._under.add(9 * low - made, low_jitter, since_ms):
            found += UNDER
        if self._over.add(made - 11 * high, high_jitter, since_ms):
            found += OVER
        return found
