"""The loop: sleeps until something is due, 10 ms at most, and feeds the watchdog only when nothing was late."""

from pump.scheduler import MAX_SLEEP_MS, Scheduler


class Clock:
    def __init__(self):
        self.now_ms = 0

    def ticks_ms(self):
        return self.now_ms


class Task:
    max_late_ms = 5

    def __init__(self, name, period_ms, clock=None, takes_ms=0):
        self.name = name
        self.runs = []
        self._period_ms = period_ms
        self._clock = clock
        self._takes_ms = takes_ms

    def run(self, now_ms):
        self.runs.append(now_ms)
        if self._clock:
            self._clock.now_ms += self._takes_ms
        return self._period_ms


def make(tasks, clock):
    fed, late = [], []
    feed = lambda: fed.append(clock.now_ms)  # noqa: E731
    loop = Scheduler(tasks, clock.ticks_ms, None, feed, lambda name, ms: late.append((name, ms)))
    return loop, fed, late


def run(loop, clock, until_ms):
    while clock.now_ms < until_ms:
        clock.now_ms += loop.turn()


def test_each_task_runs_on_its_own_period():
    clock = Clock()
    fast, slow = Task("fast", 4), Task("slow", 30)
    loop, _, late = make([fast, slow], clock)
    run(loop, clock, 100)
    assert fast.runs == list(range(0, 100, 4))
    assert slow.runs == [0, 30, 60, 90]
    assert late == []


def test_it_never_sleeps_longer_than_the_serial_line_can_wait():
    clock = Clock()
    loop, _, _ = make([Task("rare", 1000)], clock)
    assert loop.turn() == MAX_SLEEP_MS


def test_a_late_task_is_counted_reported_and_keeps_the_watchdog_hungry():
    clock = Clock()
    # "long" takes 20 ms, so "short", due every 4 ms with 5 ms of grace, begins 16 ms late.
    long, short = Task("long", 50, clock, takes_ms=20), Task("short", 4)
    loop, fed, late = make([long, short], clock)
    clock.now_ms = 0
    loop.turn()
    assert late == [("short", 20)]
    assert fed == []
    assert loop.slots[1].overruns == loop.overruns == 1
    clock.now_ms += 4
    loop.turn()
    assert fed == [24]


def test_a_task_that_is_late_within_its_grace_is_no_overrun():
    clock = Clock()
    task = Task("task", 10)
    loop, fed, late = make([task], clock)
    loop.turn()
    clock.now_ms += 15
    loop.turn()
    assert late == []
    assert len(fed) == 2
    assert loop.slots[0].late_ms == 5


def test_ticks_may_wrap_between_two_runs():
    clock = Clock()
    clock.now_ms = 2**30 - 5
    task = Task("task", 10)
    loop, _, late = make([task], clock)
    loop.turn()
    clock.now_ms = 5
    loop.turn()
    assert task.runs == [2**30 - 5, 5]
    assert late == []


def test_a_woken_task_runs_in_the_same_turn_or_1_ms_later():
    clock = Clock()
    first, last = Task("first", 1000), Task("last", 1000)

    class Waker(Task):
        def run(self, now_ms):
            loop.wake(first)
            loop.wake(last)
            return super().run(now_ms)

    loop, _, late = make([first, Waker("waker", 1000), last], clock)
    assert loop.turn() == 1
    clock.now_ms += 1
    loop.turn()
    assert first.runs == [0, 1]  # it had had its turn when it was woken
    assert last.runs == [0]
    assert late == []
