"""Each number of the alarm signals against its range, and the player walked in time by a scheduler that is
a little late."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core import bursts as b
from pump.core.alarms import HIGH, LOW, MEDIUM, NONE
from pump.core.ticks import MASK, later

C5, D4, G4, E4, C4 = 523, 294, 392, 330, 262
MELODY = {HIGH: [C5, D4, G4, C5, D4] * 2, MEDIUM: [C5, D4, G4], LOW: [E4, C4]}
PULSE_MS = {HIGH: (75, 200), MEDIUM: (125, 250), LOW: (125, 250)}
SPACING_MS = {HIGH: (50, 125), MEDIUM: (125, 250), LOW: (125, 250)}
BETWEEN_BURSTS_MS = {HIGH: (2_500, 15_000), MEDIUM: (2_500, 30_000), LOW: (15_000, 60_000)}
LATE_MS = 5


def ranges_of_gaps(priority, on_ms):
    """(low, high) of each gap inside a burst."""
    x = SPACING_MS[priority]
    if priority != HIGH:
        return [x] * (len(MELODY[priority]) - 1)
    three_four = (2 * x[0] + on_ms, 2 * x[1] + on_ms)
    half = [x, x, three_four, x]
    return [*half, (350, 1300), *half]


def inside(value, limits):
    return limits[0] <= value <= limits[1]


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_every_number_of_the_table_lies_in_its_range(priority):
    pulses = b.BURSTS[priority]
    assert [pulse[0] for pulse in pulses] == MELODY[priority]
    for frequency_hz, on_ms, _ in pulses:
        assert inside(frequency_hz, (150, 1000))
        assert inside(on_ms, PULSE_MS[priority])
    for (_, _, gap_ms), limits in zip(pulses[:-1], ranges_of_gaps(priority, pulses[0][1]), strict=True):
        assert inside(gap_ms, limits)
    assert inside(pulses[-1][2], BETWEEN_BURSTS_MS[priority])


def test_the_third_gap_of_high_is_twice_the_spacing_and_a_pulse():
    (_, on_ms, x_ms), _, (_, _, third_ms) = b.BURSTS[HIGH][:3]
    assert third_ms == 2 * x_ms + on_ms


def test_a_more_urgent_priority_repeats_sooner():
    assert b.BURSTS[HIGH][-1][2] < b.BURSTS[MEDIUM][-1][2] < b.BURSTS[LOW][-1][2]


@pytest.mark.parametrize(
    ("priority", "duration_ms"),
    [
        (HIGH, 10 * 140 + 2 * (90 + 90 + 320 + 90) + 800),  # 3380
        (MEDIUM, 3 * 190 + 2 * 190),
        (LOW, 2 * 190 + 190),
    ],
)
def test_a_burst_lasts_from_its_first_pulse_to_the_end_of_its_last(priority, duration_ms):
    assert b.burst_ms(priority) == duration_ms


@pytest.mark.parametrize(("priority", "frequency_hz"), [(HIGH, (1.4, 2.8)), (MEDIUM, (0.4, 0.8))])
def test_flashing_lamps_flash_in_their_range(priority, frequency_hz):
    _, period_ms, on_ms = b.LAMPS[priority]
    assert inside(1000 / period_ms, frequency_hz)
    assert inside(on_ms / period_ms, (0.20, 0.60))


def test_high_is_red_medium_yellow_and_low_steady_yellow():
    for t_ms in range(0, 200, 7):
        assert b.lamp_levels(HIGH, t_ms) == (1, 0)
        assert b.lamp_levels(MEDIUM, t_ms) == (0, 1)
    assert b.lamp_levels(HIGH, 200) == (0, 0)
    assert b.lamp_levels(MEDIUM, 640) == (0, 0)
    assert all(b.lamp_levels(LOW, t_ms) == (0, 1) for t_ms in range(1000))
    assert all(b.lamp_levels(NONE, t_ms) == (0, 0) for t_ms in range(1000))


@pytest.mark.parametrize("priority", [NONE, LOW, MEDIUM, HIGH])
def test_the_lamp_does_not_change_before_the_change_it_announces(priority):
    period_ms = b.LAMPS[priority][1]
    for t_ms in range(period_ms):
        wait_ms = b.lamp_wait_ms(priority, t_ms)
        assert wait_ms >= 1
        assert t_ms + wait_ms <= period_ms
        assert b.lamp_levels(priority, t_ms + wait_ms - 1) == b.lamp_levels(priority, t_ms)


# The player, walked in time


class Walk:
    """A clock that wakes the player when it asked to be woken, up to `late_ms` late, and notes what is
    heard."""

    def __init__(self, player, late_ms=0, seed=1, start_ms=0):
        self.player, self.now_ms, self.start_ms = player, start_ms, start_ms
        self._late_ms, self._random = late_ms, random.Random(seed)
        self.heard = []  # (t_ms, frequency_hz, duty_u16), changes only

    @property
    def t_ms(self):
        return (self.now_ms - self.start_ms) & MASK

    def until(self, t_ms):
        while True:
            wait_ms = self.player.step(self.now_ms)
            assert wait_ms >= 1
            state = (self.player.frequency_hz, self.player.duty_u16)
            assert (state[0] == 0) == (state[1] == 0)
            if not self.heard or self.heard[-1][1:] != state:
                self.heard.append((self.t_ms, *state))
            wait_ms += self._random.randint(0, self._late_ms)
            if self.t_ms + wait_ms > t_ms:
                self.now_ms = later(self.start_ms, t_ms)
                return
            self.now_ms = later(self.now_ms, wait_ms)

    def pulses(self):
        """(frequency_hz, begin, end) of each whole pulse."""
        found, begun = [], None
        for t_ms, frequency_hz, _ in self.heard:
            if begun and frequency_hz != begun[0]:
                found.append((*begun, t_ms))
                begun = None
            if frequency_hz and not begun:
                begun = (frequency_hz, t_ms)
        return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_what_is_heard_lies_in_the_ranges_with_a_scheduler_up_to_5_ms_late(priority, seed):
    player = b.BurstPlayer()
    walk = Walk(player, LATE_MS, seed)
    player.start(priority, 0)
    walk.until(90_000)
    pulses = walk.pulses()
    size = len(MELODY[priority])
    bursts = [pulses[i : i + size] for i in range(0, len(pulses) - size + 1, size)]
    assert len(bursts) >= 4
    for burst in bursts:
        assert [pulse[0] for pulse in burst] == MELODY[priority]
        for _, begin_ms, end_ms in burst:
            assert inside(end_ms - begin_ms, PULSE_MS[priority])
        gaps = [following[1] - pulse[2] for pulse, following in pairwise(burst)]
        for gap_ms, (low, high) in zip(gaps, ranges_of_gaps(priority, b.BURSTS[priority][0][1]), strict=True):
            assert inside(gap_ms, (low, high))
    for burst, following in pairwise(bursts):
        assert inside(following[0][1] - burst[-1][2], BETWEEN_BURSTS_MS[priority])


def edges_of(priority):
    """The ideal edges of a burst, from its beginning."""
    t_ms, edges = 0, []
    for _, on_ms, gap_ms in b.BURSTS[priority]:
        edges += [t_ms, t_ms + on_ms]
        t_ms += on_ms + gap_ms
    return edges


@pytest.mark.parametrize("priority", [HIGH, MEDIUM, LOW])
def test_lateness_does_not_add_up_within_a_burst(priority):
    # Each edge is late by its own wake-up alone, 0 to 5 ms, also the twentieth.
    player = b.BurstPlayer()
    walk = Walk(player, LATE_MS, seed=7)
    player.start(priority, 0)
    walk.until(b.burst_ms(priority) + LATE_MS + 1)
    heard = [edge for pulse in walk.pulses() for edge in pulse[1:]]
    assert len(heard) == len(edges_of(priority))
    assert all(0 <= real - ideal <= LATE_MS for real, ideal in zip(heard, edges_of(priority), strict=True))


def test_each_pulse_rises_in_steps_and_is_full_after_an_eighth():
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(HIGH, 0)
    walk.until(150)
    # 140 >> 4 = 8 ms a step
    assert walk.heard == [(0, C5, b.DUTY_FIRST), (8, C5, b.DUTY_SECOND), (16, C5, b.DUTY_FULL), (140, 0, 0)]
    assert b.DUTY_FIRST < b.DUTY_SECOND < b.DUTY_FULL <= 32768


def test_a_burst_that_has_begun_is_finished_after_a_stop_and_then_there_is_silence():
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(MEDIUM, 0)
    walk.until(100)
    player.stop()
    walk.until(60_000)
    assert [pulse[0] for pulse in walk.pulses()] == MELODY[MEDIUM]
    assert player.priority == NONE


def test_a_stop_between_bursts_is_silence_at_once():
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(HIGH, 0)
    walk.until(5_000)
    player.stop()
    assert player.priority == NONE


def test_a_higher_priority_cuts_in_at_once():
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(LOW, 0)
    walk.until(100)
    player.start(HIGH, 100)
    walk.until(100 + b.burst_ms(HIGH) + 1)
    assert walk.pulses()[0] == (E4, 0, 100)
    assert [pulse[0] for pulse in walk.pulses()[1:]] == MELODY[HIGH]


def test_a_lower_priority_waits_for_the_end_of_the_burst():
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(HIGH, 0)
    walk.until(100)
    player.start(LOW, 100)
    walk.until(10_000)
    assert [pulse[0] for pulse in walk.pulses()] == MELODY[HIGH] + MELODY[LOW]
    assert walk.pulses()[10][1] == b.burst_ms(HIGH)


def test_asking_again_for_what_is_played_changes_nothing():
    player = b.BurstPlayer()
    walk = Walk(player)
    for t_ms in range(0, 3_400, 17):
        player.start(HIGH, t_ms)
        walk.until(t_ms)
    assert [edge for pulse in walk.pulses() for edge in pulse[1:]] == edges_of(HIGH)


def test_a_long_hold_up_drops_what_it_covered_and_the_rest_is_on_the_grid():
    # 400 ms, an erase of flash at its worst, from t = 10 on: back at 410, in the third gap's place or after
    # it.
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(HIGH, 0)
    walk.until(10)
    walk.now_ms = 410
    walk.until(b.burst_ms(HIGH) + 1)
    assert walk.pulses()[-1] == (D4, 3240, 3380)


def test_a_burst_begun_late_has_a_whole_first_pulse():
    player = b.BurstPlayer()
    walk = Walk(player)
    player.start(MEDIUM, 0)
    walk.until(5_000)
    walk.now_ms = 13_000  # two seconds after the next burst was due
    walk.until(14_000)
    assert walk.pulses()[3] == (C5, 13_000, 13_190)


def test_the_clock_may_wrap_within_a_burst():
    player = b.BurstPlayer()
    walk = Walk(player, start_ms=MASK - 1000)
    player.start(HIGH, walk.now_ms)
    walk.until(3_500)
    assert [edge for pulse in walk.pulses() for edge in pulse[1:]] == edges_of(HIGH)


@given(
    st.lists(
        st.tuples(st.sampled_from([NONE, LOW, MEDIUM, HIGH]), st.integers(1, 40_000)), min_size=1, max_size=12
    )
)
def test_whatever_is_asked_only_a_higher_priority_leaves_a_burst_unfinished(wishes):
    player = b.BurstPlayer()
    walk = Walk(player)
    begun = []  # priority of each burst, in order
    begin = player._begin

    def noted_begin(priority, now_ms):
        begun.append(priority)
        begin(priority, now_ms)

    player._begin = noted_begin
    t_ms = 0
    for priority, for_ms in wishes:
        player.start(priority, t_ms) if priority else player.stop()
        t_ms += for_ms
        walk.until(t_ms)
    player.stop()
    walk.until(t_ms + 4_000)
    assert player.priority == NONE
    whole = sum(len(MELODY[one]) for one, following in pairwise(begun) if one and following <= one)
    cut = sum(len(MELODY[one]) for one, following in pairwise(begun) if one and following > one)
    assert whole <= len(walk.pulses()) <= whole + cut
