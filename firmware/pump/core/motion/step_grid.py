"""The exact step grid: turns a rate in µL/h into steps on a grid of 200 ns ticks, without rounding error.

Time *earns* volume, and each step *costs* volume. In units of pL·18000/den, one tick earns `rate_ul_h * den` and one
step costs `num * 18000`, because 1 µL/h = 10^6 pL / (3600 s * 5·10^6 ticks/s) = 1/18000 pL a tick, and a step is
num/den pL. A step is made at the first tick at which its cost is earned, never earlier; the surplus (`_over`, less than
one tick's earnings) counts towards the next. So at a constant rate every interval is P or P+1 ticks, and after any time
the number of steps is the ideal one, rounded down.

The output is words for the PIO (core/motion/step_words.py): `count` steps `ticks` apart, or a wait of `ticks` when
`count` is 0. Where such a word lasts less than 50 ms (above about 14 kHz), a slice is a whole table of batches instead,
which takes no more CPU time. A stair of a ramp is one batch at any rate: there a step is at most a quarter of the
batch, in ticks, from its ideal time. At a steady rate all arithmetic is on small ints; a change of rate may use big
ones.
"""

from micropython import const

from pump.core.motion.step_words import MAX_BATCHES, MAX_COUNT, PREFIX, encode

TICK_HZ = const(5000000)
SLICE_TICKS = const(500000)  # 100 ms: the most that one call produces
RAMP_TICKS = const(100000)  # 20 ms: one stair of a ramp
MIN_TICKS = const(20)  # a word takes 17 ticks of its own, see drivers/stepper.py
TICKS_PER_PL = const(18000)  # ticks in which 1 µL/h earns 1 pL
_TABLE_TICKS = const(250000)  # a shorter batch goes into a table with others
WORDS = const(10)  # maximum of a slice: PREFIX single ones and two
_LEAVE = const(1000)  # ticks that a wait leaves, at least, for the step after it


