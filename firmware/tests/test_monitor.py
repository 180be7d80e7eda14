"""The delivery monitor: agrees with a pump that runs, notices one that does not, whatever the rate."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.motion.monitor import OVER, RUNS, STANDS, UNDER, DeliveryMonitor
from pump.core.motion.ramp import Ramp

# 360000 pL a step: 1296 µL/h is one step a second. Ramps above 400 Hz, 4000 Hz/s.
MECHANICS = {"step_pl": [360000, 1], "start_hz": 400, "accel_hz_s": 4000}
UL_H_OF_1_HZ = 1296
MIN_MS = 60_000


class Pump:
    """A monitor, and a motor that makes `real_hz` while `hz` is commanded."""

    def __init__(self, mechanics=MECHANICS):
        self.monitor = DeliveryMonitor(mechanics)
        self.t_ms = 0
        self.made = Fraction(0)  # whole steps of it are counted

    def update(self, target_ul_h, real_hz, since_ms=100):
        self.t_ms += since_ms
        self.made += Fraction(real_hz) * since_ms / 1000
        return self.monitor.update(target_ul_h, None, int(self.made), since_ms)

    def run(self, hz, real_hz, for_ms):
        """The first finding, and when it came."""
        target_ul_h = round(hz * UL_H_OF_1_HZ)
        real_hz = Fraction(target_ul_h, UL_H_OF_1_HZ) * Fraction(str(real_hz)) / Fraction(str(hz)) if hz else real_hz
        begin_ms = self.t_ms
        while self.t_ms - begin_ms < for_ms:
            found = self.update(target_ul_h, real_hz)
            if found:
                return found, self.t_ms - begin_ms
        return 0, None


@pytest.mark.parametrize("hz", [0.01, 0.1, 1, 10, 100, 925])
def test_a_motor_that_follows_is_agreed_with(hz):
    assert Pump().run(hz, hz, 60 * MIN_MS if hz < 10 else 20 * MIN_MS) == (0, None)


def test_a_command_that_ends_before_the_next_poll_is_no_runaway_motor():
    """60 Hz for 14 ms, of which 0.3 s were granted: 18 steps after it is over, in three looks."""
    pump = Pump()
    pump.update(0, 0)
    pump.monitor.commanded(0, 60 * UL_H_OF_1_HZ)
    found = [pump.update(0, 60) for _ in range(3)] + [pump.update(0, 0) for _ in range(10)]
    assert found == [0] * 13
    assert pump.run(0, 60, 1000)[0] == RUNS  # half a second later nothing is commanded


def test_a_pause_of_the_command_that_ends_before_the_next_poll_is_no_stalled_motor():
    """Nothing for 14 ms, in which 0.3 s of nothing were granted."""
    pump = Pump()
    assert pump.run(60, 60, 1000) == (0, None)
    pump.monitor.commanded(0, 60 * UL_H_OF_1_HZ)
    found = [pump.update(60 * UL_H_OF_1_HZ, 0) for _ in range(3)]
    assert found + [pump.update(60 * UL_H_OF_1_HZ, 60) for _ in range(10)] == [0] * 13
    assert pump.run(60, 0, 1000)[0] == STANDS


@given(
    st.integers(1, 1_200_000),
    st.fractions(0, 1),
    st.lists(st.integers(95, 250), min_size=1, max_size=5),
    st.integers(300, 90_000_000),
)
def test_a_steady_motor_never_alarms_whatever_the_rate_the_phase_and_the_time_of_the_looks(ul_h, phase, gaps_ms, num):
    """Steps of 1.2 pL to 0.35 µL, at up to 280 kHz: phase is the part of the first step that is earned at the start."""
    mechanics = {"step_pl": [num, 256], "start_hz": 20_000, "accel_hz_s": 1_000_000}
    pump = Pump(mechanics)
    pump.made = phase
    hz = Fraction(ul_h * 10**6 * 256, 3600 * num)
    for _ in range(60):
        for since_ms in gaps_ms:
            assert pump.update(ul_h, hz, since_ms) == 0


@pytest.mark.parametrize("hz", [0.1, 1, 10, 100])
def test_a_motor_that_stands_is_noticed_after_two_and_a_half_steps(hz):
    found, after_ms = Pump().run(hz, 0, 120_000)
    assert found == STANDS
    # The command's half second, 1 1/4 steps at half the rate, 100 ms of jitter at that, and the look after it.
    assert after_ms <= 500 + 2500 / hz + 100 + 200


def test_one_lost_step_is_no_motor_that_stands():
    pump = Pump()
    assert pump.run(1, 1, 60_000) == (0, None)
    assert pump.run(1, 0, 1000) == (0, None)
    assert pump.run(1, 1, 60_000) == (0, None)


def test_a_step_in_ten_minutes_neither_alarms_nor_blinds():
    hz = 1 / 600
    pump = Pump()
    assert pump.run(hz, hz, 24 * 60 * MIN_MS) == (0, None)
    found, after_ms = pump.run(hz, 0, 60 * MIN_MS)
    assert found == STANDS
    assert after_ms <= 28 * MIN_MS  # 2.5 intervals of 648 s (2 µL/h, a whole number) and the look


def test_a_motor_that_runs_when_it_should_not_is_noticed_at_its_third_step():
    found, after_ms = Pump().run(0, 2, 60_000)
    assert found == RUNS
    assert after_ms == 1500


def test_a_motor_that_runs_three_times_as_fast_is_noticed_at_once():
    found, after_ms = Pump().run(10, 30, 60_000)
    assert found == RUNS
    # At 10 Hz too many: 2 steps, and 50 ms of jitter at 2 * 10 Hz; a look every 100 ms.
    assert after_ms <= 500


@pytest.mark.parametrize(("factor", "finding"), [(1.12, OVER), (1.5, OVER), (0.88, UNDER), (0.6, UNDER)])
@pytest.mark.parametrize("hz", [1, 4, 40])
def test_a_rate_beyond_a_tenth_alarms_after_15_minutes(hz, factor, finding):
    pump = Pump()
    assert pump.run(hz, hz, 2 * MIN_MS) == (0, None)
    found, after_ms = pump.run(hz, hz * factor, 40 * MIN_MS)
    assert found == finding
    # At 1 Hz and 2 % beyond the bound, 1.5 steps and the jitter's take 80 s: less than the 15 min. The account
    # left 0 with the last steady step at the earliest.
    assert 15 * MIN_MS - 1500 / hz <= after_ms <= 15 * MIN_MS + 3000 / hz + 200


@pytest.mark.parametrize("factor", [0.91, 0.95, 1.05, 1.09])
@pytest.mark.parametrize("hz", [0.01, 1, 40])
def test_a_rate_within_a_tenth_never_alarms(hz, factor):
    assert Pump().run(hz, hz * factor, 3 * 60 * MIN_MS) == (0, None)


def test_too_fast_for_ten_minutes_is_forgotten_after_as_much_too_slow():
    pump = Pump()
    assert pump.run(4, 4.8, 10 * MIN_MS) == (0, None)
    # Ten minutes at 10 % beyond the bound are gone after five at 20 % below it.
    assert pump.run(4, 3.6, 5.1 * MIN_MS) == (0, None)
    assert pump.run(4, 4.8, 14.9 * MIN_MS) == (0, None)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 80), st.integers(0, 40)), min_size=1, max_size=8))
def test_the_windows_are_those_of_exact_fractions(stretches):
    """Against the definition: the excess since it was at its lowest, and how long ago that was."""
    ul_h = 1296 * 18  # 18 Hz, and no rest from the division
    pump = Pump()
    for _ in range(600):
        pump.update(ul_h, 18)
    pump.monitor.start(int(pump.made))
    t_s = since_s = 0
    excess = lowest = Fraction(0)
    for quarters_min, made_hz in stretches:
        for _ in range(quarters_min * 15):  # seconds
            before = int(pump.made)
            found = pump.update(ul_h, made_hz, 1000)
            t_s += 1
            excess += int(pump.made) - before - Fraction(11, 10) * 18
            if found & (RUNS | STANDS):
                return  # the pump is stopped
            if excess <= lowest:  # the account is at 0
                lowest, since_s = excess, t_s
            due = excess - lowest > Fraction(15, 10) + 18 * Fraction(1, 10) and t_s - since_s >= 900
            assert bool(found & OVER) == due


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 1200) | st.integers(0, 3)), min_size=1, max_size=15),
    st.integers(60, 350),
)
def test_changes_of_rate_are_followed_by_the_ramp_and_never_alarm(stretches, late_ms):
    """Stretches of tenths of a second at a rate in thousands of µL/h; the motor follows `late_ms` later by its ramp."""
    pump = Pump()
    ramp = Ramp(360000, 1, 400, 4000)
    commands = [ul_h * 1000 for tenths, ul_h in stretches for _ in range(tenths * 10)]  # each 10 ms
    rate_ul_h = 0
    for at in range(len(commands)):
        late = at - late_ms // 10
        rate_ul_h = ramp.next_rate(rate_ul_h, commands[late] if late >= 0 else 0, 50_000)
        pump.made += Fraction(rate_ul_h, UL_H_OF_1_HZ * 100)
        if at % 10 == 9:
            assert pump.update(commands[at], 0) == 0


def test_what_was_counted_before_the_start_is_not_held_against_the_motor():
    pump = Pump()
    assert pump.run(10, 10, 10_000) == (0, None)
    pump.made = Fraction(0)
    pump.monitor.start(0)  # a new infusion: the count is at 0 again
    assert pump.run(10, 10, 10_000) == (0, None)


def test_the_end_of_the_volume_is_no_motor_that_stands():
    monitor = DeliveryMonitor(MECHANICS)
    for tick in range(1, 101):  # 10 s at 10 Hz are 100 steps
        assert monitor.update(12960, 100 * 360000 - tick * 360000, tick, 100) == 0
    for _ in range(5):  # until the pump says that it is complete
        assert monitor.update(12960, 0, 100, 100) == 0
