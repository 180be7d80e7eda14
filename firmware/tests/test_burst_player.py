"""The player, walked in time by a scheduler that is late, on a piezo that plays what it is given."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.alarms import bursts as b
from pump.core.alarms.table import HIGH, LOW, MEDIUM, NONE
from pump.core.units import MASK, later
from pump.tasks.burst_player import BurstPlayer

from .fake_piezo import FakePiezo
from .test_bursts import C5, MELODY


class Walk:
    """Calls the player when it asked to be called, up to `late_ms` late."""

    def __init__(self, late_ms=0, seed=1, start_ms=0):
        self.t_ms, self._start_ms, self._wake_ms = 0, start_ms, 0
        self._late_ms, self._random = late_ms, random.Random(seed)
        self.piezo = FakePiezo(lambda: self.t_ms)
        self.player = BurstPlayer(self.piezo)
        self.wanted = NONE

    def want(self, priority):
        self.wanted = priority
        self._wake_ms = self.t_ms

    def until(self, t_ms):
        while self._wake_ms <= t_ms:
            self.t_ms = self._wake_ms
            wait_ms = self.player.run(self.wanted, later(self._start_ms, self.t_ms))
            assert wait_ms >= 1
            self._wake_ms += wait_ms + self._random.randint(0, self._late_ms)
        self.t_ms = t_ms

    def pulses(self):
        return self.piezo.pulses()

    def melody(self):
        return [pulse[0] for pulse in self.pulses()]


def near(melody):
    return [pytest.approx(hz, rel=0.003) for hz in melody]


@pytest.mark.parametrize("late_ms", [0, 10, 500, 1900])
@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_bursts_keep_their_beat_with_a_scheduler_as_late_as_the_watchdog_lets_it(priority, late_ms):
    walk = Walk(late_ms)
    walk.want(priority)
    walk.until(90_000)
    begins = [pulse[1] for pulse in walk.pulses()]
    t_ms, grid = 0.0, []
    while t_ms < 90_000:
        for _, on_ms, gap_ms in b.BURSTS[priority]:
            grid.append(t_ms)
            t_ms += on_ms + gap_ms
    # A table is at most a tick of 4 µs short of its period: 10 bursts, 40 µs; and a begin is rounded by 8 µs.
    assert begins == [pytest.approx(expected, abs=0.05) for expected in grid[: len(begins)]]
    assert len(begins) >= 2 * len(MELODY[priority])


def test_a_burst_that_has_begun_is_finished_after_a_stop_and_then_there_is_silence():
    walk = Walk()
    walk.want(MEDIUM)
    walk.until(100)
    walk.want(NONE)
    walk.until(60_000)
    assert walk.melody() == near(MELODY[MEDIUM])
    assert walk.piezo.quiet


def test_a_stop_between_bursts_takes_back_the_one_that_was_handed_over():
    walk = Walk()
    walk.want(HIGH)
    walk.until(5_000)
    walk.want(NONE)
    walk.until(60_000)
    assert walk.melody() == near(MELODY[HIGH])


def test_a_stop_just_after_the_next_burst_has_begun_lets_it_finish():
    walk = Walk()
    walk.want(HIGH)
    walk.until(9_379)
    walk.t_ms, walk._wake_ms = 9_385, 9_385  # the loop was away when it began
    walk.wanted = NONE
    walk.until(60_000)
    assert walk.melody() == near(MELODY[HIGH] * 2)


@pytest.mark.parametrize(("one", "other"), [(LOW, HIGH), (LOW, MEDIUM), (MEDIUM, HIGH)])
@pytest.mark.parametrize("at_ms", [100, 200, 300, 500, 5_000])
def test_a_higher_priority_cuts_in_at_once(one, other, at_ms):
    walk = Walk()
    walk.want(one)
    walk.until(at_ms)
    before = len(walk.pulses())
    walk.want(other)
    walk.until(at_ms + b.burst_ms(other))
    assert walk.melody()[before:] == near(MELODY[other])
    assert walk.pulses()[before][1] == at_ms


@pytest.mark.parametrize(("one", "other"), [(HIGH, LOW), (MEDIUM, LOW), (HIGH, MEDIUM)])
def test_a_lower_priority_waits_for_the_end_of_the_burst_and_a_rest(one, other):
    walk = Walk()
    walk.want(one)
    walk.until(100)
    walk.want(other)
    walk.until(b.burst_ms(one) + 2_500 + b.burst_ms(other))
    assert walk.melody() == near(MELODY[one] + MELODY[other])
    assert walk.pulses()[len(MELODY[one])][1] == b.burst_ms(one) + 2_500


def test_asking_again_for_what_is_played_changes_nothing():
    walk = Walk()
    for t_ms in range(0, 20_000, 17):
        walk.want(HIGH)
        walk.until(t_ms)
    assert [pulse[1] for pulse in walk.pulses()[::10]] == [pytest.approx(9_380 * k, abs=0.02) for k in range(3)]


def test_a_loop_that_was_away_for_a_whole_rest_begins_with_a_whole_burst():
    walk = Walk()
    walk.want(MEDIUM)
    walk.until(100)
    walk._wake_ms = 13_000  # 2 s after the next burst was due; the watchdog is faster
    walk.until(14_000)
    assert walk.pulses()[3][:2] == (pytest.approx(C5, rel=0.003), 13_000)


def test_the_clock_may_wrap_within_a_burst():
    walk = Walk(start_ms=MASK - 1000)
    walk.want(HIGH)
    walk.until(20_000)
    assert [pulse[1] for pulse in walk.pulses()[::10]] == [pytest.approx(9_380 * k, abs=0.02) for k in range(3)]


@given(st.lists(st.tuples(st.sampled_from([NONE, LOW, MEDIUM, HIGH]), st.integers(1, 40_000)), min_size=1, max_size=12))
def test_whatever_is_asked_only_a_higher_priority_leaves_a_burst_unfinished(wishes):
    walk = Walk()
    begun = []  # priority of each burst, in order
    begin = walk.player._begin

    def noted_begin(priority, now_ms):
        begun.append(priority)
        return begin(priority, now_ms)

    walk.player._begin = noted_begin
    t_ms = 0
    for priority, for_ms in wishes:
        walk.want(priority)
        t_ms += for_ms
        walk.until(t_ms)
    walk.want(NONE)
    walk.until(t_ms + 4_000)
    assert walk.player.priority == NONE
    # Every pulse that was not cut by a higher priority has its length.
    cuts = sum(following > one for one, following in pairwise(begun) if one)
    short = [pulse for pulse in walk.pulses() if pulse[2] - pulse[1] < 137]  # of 140, whole cycles
    assert len(short) <= cuts
