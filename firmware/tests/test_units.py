"""Unit conversions against exact fractions: each rounds the way that its docstring says."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from pump.core import units

RATES = st.integers(1, 1_200_000)
STEP_PL = st.tuples(st.integers(1, 2**30 - 1), st.integers(1, 256))


@given(RATES, st.integers(0, 366 * 86_400))
def test_a_volume_is_rounded_down(rate_ul_h, time):
    exact = Fraction(rate_ul_h * 1000 * time, 3600)  # 1 µL is 1000 nL
    assert units.volume_nl(rate_ul_h, time) == units.volume_pl(rate_ul_h, time) == floor(exact)


def test_a_volume_by_hand():
    # 5 mL/h for 30 min are 2.5 mL; 100 mL/h for 1 s are 27,777.8 nL.
    assert units.volume_nl(5_000, 1800) == 2_500_000
    assert units.volume_nl(100_000, 1) == 27_777


@given(RATES, st.integers(0, 3600))
def test_the_highest_volume_is_never_too_low_nor_much_too_high(rate_ul_h, seconds):
    exact = Fraction(rate_ul_h * 1_000_000 * seconds, 3600)
    assert exact <= units.most_pl(rate_ul_h, seconds) <= exact * Fraction(10_008, 10_000)


@given(st.integers(0, 10**10), RATES)
def test_a_duration_is_the_longest_that_gives_no_more_than_the_volume(volume_nl, rate_ul_h):
    seconds = units.duration_s(volume_nl, rate_ul_h)
    assert Fraction(rate_ul_h * 1000 * seconds, 3600) <= volume_nl < Fraction(rate_ul_h * 1000 * (seconds + 1), 3600)


@given(RATES, RATES, st.integers(1, 100_000), st.data())
def test_a_ramp_gives_the_area_under_its_line(begin_ul_h, end_ul_h, seconds, data):
    from_s = data.draw(st.integers(0, seconds))
    to_s = data.draw(st.integers(from_s, seconds))
    mean_ul_h = begin_ul_h + Fraction((end_ul_h - begin_ul_h) * (from_s + to_s), 2 * seconds)
    exact = mean_ul_h * (to_s - from_s) * 1000 / 3600
    assert units.ramp_nl(begin_ul_h, end_ul_h, seconds, from_s, to_s) == floor(exact)


@given(st.integers(0, 200_000), STEP_PL)
def test_a_rate_of_a_step_rate_is_rounded_down_or_up(step_hz, step_pl):
    exact = Fraction(step_hz * step_pl[0] * 3600, step_pl[1] * 1_000_000)  # 1 µL is 10^6 pL
    assert units.rate_of_hz(step_hz, step_pl) == floor(exact)
    assert units.rate_of_hz_up(step_hz, step_pl) == ceil(exact)


@given(RATES, STEP_PL)
def test_the_next_step_rate_is_above_the_rate_s_own_by_one_at_most(rate_ul_h, step_pl):
    exact = Fraction(rate_ul_h * 1_000_000 * step_pl[1], 3600 * step_pl[0])
    assert exact < units.step_hz_above(rate_ul_h, step_pl) <= exact + 1


@given(st.integers(0, 10**13), STEP_PL)
def test_steps_of_a_volume_are_rounded_down_or_up(volume_nl, step_pl):
    exact = Fraction(volume_nl * 1000 * step_pl[1], step_pl[0])
    assert units.steps_of(volume_nl, step_pl) == floor(exact)
    assert units.steps_of_up(volume_nl, step_pl) == ceil(exact)


@given(st.integers(-(10**9), 10**9), STEP_PL)
def test_the_volume_of_steps_is_rounded_down(steps, step_pl):
    assert units.nl_of(steps, step_pl) == floor(Fraction(steps * step_pl[0], step_pl[1] * 1000))


@given(st.integers(0, 10**9), STEP_PL.filter(lambda step_pl: step_pl[0] >= 1000 * step_pl[1]))
def test_steps_that_became_a_volume_come_back_as_the_same_steps(steps, step_pl):
    assert units.steps_of_up(units.nl_of(steps, step_pl), step_pl) == steps
