"""The loop: cooperative and tickless.

Each task says when it is due next; the loop sleeps until the earliest of them, 10 ms at most, so that the
serial line is looked at as often. A task that begins later than it can bear is an overrun: it is counted,
reported, and that turn does not feed the watchdog.
"""

from micropython import const

from pump.core.ticks import elapsed_ms, later

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

    def run(self):
        while self.running:
            self._sleep_ms(self.turn())

    def turn(self):
        """Runs what is due; feeds the watchdog when nothing was late; returns the ms until something is due."""
        ticks_ms = self._ticks_ms
        wait_ms = MAX_SLEEP_MS
        met = True
        for slot in self.slots:
            now_ms = ticks_ms()
            late_ms = elapsed_ms(now_ms, slot.due_ms)
            if late_ms >= 0:
                if late_ms > slot.late_ms:
                    slot.late_ms = late_ms
                if late_ms > slot.task.max_late_ms:
                    met = False
                    slot.overruns += 1
                    self.overruns += 1
                    self._overrun(slot.task.name, late_ms)
                slot.runs += 1
                next_ms = slot.task.run(now_ms)
                slot.due_ms = later(now_ms, next_ms)
            else:
                next_ms = -late_ms
            if next_ms < wait_ms:
                wait_ms = next_ms
        self.loops += 1
        if met:
            self._feed()
        return wait_ms if wait_ms > 0 else 1
