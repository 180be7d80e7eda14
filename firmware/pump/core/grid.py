"""The exact step grid: a rate in µL/h becomes steps on a grid of 200 ns ticks, with nothing rounded away.

A step is *paid for* by time. In units of pL·18000/den, one tick earns `rate_ul_h * den` and one step costs `num
* 18000`, because 1 µL/h = 10^6 pL / (3600 s * 5·10^6 ticks/s) = 1/18000 pL a tick, and a step is num/den pL. A
step is made at the first tick at which it is paid for, never earlier; what was paid too much (`_over`, less
than one tick's earnings) counts towards the next. So at a constant rate every interval is P or P+1 ticks, and
after any time the number of steps is the ideal one, rounded down.

Steps are handed out in words for the PIO (see drivers/stepper.py): `count` steps `ticks` apart, or a wait of
`ticks` when `count` is 0. All arithmetic of a steady rate is on small ints; a change of rate may use big ones.
"""

from micropython import const

TICK_HZ = const(5000000)
SLICE_TICKS = const(500000)  # 100 ms: the longest that one call hands out
RAMP_TICKS = const(100000)  # 20 ms: one stair of a ramp
MIN_TICKS = const(20)  # a word takes 17 ticks of its own, see drivers/stepper.py
MAX_COUNT = const(2047)  # 11 bits of a word
TICKS_PER_PL = const(18000)  # ticks in which 1 µL/h earns 1 pL
_LEAVE = const(1000)  # a wait leaves at least so many ticks for the step that follows it


class StepGrid:
    """Hands out one slice of time after another: `ticks`, `count` pairs in `words`, `used` of them valid."""

    def __init__(self, step_pl_num, step_pl_den):
        self._cost = step_pl_num * TICKS_PER_PL
        self._den = step_pl_den
        self.rate_ul_h = 0
        self._earn = 0  # units a tick
        self._over = 0  # units paid towards the step after the next
        self._wait = 0  # ticks until the next step; 0 when it is a whole interval
        self._owed = self._cost  # units until the next step, while the rate is 0
        self._period = 0  # P: whole ticks of an interval
        self._rest = 0  # and what is left of it, in units
        self._batch = 1
        self._batch_long = 0
        self._batch_rest = 0
        self.words = [0, 0, 0, 0]  # ticks, count, ticks, count
        self.used = 0
        self.steps = 0  # in the slice handed out last
        self.ticks = 0

    def set_rate(self, rate_ul_h, slice_ticks=SLICE_TICKS):
        """From the end of what is handed out on. The part of the next step that is paid for stays paid."""
        if self._earn:
            self._owed = self._wait * self._earn - self._over if self._wait else self._cost - self._over
        self.rate_ul_h = rate_ul_h
        earn = self._earn = rate_ul_h * self._den
        self._over = self._wait = 0
        if not earn:
            return
        self._period, self._rest = divmod(self._cost, earn)
        self._wait = -(-self._owed // earn)
        self._over = self._wait * earn - self._owed
        # A batch of n steps is two runs, long intervals first: at most n/4 ticks late, so n <= 2P keeps it
        # within half a step.
        batch = max(1, min(slice_ticks // (self._period + 1), 2 * self._period, MAX_COUNT))
        self._batch = batch
        self._batch_long, self._batch_rest = divmod(batch * self._rest, earn)

    def forget_part(self):
        """After a stop in the middle of a step nobody knows how much of it was paid for: it is paid for anew."""
        self.set_rate(0)
        self._owed = self._cost

    def next_slice(self, budget_steps):
        """Hands out at most one slice, with at most `budget_steps` steps, into `words`; sets `used`, `steps`
        and `ticks`.
        """
        self.used = self.steps = self.ticks = 0
        if not self._earn or budget_steps <= 0:
            return
        if self._wait:
            self._lead()
        elif self._batch == 1:
            self._wait = self._take_interval()
            self._lead()
        elif budget_steps >= self._batch:
            self._run_batch()
        else:
            self._put(self._take_interval(), 1)

    def _lead(self):
        """A step that is more than a slice away is waited for in slices; else it is made, alone."""
        wait = self._wait
        if wait > SLICE_TICKS + _LEAVE:
            self._put(SLICE_TICKS, 0)
            self._wait = wait - SLICE_TICKS
        elif wait > SLICE_TICKS:
            self._put(wait - _LEAVE, 0)
            self._wait = _LEAVE
        else:
            # After a change of rate the next step may be paid for sooner than a word takes: it is made as soon
            # as it can be, and the ticks that this costs are earned ticks.
            late = MIN_TICKS - wait if wait < MIN_TICKS else 0
            self._put(wait + late, 1)
            self._wait = 0
            self._over += late * self._earn

    def _take_interval(self):
        """The next interval in ticks; what it pays too much is kept."""
        over = self._over - self._rest
        if over < 0:
            self._over = over + self._earn
            return self._period + 1
        return self._shorten(over)

    def _shorten(self, over):
        """An interval after one that was stretched to MIN_TICKS: what was overpaid comes off."""
        earn = self._earn
        period = self._period
        while over >= earn and period > MIN_TICKS:
            over -= earn
            period -= 1
        self._over = over
        return period

    def _run_batch(self):
        if self._over >= self._earn:
            self._put(self._take_interval(), 1)
            return
        long = self._batch_long
        over = self._over - self._batch_rest
        if over < 0:
            long += 1
            over += self._earn
        self._over = over
        if long:
            self._put(self._period + 1, long)
        if self._batch > long:
            self._put(self._period, self._batch - long)

    def _put(self, ticks, count):
        at = 2 * self.used
        self.words[at] = ticks
        self.words[at + 1] = count
        self.used += 1
        self.steps += count
        self.ticks += ticks * (count or 1)
