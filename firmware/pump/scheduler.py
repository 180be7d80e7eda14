"""The loop: cooperative and tickless.

Each task says when it is due next; the loop sleeps until the earliest of them, 10 ms at most, so that the
serial line is looked at as often. A task that begins later than it can bear is an overrun: it is counted,
reported, and that turn does not feed the watchdog.
"""

from micropython import const

from pump.core.ticks import HALF, MASK

MAX_SLEEP_MS = const(10)


class Slot:
    """A task's place in the loop: when it is due, how often it ran, how late it was at worst."""

    def __init__(self, task, now_ms):
        self.task = task
        self.due_ms = now_ms
        self.runs = 0
        self.overruns = 0
        self.late_ms = 0


class Scheduler:
    def __init__(self, tasks, ticks_ms, sleep_ms, feed, overrun):
        """`overrun(name, late_ms)` is told of every missed deadline."""
        now_ms = ticks_ms()
        self.slots = [Slot(task, now_ms) for task in tasks]
        self._ticks_ms = ticks_ms
        self._sleep_ms = sleep_ms
        self._feed = feed
        self._overrun = overrun
        self.overruns = 0
        self.loops = 0
        self.running = True
        self._now_ms = now_ms  # as of the last look
        self._met = True  # this turn's deadlines
        self._woken = False

    def run(self):
        while self.running:
            self._sleep_ms(self.turn())

    def wake(self, task):
        """Something happened that `task` has to see before it is due: it runs in this turn or the next, which then
        begins in 1 ms.
        """
        for slot in self.slots:
            if slot.task is task:
                slot.due_ms = self._ticks_ms()
                self._woken = True

    def turn(self):
        """Runs what is due; feeds the watchdog when nothing was late; returns the ms until something is due."""
        self._now_ms = self._ticks_ms()
        self._met = True
        wait_ms = MAX_SLEEP_MS
        for slot in self.slots:
            next_ms = self._serve(slot)
            if next_ms < wait_ms:
                wait_ms = next_ms
        self.loops += 1
        if self._met:
            self._feed()
        if self._woken:
            self._woken = False
            return 1
        return wait_ms if wait_ms > 0 else 1

    def _serve(self, slot):
        """Runs a task that is due; returns the ms until it is due again."""
        now_ms = self._now_ms
        late_ms = (now_ms - slot.due_ms) & MASK  # elapsed_ms, written out: this is the busiest line of the pump
        if late_ms > HALF:
            return MASK - late_ms + 1
        task = slot.task
        if late_ms:
            if late_ms > slot.late_ms:
                slot.late_ms = late_ms
            if late_ms > task.max_late_ms:
                self._miss(slot, late_ms)
        slot.runs += 1
        next_ms = task.run(now_ms)
        slot.due_ms = (now_ms + next_ms) & MASK
        self._now_ms = self._ticks_ms()
        return next_ms

    def _miss(self, slot, late_ms):
        self._met = False
        slot.overruns += 1
        self.overruns += 1
        self._overrun(slot.task.name, late_ms)
