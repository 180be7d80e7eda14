"""The loop: sleeps until something is due, 10 ms at most, and feeds the watchdog only when nothing was late."""

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.scheduler import _MAX_SLEEP_MS, ClockFault, Scheduler


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
    loop = Scheduler(clock.ticks_ms, None)
    loop.set_tasks(tasks, feed, lambda name, ms: late.append((name, ms)))
    loop.begin()
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
    assert loop.turn() == _MAX_SLEEP_MS


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


class Waker(Task):
    """Wakes others as it runs."""

    loop: Scheduler

    def __init__(self, name, others):
        super().__init__(name, 1000)
        self._others = others

    def run(self, now_ms):
        for task in self._others:
            self.loop.wake(task)
        return super().run(now_ms)


def test_a_woken_task_runs_in_the_same_turn_also_when_it_had_had_its_turn():
    clock = Clock()
    first, last = Task("first", 1000), Task("last", 1000)
    waker = Waker("waker", [first, last])
    waker.loop, _, late = make([first, waker, last], clock)
    waker.loop.turn()
    assert (first.runs, last.runs) == ([0, 0], [0])
    assert late == []


def test_tasks_that_wake_each_other_do_not_keep_a_turn_from_its_end():
    clock = Clock()
    one, other = Waker("one", []), Waker("other", [])
    one._others, other._others = [other], [one]
    loop, fed, _ = make([one, other], clock)
    one.loop = other.loop = loop
    assert loop.turn() == 1
    assert fed == [0]
    assert len(one.runs) + len(other.runs) == 4  # two a task


def test_a_task_that_wakes_itself_is_due_when_it_says():
    clock = Clock()
    waker = Waker("waker", [])
    waker._others = [waker]
    waker.loop, _, _ = make([waker], clock)
    run(waker.loop, clock, 2500)
    assert waker.runs == [0, 1000, 2000]


@given(
    periods=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    start_ms=st.sampled_from([0, 2**30 - 100]),
)
def test_due_at_the_same_time_tasks_run_in_their_order_and_no_run_is_missed(periods, start_ms):
    clock = Clock()
    clock.now_ms = start_ms
    order = []

    class Noted(Task):
        def run(self, now_ms):
            order.append(((now_ms - start_ms) % 2**30, int(self.name)))
            return super().run(now_ms)

    tasks = [Noted(str(i), period_ms) for i, period_ms in enumerate(periods)]
    loop, _, late = make(tasks, clock)
    waited_ms = 0
    while waited_ms < 200:
        step_ms = loop.turn()
        waited_ms += step_ms
        clock.now_ms = (clock.now_ms + step_ms) % 2**30
    # Every multiple of each period up to the end, sorted by time and then by place.
    last_ms = order[-1][0]
    ideal = sorted((t_ms, i) for i, period_ms in enumerate(periods) for t_ms in range(0, last_ms + 1, period_ms))
    assert order == ideal
    assert late == []


def test_a_clock_that_goes_back_ends_the_loop_instead_of_standing_still():
    """Five seconds back, and the next task would be due in five: the loop would sleep, feed the watchdog, and do
    nothing.
    """
    clock = Clock()
    clock.now_ms = 60_000
    loop, _, _ = make([Task("line", 10)], clock)
    assert loop.turn() == _MAX_SLEEP_MS
    clock.now_ms -= 5_000
    with pytest.raises(ClockFault, match="5010 ms"):
        loop.turn()


class Storing(Task):
    """Stands while the flash is erased, and has that excused."""

    def run(self, now_ms):
        wait_ms = super().run(now_ms)
        self.loop.excuse()
        return wait_ms


def test_an_excused_stall_makes_no_task_late_not_even_the_stalled_one():
    clock = Clock()
    storing, short = Storing("storing", 4, clock, takes_ms=90), Task("short", 4)
    loop, fed, late = make([storing, short], clock)
    storing.loop = loop
    loop.turn()
    assert storing.runs == [0]
    assert short.runs == [90]
    storing._takes_ms = 0
    run(loop, clock, 110)
    assert storing.runs[1] == 94  # its period after the stall
    assert late == []
    assert fed[0] == 90


def test_what_was_late_before_the_stall_stays_so():
    clock = Clock()
    slow, storing = Task("slow", 500, clock, takes_ms=20), Storing("storing", 500, clock, takes_ms=90)
    short = Task("short", 4)
    loop, _, late = make([slow, storing, short], clock)
    storing.loop = loop
    loop.turn()
    assert ("short", 20) in late


def test_work_before_the_loop_makes_no_task_late():
    clock = Clock()
    task = Task("task", 10)
    loop, _, late = make([task], clock)
    clock.now_ms += 700  # the rest of the start
    loop.begin()
    loop.turn()
    assert task.runs == [700]
    assert late == []


def test_a_task_may_feed_the_watchdog_in_the_midst_of_a_turn_that_is_not_late():
    clock = Clock()

    class Erasing(Task):
        def run(self, now_ms):
            super().run(now_ms)
            loop.excuse()
            loop.feed()
            return 2000

    slow, erasing = Task("slow", 500, clock, takes_ms=0), Erasing("erasing", 500, clock, takes_ms=90)
    loop, fed, _ = make([slow, erasing], clock)
    loop.turn()
    assert fed == [90, 90]  # after the stall, and at the end of the turn
    slow._takes_ms = 20  # the erasing task begins late, by more than it can bear
    clock.now_ms = loop.slots[1].due_ms = loop.slots[0].due_ms = 3000
    loop.turn()
    assert fed == [90, 90]


def test_without_tasks_nothing_can_be_woken():
    """Parts that are made before the tasks may report, and so wake a task, during the boot."""
    clock = Clock()
    loop = Scheduler(clock.ticks_ms, None)
    loop.wake(object())
    loop.excuse()


def test_a_planned_stall_excuses_the_samplers_too():
    excused = []
    clock = Clock()
    sampler = types.SimpleNamespace(excuse=excused.append)
    loop = Scheduler(clock.ticks_ms, None)
    loop.set_tasks([Task("a", 10)], lambda: None, None, (sampler,))
    loop.begin()
    clock.now_ms += 400
    loop.excuse_stall()
    assert excused == [clock.now_ms]
