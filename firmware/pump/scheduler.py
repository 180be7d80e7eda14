"""The loop: cooperative and tickless.

Each task says when it is due next; the loop sleeps until the earliest of them, 10 ms at most, so that the
serial line is looked at as often. A task that begins later than it can bear is an overrun: it is counted,
reported, and that turn does not feed the watchdog.

The slots are a list in the order in which they are due, in the order of the tasks where that is the same: a turn costs
what is due in it, however many tasks there are.
"""

from micropython import const

MAX_SLEEP_MS = const(10)
_NEVER_IDLE_MS = const(2000)  # the serial line alone is looked at every 10 ms: nothing due for so long is a wrong clock
_MASK = const(0x3FFFFFFF)  # of core/ticks.py: constants of another module are looked up, and this is the busiest of all
_HALF = const(0x1FFFFFFF)


class ClockFault(Exception):
    """The clock went back, or a time of a task is damaged. Without this the pump would stand still, unwatched: a loop
    in which nothing is late feeds the watchdog.
    """


class Slot:
    """A task's place in the loop: when it is due, how often it ran, how late it was at worst."""

    def __init__(self, task, place):
        self.task = task
        self.place = place  # among the tasks
        self.due_ms = 0
        self.next = None  # the slot that is due after it
        self.runs = 0
        self.overruns = 0
        self.late_ms = 0


class Scheduler:
    def __init__(self, tasks, ticks_ms, sleep_ms, feed, overrun):
        """`overrun(name, late_ms)` is told of every missed deadline."""
        self.slots = [Slot(tasks[i], i) for i in range(len(tasks))]
        for i in range(1, len(tasks)):
            self.slots[i - 1].next = self.slots[i]
        self._first = self.slots[0]  # due before the others; while a task runs it is that one's
        self._ticks_ms = ticks_ms
        self._sleep_ms = sleep_ms
        self._feed = feed
        self._overrun = overrun
        self.overruns = 0
        self.loops = 0
        self.running = True
        self._began_ms = 0  # the task that runs, or when it was excused last
        self._held_ms = 0  # for which it was excused
        self.fed_ms = 0  # when the watchdog was fed last
        self._met = True  # this turn's deadlines

    def begin(self):
        """Everything is due now, and nothing late for what was done before the loop."""
        now_ms = self._ticks_ms()
        for slot in self.slots:
            slot.due_ms = now_ms
        self._began_ms = self.fed_ms = now_ms

    def run(self):
        self.begin()
        while self.running:
            self._sleep_ms(self.turn())

    def wake(self, task):
        """Something happened that `task` has to see before it is due: it runs in this turn or the next, which then
        begins in 1 ms. To be called by a task as it runs; it cannot wake itself.
        """
        before = self._first
        slot = before.next
        while slot is not None and slot.task is not task:
            before = slot
            slot = slot.next
        if slot is not None:
            before.next = slot.next
            slot.next = self._first.next
            self._first.next = self._move(slot, self._ticks_ms())

    def turn(self):
        """Runs what is due; feeds the watchdog when nothing was late; returns the ms until something is due."""
        self._met = True
        left = 2 * len(self.slots)  # tasks that are always due must not keep the turn from its end
        slot = self._first
        while True:
            now_ms = self._ticks_ms()
            late_ms = (now_ms - slot.due_ms) & _MASK  # elapsed_ms, written out
            if late_ms > _HALF or not left:
                break
            if late_ms:
                self._note(slot, late_ms)
            slot.runs += 1
            left -= 1
            self._began_ms = now_ms
            self._held_ms = 0
            wait_ms = slot.task.run(now_ms) + self._held_ms
            slot = self._first = self._move(slot, (now_ms + wait_ms) & _MASK)
        self.loops += 1
        if self._met:
            self._feed()
            self.fed_ms = now_ms
        if late_ms <= _HALF:
            return 1
        late_ms = _MASK - late_ms + 1  # until it is due
        if late_ms < MAX_SLEEP_MS:
            return late_ms
        if late_ms > _NEVER_IDLE_MS:
            raise ClockFault("nothing is due for %d ms" % late_ms)
        return MAX_SLEEP_MS

    def excuse(self):
        """The task that runs has held the CPU, as planned: it and what became late meanwhile are so much less late."""
        now_ms = self._ticks_ms()
        held_ms = (now_ms - self._began_ms) & _MASK
        self._began_ms = now_ms
        self._held_ms += held_ms
        slot = self._first.next
        while slot is not None:
            late_ms = (now_ms - slot.due_ms) & _MASK
            if late_ms > _HALF:
                break
            slot.due_ms = (slot.due_ms + min(late_ms, held_ms)) & _MASK
            slot = slot.next

    def feed(self):
        """In the midst of a turn, by a task that holds the CPU for longer than the watchdog waits, with the motor at
        rest. Not in a turn that was late.
        """
        if self._met:
            self._feed()
            self.fed_ms = self._ticks_ms()

    def _move(self, slot, due_ms):
        """Moves a slot back to where it belongs by its new time; returns the one that is now in its place."""
        slot.due_ms = due_ms
        before = slot
        after = first = slot.next
        while after is not None:
            ahead_ms = (after.due_ms - due_ms) & _MASK
            if ahead_ms <= _HALF and (ahead_ms or after.place > slot.place):
                break
            before = after
            after = after.next
        if before is slot:
            return slot
        before.next = slot
        slot.next = after
        return first

    def _note(self, slot, late_ms):
        """A task begins late: worse than ever, or more than it can bear?"""
        if late_ms > slot.late_ms:
            slot.late_ms = late_ms
        if late_ms > slot.task.max_late_ms:
            slot.overruns += 1
            self.overruns += 1
            self._met = False
            self._overrun(slot.task.name, late_ms)