class StepGrid:
    """Produces one slice of time after another, as words."""

    def __init__(self, step_pl_num, step_pl_den):
        self._cost = step_pl_num * TICKS_PER_PL
        self._den = step_pl_den
        self.rate_ul_h = 0
        self._earn = 0  # units a tick
        self._over = 0  # units earned towards the step after the next
        self._wait = 0  # ticks until the next step; 0: a whole interval
        self._owed = self._cost  # units until the next step, while the rate is 0
        self._rest = 0  # of an interval beyond `period`, in units
        self._batch = 1  # steps in two words
        self._leads = 1  # single steps that may precede them
        self._in_slice = 1  # batches
        self._slice_long = 0
        self._slice_rest = 0
        self._rates = 0  # changes of the rate so far: identifies the rate for the tables
        self.by_table = False  # slices of this rate go into a table
        self.used = 0  # words of the last slice
        self.steps = 0  # in the last slice
        self.ticks = 0

    def set_rate(self, rate_ul_h, slice_ticks=SLICE_TICKS):
        """Sets the rate from the end of the last slice. Volume already earned towards the next step is kept."""
        if self._earn:
            self._owed = self._wait * self._earn - self._over if self._wait else self._cost - self._over
        self.rate_ul_h = rate_ul_h
        earn = self._earn = rate_ul_h * self._den
        self._over = self._wait = 0
        if not earn:
            self.by_table = False
            return
        self._period, self._rest = divmod(self._cost, earn)
        self._wait = -(-self._owed // earn)
        self._over = self._wait * earn - self._owed
        # A batch of n steps is two runs, long intervals first: steps are at most n/4 ticks late, so n <= 2P keeps
        # them within half a step.
        is_stair = slice_ticks < SLICE_TICKS
        most = MAX_COUNT if is_stair else min(2 * self._period, MAX_COUNT)
        batch = max(1, min(slice_ticks // (self._period + 1), most))
        batch_ticks = batch * (self._period + 1)
        in_slice = 1 if is_stair or batch_ticks >= _TABLE_TICKS or batch < 2 else slice_ticks // batch_ticks
        self._leads = PREFIX if is_stair else 1
        self._batch = batch
        self._in_slice = max(1, min(in_slice, MAX_BATCHES))
        self.by_table = in_slice > 1
        self._rates = (self._rates + 1) & MAX_COUNT
        self._slice_long, self._slice_rest = divmod(batch * self._in_slice * self._rest, earn)

    def forget_part(self):
        """After a stop within a step: the volume earned towards it is unknown, so the step is earned again in full."""
        self.set_rate(0)
        self._owed = self._cost

    def wait(self, ticks, words):
        """A slice of `ticks`, MIN_TICKS to SLICE_TICKS, without a step; 0: an empty slice. The ticks earn the next step
        at most, never more.
        """
        self.used = self.steps = self.ticks = 0
        if not ticks:
            return
        if self._earn:
            left = (self._wait or self._take_interval()) - ticks
            self._wait = left if left > 0 else 1
        self._put(words, ticks, 0)

    def next_slice(self, budget_steps, words, table):
        """Produces at most one slice, with at most `budget_steps` steps; sets `used`, `steps` and `ticks`.

        `words`: a list of WORDS; a slice that is not a stair of a ramp takes three. `table`: a WordTable, used when
        `by_table` is true.
        """
        self.used = self.steps = self.ticks = 0
        if not self._earn or budget_steps <= 0:
            return
        if self.by_table:
            self._next_table(budget_steps, table)
            assert self.steps <= budget_steps
            return
        if self._batch == 1 and not self._wait:
            self._wait = self._take_interval()
        self._make_even(budget_steps, words, self._leads)
        steps = min(self._batch, budget_steps - self.steps)
        if self._batch > 1 and steps and not self._wait and self._over < self._earn:
            self._run_steps(words, steps)
        assert self.steps <= budget_steps

    def _run_steps(self, words, steps):
        if steps == self._batch and self._in_slice == 1:
            long = self._slice_long + self._extra_long(self._slice_rest)
        else:
            long, rest = divmod(steps * self._rest, self._earn)
            long += self._extra_long(rest)
        if long:
            self._put(words, self._period + 1, long)
        if steps > long:
            self._put(words, self._period, steps - long)

    def _next_table(self, budget_steps, table):
        """A slice as a table of batches, within the budget."""
        steps = self._batch * self._in_slice
        self._make_even(budget_steps, table.words, PREFIX)
        if self._wait or self._over >= self._earn:
            return
        if budget_steps - self.steps < steps:
            table.forget()
            while self.steps < budget_steps:
                self._run_steps(table.words, min(self._batch, budget_steps - self.steps))
            return
        extra = self._extra_long(self._slice_rest)
        self.used = table.fill(
            self._rates, self.used, self._in_slice, self._batch, self._period, self._slice_long, extra
        )
        self.steps += steps
        self.ticks += steps * self._period + self._slice_long + extra

    def _make_even(self, budget_steps, words, most):
        """Single steps until the account is even; `most` of them at most."""
        while self._wait or self._over >= self._earn:
            self._wait = self._wait or self._take_interval()
            self._lead(words)
            if self.used == most or self.steps == budget_steps or self.ticks >= RAMP_TICKS:
                return

    def _extra_long(self, rest):
        """Takes `rest` off the account. Returns the number of longer intervals that this needs: 0 or 1."""
        over = self._over - rest
        if over < 0:
            self._over = over + self._earn
            return 1
        self._over = over
        return 0

    def _lead(self, words):
        """A single step; if it is more than a slice away, a wait towards it."""
        wait = self._wait
        if wait > SLICE_TICKS + _LEAVE:
            self._put(words, SLICE_TICKS, 0)
            self._wait = wait - SLICE_TICKS
        elif wait > SLICE_TICKS:
            self._put(words, wait - _LEAVE, 0)
            self._wait = _LEAVE
        else:
            # After a change of rate the next step may be earned sooner than the shortest word allows: it is made as
            # soon as possible, and the extra ticks earn volume too.
            late = MIN_TICKS - wait if wait < MIN_TICKS else 0
            self._put(words, wait + late, 1)
            self._wait = 0
            self._over += late * self._earn

    def _take_interval(self):
        """The next interval in ticks. Its surplus is kept."""
        over = self._over - self._rest
        if over < 0:
            self._over = over + self._earn
            return self._period + 1
        return self._shorten(over)

    def _shorten(self, over):
        """An interval after one that was stretched to MIN_TICKS, shorter by the surplus."""
        earn = self._earn
        period = self._period
        while over >= earn and period > MIN_TICKS:
            over -= earn
            period -= 1
        self._over = over
        return period

    def _put(self, words, ticks, count):
        words[self.used] = encode(ticks, count)
        self.used += 1
        self.steps += count
        self.ticks += ticks * (count or 1)
