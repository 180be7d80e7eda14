"""The main loop: cooperative and tickless.

Each task returns the time until it is due next. The loop sleeps until the earliest of them, at most 10 ms, because the
serial line is polled that often. A task that starts later than its `max_late_ms` is an overrun: it is counted and
reported, and that turn does not feed the watchdog.

The slots form a linked list in the order in which they are due (in the order of the tasks where that is equal). So the
cost of a turn depends on the tasks that are due, not on how many there are.

A task has `name`, `max_late_ms` and `run(now_ms)`, which returns the milliseconds until its next run.
"""

from micropython import const

_MAX_SLEEP_MS = const(10)
_NEVER_IDLE_MS = const(2000)  # the link alone runs every 10 ms: nothing due for so long means a wrong clock
_MASK = const(0x3FFFFFFF)  # of core/units.py, repeated: constants of other modules are looked up, and this loop is hot
_HALF = const(0x1FFFFFFF)


class ClockFault(Exception):
    """The clock went back, or the due time of a task is damaged. Without this check the pump would stand still and stay
    unnoticed: a loop in which nothing is late feeds the watchdog.
    """


class Slot:
    """A task's place in the loop: when it is due, how often it ran, and how late it was at most."""

    def __init__(self, task, place):
        self.task = task
        self.place = place  # among the tasks
        self.due_ms = 0
        self.next = None  # type: Slot | None  # due after it
        self.runs = 0
        self.overruns = 0
        self.late_ms = 0


class Scheduler:
    """Runs the tasks. Parts may hold it before it has tasks: until then `wake` does nothing."""

    def __init__(self, ticks_ms, sleep_ms):
        self.slots = ()
        self._first = None  # due before the others; while a task runs, the slot of that task
        self._samplers = ()
        self._ticks_ms = ticks_ms
        self._sleep_ms = sleep_ms
        self._feed = None
        self._on_overrun = None
        self.overruns = 0
        self.loops = 0
        self.running = True
        self._began_ms = 0  # when the running task began, or was excused last
        self._held_ms = 0  # how long it was excused for
        self.fed_ms = 0  # when the watchdog was last fed
        self._met = True  # this turn's deadlines

    def set_tasks(self, tasks, feed, on_overrun, samplers=()):
        """Sets what the loop runs. `feed()` feeds the watchdog. `on_overrun(name, late_ms)` is called for every missed
        deadline. `samplers` are the tasks with samples that age: their `excuse(now_ms)` is called by `excuse_stall`.
        """
        self.slots = [Slot(tasks[i], i) for i in range(len(tasks))]
        for i in range(1, len(tasks)):
            self.slots[i - 1].next = self.slots[i]
        self._first = self.slots[0]
        self._feed = feed
        self._on_overrun = on_overrun
        self._samplers = samplers

    def begin(self):
        """Makes every task due now; work before the loop makes none late."""
        now_ms = self._ticks_ms()
        for slot in self.slots:
            slot.due_ms = now_ms
        self._began_ms = self.fed_ms = now_ms

    def run(self):
        """Runs turns until `running` is false. Raises ClockFault."""
        self.begin()
        while self.running:
            self._sleep_ms(self.turn())

    def wake(self, task):
        """Makes `task` run in this turn or in the next one, which then begins in 1 ms. Called by other tasks while they
        run; a task cannot wake itself.
        """
        before = self._first
        if before is None:
            return
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
        left = 2 * len(self.slots)  # bounds the turn when tasks are always due
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
        if late_ms < _MAX_SLEEP_MS:
            return late_ms
        if late_ms > _NEVER_IDLE_MS:
            raise ClockFault("nothing is due for %d ms" % late_ms)
        return _MAX_SLEEP_MS

    def excuse(self):
        """The running task has held the CPU as planned: it, and the tasks that became due meanwhile, count as that much
        less late.
        """
        now_ms = self._ticks_ms()
        held_ms = (now_ms - self._began_ms) & _MASK
        self._began_ms = now_ms
        self._held_ms += held_ms
        slot = None if self._first is None else self._first.next
        while slot is not None:
            late_ms = (now_ms - slot.due_ms) & _MASK
            if late_ms > _HALF:
                break
            slot.due_ms = (slot.due_ms + min(late_ms, held_ms)) & _MASK
            slot = slot.next

    def excuse_stall(self):
        """An operation of the flash has held the CPU as planned: `excuse`, and no sample counts as older for it."""
        self.excuse()
        now_ms = self._ticks_ms()
        for task in self._samplers:
            task.excuse(now_ms)

    def feed(self):
        """Feeds the watchdog during a turn: for a task that holds the CPU longer than the watchdog waits, with the
        motor at rest. Does nothing in a turn that was late.
        """
        if self._met:
            self._feed()
            self.fed_ms = self._ticks_ms()

    def _move(self, slot, due_ms):
        """Moves a slot back to its place by its new time; returns the slot that is then in its old place."""
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
        """Records how late a task begins, and an overrun."""
        if late_ms > slot.late_ms:
            slot.late_ms = late_ms
        if late_ms > slot.task.max_late_ms:
            slot.overruns += 1
            self.overruns += 1
            self._met = False
            self._on_overrun(slot.task.name, late_ms)
