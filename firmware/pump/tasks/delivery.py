"""The delivery task: keeps the stepper supplied with the words of the grid, 200 to 300 ms ahead; 500 at most, before
an erase of the flash.

A stop lets what is granted run out (the step is finished, none is lost); a halt takes it back and takes the
enable away. After a halt the steps that were granted and not made are taken off the account, by the independent
counter.
"""

import time

from micropython import const

from pump.core.motion.ramp import Ramp
from pump.core.motion.step_grid import RAMP_TICKS, SLICE_TICKS, WORDS, StepGrid
from pump.core.therapy.therapy import UNLIMITED
from pump.core.units import nl_of

_HORIZON_US = const(200000)
_COVER_US = const(400000)  # the longest erase of the flash
_TICKS_PER_US = const(5)
_LONGEST_MS = const(50)
_WORDS_A_SLICE = const(3)
_TABLE_WORDS = const(390)  # of the 408 of a table: one more slice finds room; 400 ms of a ramp's stairs are 200
_NO_ROOM = const(-1)


class Delivery:
    name = "delivery"
    max_late_ms = 100

    def __init__(self, mechanics, stepper, counter, on_end, on_late):
        """`on_end(completed, now_ms)`: the motor stands, granted motion has run out. `on_late(us, now_ms)`: the
        stepper starved.
        """
        num, den = mechanics["step_pl"]
        self.grid = StepGrid(num, den)
        self.ramp = Ramp(num, den, mechanics["start_hz"], mechanics["accel_hz_s"])
        self._stepper = stepper
        self._counter = counter
        self._on_end = on_end
        self._on_late = on_late
        self._step_pl = mechanics["step_pl"]
        self._on_account = self._on_grant = None  # see `connect`
        self.therapy = None  # the one at hand, also while the plunger is drawn back
        self.source = None  # decides on the steps: the therapy, or a retraction
        self.back = False  # the source draws the plunger back; `turn` sets it
        self.stopping = True
        self.moving = False  # granted motion has not run out, as far as the CPU knows
        self.commanded_steps = 0
        self._fresh = False  # started, and nothing granted yet
        self._end_us = 0  # when it runs out
        self._end_ticks = 0  # and the part of a µs
        self._stair = False
        self._rate_is_set = False  # for the slice to come
        self._words = [0] * WORDS

    def connect(self, on_account, on_grant):
        """Sets who follows the account: they are made with this task, so it can only be called after.

        `on_account()`: the account is about to start at 0. `on_grant(done)`: motion is about to be granted or taken
        back (False), or has been (True).
        """
        self._on_account = on_account
        self._on_grant = on_grant

    @property
    def rate_ul_h(self):
        """Negative while the plunger is drawn back."""
        return -self.grid.rate_ul_h if self.back else self.grid.rate_ul_h

    def counted_steps(self):
        """Of this therapy, whichever way the motor turned, by the counter."""
        self._counter.read()
        return self._counter.steps

    def net_steps(self):
        """Of this therapy, those forward less those drawn back, by the counter."""
        self._counter.read()
        return self._counter.net_steps

    def delivered_nl(self):
        """Out of the syringe in this therapy, by the counter."""
        return nl_of(self.net_steps(), self._step_pl)

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        therapy = self.therapy
        status["rate_ul_h"] = self.rate_ul_h
        status["target_ul_h"] = 0 if therapy is None or self.stopping or self.back else therapy.target_ul_h
        status["delivered_nl"] = self.delivered_nl()
        status["vtbi_nl"] = None if therapy is None else therapy.vtbi_nl
        status["kvo"] = therapy is not None and therapy.kvo and therapy.target_ul_h > 0 and not self.stopping
        status["steps_commanded"] = self.commanded_steps
        status["steps_counted"] = self.counted_steps()

    def turn(self, source):
        """Sets where the steps come from, while the motor stands: `source` (a retraction) draws the plunger back, None
        is the therapy again. The account goes on.
        """
        self.back = back = source is not None
        self._stepper.turn(back)
        self._counter.turn(back)
        self.source = source if back else self.therapy

    def begin(self, therapy):
        """Begins a therapy (None: there is none). The account starts at 0."""
        if self._on_account is not None:
            self._on_account()
        self.therapy = self.source = therapy
        self.commanded_steps = 0
        self._counter.forget()

    def go(self):
        """Starts the therapy, or goes on with it."""
        self.stopping = False
        if not self._stepper.enabled:
            self._stepper.start()
        if not self.moving:
            self.moving = self._fresh = True

    def stop(self):
        """Normal stop: ramps down, finishes what is granted, then tells `on_end`."""
        self.stopping = True

    def halt(self):
        """Fault stop, at once."""
        self._report_grant(False)
        self._stepper.halt()
        self.stopping = True
        self.moving = False
        unmade = self.commanded_steps - self.counted_steps()
        self.commanded_steps -= unmade
        if self.source is not None:
            self.source.granted(-unmade, 0)
        self.grid.forget_part()
        self._rate_is_set = False
        self._report_grant(True)

    def _report_grant(self, done):
        if self._on_grant is not None:
            self._on_grant(done)

    def release(self):
        """Takes the enable away from a motor that stands."""
        if not self.moving:
            self._stepper.halt()

    def run(self, now_ms):
        if not self.moving:
            return _LONGEST_MS
        ahead_us = 0 if self._fresh else time.ticks_diff(self._end_us, time.ticks_us())
        if ahead_us < _HORIZON_US:
            self._report_grant(False)
            left_ms = self._grant(ahead_us, now_ms)
            self._report_grant(True)
            return left_ms
        return max(5, min(_LONGEST_MS, ahead_us // 4000))

    def _grant(self, ahead_us, now_ms):
        while ahead_us < _HORIZON_US:
            ticks = self._grant_slice()
            if ticks == _NO_ROOM:
                break
            if not ticks:
                return self._drain(ahead_us, now_ms)
            if not self._fresh:
                ahead_us = time.ticks_diff(self._end_us, time.ticks_us())  # to make the words took time
                if ahead_us < 0:
                    self._on_late(-ahead_us, now_ms)
            if ahead_us < 0 or self._fresh:
                self._fresh = False
                self._end_us = time.ticks_us()
                ahead_us = 0
            ahead_us += self._add(ticks)
            if self._stair or self.grid.by_table:
                break  # a table takes a Pico 15 ms and more: the next one in another run
        return max(5, min(_LONGEST_MS, ahead_us // 4000))

    def _add(self, ticks):
        """Granted motion is longer by `ticks`; returns that in µs."""
        ticks += self._end_ticks
        added_us = ticks // _TICKS_PER_US
        self._end_ticks = ticks % _TICKS_PER_US
        self._end_us = time.ticks_add(self._end_us, added_us)
        return added_us

    def cover(self):
        """Grants 400 to 500 ms ahead, so that the CPU may stand for 400: true when it is so. False where it cannot be:
        at rates that need tables of their own, while a stop runs out, or while the plunger is drawn back.
        """
        feed = self._stepper.feed
        if self._fresh or self.stopping or self.back or self._needs_table():
            return False
        index = feed.free()
        ahead_us = time.ticks_diff(self._end_us, time.ticks_us())
        if 0 < ahead_us < _COVER_US and index >= 0:
            self._report_grant(False)
            ahead_us += self._add(self._fill(index, (_COVER_US - ahead_us) * _TICKS_PER_US))
            self._report_grant(True)
        return ahead_us >= _COVER_US

    def _grant_slice(self):
        """Hands one slice to the stepper, or stairs that are as long; returns their ticks, 0 when there is nothing left
        to hand out.
        """
        grid, feed = self.grid, self._stepper.feed
        by_table = self._needs_table()
        if by_table or self._stair or feed.busy():
            index = feed.free()
            if index < 0:
                return _NO_ROOM
            if not by_table:
                return self._fill(index, SLICE_TICKS)
            grid.next_slice(self.source.budget_steps(), None, feed.tables[index])
            if grid.used:
                feed.grant(index, grid.used)
        else:
            if self._stepper.room() < _WORDS_A_SLICE:
                return _NO_ROOM
            self._next_words(grid)
            words = self._words
            for i in range(grid.used):
                self._stepper.grant(words[i])
        return self._account(grid)

    def _fill(self, index, least_ticks):
        """Grants slices that need no table of their own in one, until they last `least_ticks`; returns their ticks."""
        grid, words = self.grid, self._words
        table = self._stepper.feed.tables[index]
        used = ticks = 0
        while ticks < least_ticks and used < _TABLE_WORDS and not self._needs_table():
            self._next_words(grid)
            for i in range(grid.used):
                table.put(used, words[i])
                used += 1
            if not self._account(grid):
                break
            ticks += grid.ticks
        if used:
            self._stepper.feed.grant(index, used)
        return ticks

    def _needs_table(self):
        """The next slice does, for itself. Sets the rate for it."""
        if not self._rate_is_set:
            self._set_rate(self.grid)
            self._rate_is_set = True
        return self.grid.by_table and self.source.budget_steps() > 0

    def _next_words(self, grid):
        """One slice that is no table: steps, or where none is due before the next change of rate a wait for that."""
        therapy = self.source
        budget = therapy.budget_steps()
        if budget > 0 and grid.rate_ul_h:
            grid.next_slice(budget, self._words, None)
        elif self.stopping and not grid.rate_ul_h:
            grid.wait(0, None)
        else:
            grid.wait(therapy.wait_ticks(), self._words)

    def _account(self, grid):
        self._rate_is_set = False
        if not grid.ticks:
            return 0
        self.commanded_steps += grid.steps
        self.source.granted(grid.steps, grid.ticks)
        return grid.ticks

    def _set_rate(self, grid):
        rate_ul_h = grid.rate_ul_h
        therapy, ramp = self.source, self.ramp
        target_ul_h = 0 if self.stopping else therapy.target_ul_h
        budget = therapy.budget_steps()
        if budget < UNLIMITED and target_ul_h > ramp.start_ul_h:
            slow_ul_h = max(ramp.start_ul_h, therapy.next_ul_h)  # at the end of the run
            soon_ul_h = max(rate_ul_h, min(target_ul_h, rate_ul_h + ramp.stair_ul_h))  # if it is not slowed down now
            if budget <= ramp.stopping_steps(soon_ul_h) - ramp.stopping_steps(slow_ul_h):
                target_ul_h = min(target_ul_h, slow_ul_h)
        if rate_ul_h != target_ul_h:
            stair_ticks = min(grid.ticks, RAMP_TICKS)  # what came before may be a slice of a steady rate
            next_ul_h = ramp.next_rate(rate_ul_h, target_ul_h, stair_ticks)
            self._stair = next_ul_h != target_ul_h
            grid.set_rate(next_ul_h, RAMP_TICKS if self._stair else SLICE_TICKS)
        elif self._stair:  # the ramp ends here, because the target was changed to where it is
            self._stair = False
            grid.set_rate(rate_ul_h)

    def _drain(self, ahead_us, now_ms):
        if ahead_us > 0:
            return max(1, min(_LONGEST_MS, ahead_us // 1000 + 1))
        self.moving = False
        self.grid.set_rate(0)
        self._on_end(self.source.done(), now_ms)
        return _LONGEST_MS
