"""The band of rates that the motor may have: it follows a command at once on one side, after 500 ms on the other."""

from hypothesis import given
from hypothesis import strategies as st

from pump.core.motion.command_band import CommandBand

# 350,000 pL a step: 1 Hz is 1260 µL/h. Start at 400 Hz = 504,000 µL/h; half of 4000 Hz/s is 2,520,000 µL/h a second.
STEP_PL, START_HZ, ACCEL_HZ_S = 350_000, 400, 4000
UPDATE_MS = 100


def band(*rates_ul_h):
    it = CommandBand(STEP_PL, START_HZ, ACCEL_HZ_S)
    for rate_ul_h in rates_ul_h:
        it.update(rate_ul_h, rate_ul_h, UPDATE_MS)
    return it


def limits(it):
    return it.low_ul_h, it.high_ul_h


def test_at_a_steady_rate_both_limits_are_that_rate():
    assert limits(band(*[5000] * 6)) == (5000, 5000)


def test_a_lower_command_lowers_the_least_at_once_and_the_most_after_six_updates():
    it = band(*[5000] * 6)
    for _ in range(5):
        it.update(1000, 1000, UPDATE_MS)
        assert limits(it) == (1000, 5000)
    it.update(1000, 1000, UPDATE_MS)  # the last 5000 is 600 ms old
    assert limits(it) == (1000, 1000)


def test_a_higher_command_raises_the_most_at_once_and_the_least_after_six_updates():
    it = band(*[1000] * 6)
    for _ in range(5):
        it.update(5000, 5000, UPDATE_MS)
        assert limits(it) == (1000, 5000)
    it.update(5000, 5000, UPDATE_MS)
    assert limits(it) == (5000, 5000)


def test_above_the_start_rate_the_least_climbs_by_half_the_profile_s_acceleration():
    it = band(*[1_000_000] * 6)
    # From 0 it is the start rate at once, then 252,000 µL/h and one to round up, each 100 ms.
    assert it.low_ul_h == 504_000
    it.update(1_000_000, 1_000_000, UPDATE_MS)
    assert it.low_ul_h == 504_000 + 252_001
    it.update(1_000_000, 1_000_000, UPDATE_MS)
    assert it.low_ul_h == 1_000_000


def test_above_the_start_rate_the_most_falls_as_slowly():
    it = band(*[1_000_000] * 8, *[0] * 5)
    assert it.high_ul_h == 1_000_000
    it.update(0, 0, UPDATE_MS)
    assert it.high_ul_h == 1_000_000 - 252_001
    it.update(0, 0, UPDATE_MS)
    assert it.high_ul_h == 504_000  # what the motor may stop from
    it.update(0, 0, UPDATE_MS)
    assert it.high_ul_h == 0


def test_a_command_between_two_updates_counts():
    it = band(*[5000] * 6)
    it.commanded(0, 9000)
    it.update(5000, 5000, UPDATE_MS)
    assert limits(it) == (0, 9000)


def test_the_longest_ramp_down_is_rounded_up_to_a_second():
    it = band()
    assert it.ramp_s(504_000) == 0
    assert it.ramp_s(504_001) == 1
    assert it.ramp_s(1_200_000) == 1  # 696,000 / 2,520,001 s


@given(st.lists(st.integers(0, 1_200_000), min_size=1, max_size=40))
def test_every_command_lies_within_the_band(rates_ul_h):
    it = band()
    for rate_ul_h in rates_ul_h:
        it.update(rate_ul_h, rate_ul_h, UPDATE_MS)
        assert it.low_ul_h <= rate_ul_h <= it.high_ul_h
