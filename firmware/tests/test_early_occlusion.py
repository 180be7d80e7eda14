"""Early detection: a closed line is found in time, and nothing that moves an open one is taken for it."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.occlusion import early_occlusion as e
from pump.core.units import MASK

STEP_NL = 349.93
C_NL_PA = 14.37
SWING_PA = 6_666  # 50 mmHg


def detector(compliance_pl_per_pa=14370):
    return e.EarlyOcclusion(compliance_pl_per_pa, 349_930, 1)


def watch(rate_ul_h, pressure_of, hours, found=None, seed=1, start_ms=0):
    """Asks once a second; returns the second of the first alarm, or None. `pressure_of(t_s, volume_nl)`."""
    noise = random.Random(seed)
    found = found or detector()
    for t_s in range(int(hours * 3600)):
        steps = int(t_s * rate_ul_h / 3.6 / STEP_NL)
        pressure_pa = int(pressure_of(t_s, steps * STEP_NL) + noise.gauss(0, 17))
        if found.update(pressure_pa, steps, rate_ul_h, start_ms + t_s * 1000 & MASK):
            return t_s
    return None


# The detector trips at 8 kPa: 8000 * 14.37 = 115 µL, which takes 828 s at 0.5 mL/h and 82.8 s at 5 mL/h. A segment is
# 13 or 14 steps: 33 s at 0.5 mL/h; 3.3 s at 5 mL/h, lengthened to 5 s. Part of a segment is lost at the beginning and
# at the end. At 20 mL/h the 12 segments of 5 s that a run needs take longer than that volume.
@pytest.mark.parametrize(("rate_ul_h", "within_s"), [(500, 900), (1_000, 450), (5_000, 100), (20_000, 70)])
@pytest.mark.parametrize("start_ms", [0, MASK - 20_000])
def test_a_closed_line_is_found_in_time(rate_ul_h, within_s, start_ms):
    closed_s = 300
    closed_nl = closed_s * rate_ul_h / 3.6
    line = lambda t_s, nl: 2_000 + max(0, nl - closed_nl) / C_NL_PA  # noqa: E731
    at_s = watch(rate_ul_h, line, 0.5, start_ms=start_ms)
    assert at_s is not None
    assert 0 < at_s - closed_s <= within_s


def test_a_line_twice_as_soft_is_found_in_twice_the_time():
    soft = lambda t_s, nl: nl / (2 * C_NL_PA)  # noqa: E731
    assert watch(5_000, soft, 0.2) == pytest.approx(2 * 83, abs=15)


def test_a_line_as_stiff_as_glass_is_not_found_faster_than_its_cap():
    """It counts 3/2 of what the profile's line would rise: 8000 / 1.5 Pa, 55 s at 5 mL/h, but 12 segments of 5 s."""
    assert watch(5_000, lambda t_s, nl: nl, 0.1) == pytest.approx(60, abs=7)


@pytest.mark.parametrize("rate_ul_h", [100, 500, 5_000, 60_000, 400_000])
@pytest.mark.parametrize("minutes", [0.1, 1, 2, 14, 60])
def test_raising_a_patient_by_50_mmhg_is_no_occlusion_however_slowly(rate_ul_h, minutes):
    """The whole swing in one straight rise is below what trips: 6.7 kPa of 8."""
    rise = lambda t_s, nl: 2_000 + SWING_PA * min(1.0, max(0.0, t_s / 60 - 5) / minutes)  # noqa: E731
    assert watch(rate_ul_h, rise, 0.25 + minutes / 60) is None


@pytest.mark.parametrize("rate_ul_h", [500, 5_000])
def test_a_step_counts_one_and_a_half_segments_at_most(rate_ul_h):
    found = detector()
    assert watch(rate_ul_h, lambda t_s, nl: 0 if t_s < 600 else 40_000, 0.3, found) is None
    assert found.score_pa == 0  # and it is forgotten with the next segment


@settings(max_examples=30)
@given(
    st.sampled_from([500, 5_000, 20_000]),
    st.floats(5, 4_000),
    st.floats(0, 6.28),
    st.floats(5, 4_000),
    st.integers(0, 99),
)
def test_two_waves_that_share_50_mmhg_are_no_occlusion(rate_ul_h, period_s, phase, other_s, seed):
    wave = lambda t_s, nl: (  # noqa: E731
        SWING_PA / 4 * (math.sin(6.283 * t_s / period_s + phase) + math.sin(6.283 * t_s / other_s))
    )
    assert watch(rate_ul_h, wave, 1.5, seed=seed) is None


R_PA_UL_H = 0.025  # of the profile's line: 0.09 Pa·s/nL


def follow(rate_of, pressure_of, hours, seed=1):
    """As `watch`, of a pump whose rate (µL/h, of the second) changes: `pressure_of(t_s, volume_nl, rate_ul_h)`."""
    noise, found, volume_nl = random.Random(seed), detector(), 0.0
    for t_s in range(int(hours * 3600)):
        rate_ul_h = rate_of(t_s)
        volume_nl += rate_ul_h / 3.6
        steps = int(volume_nl / STEP_NL)
        pressure_pa = int(pressure_of(t_s, steps * STEP_NL, rate_ul_h) + noise.gauss(0, 17))
        if found.update(pressure_pa, steps, rate_ul_h, t_s * 1000):
            return t_s
    return None


# Two rates that alternate, with a mean of 0.5 or 5 mL/h. Each change costs one segment at most, 33 s or 5 s: with a
# change each minute about half the time is lost, with one every three or five minutes a quarter or less.
@pytest.mark.parametrize(("low", "high", "every_s", "within_s"), [
    (400, 600, 180, 1.25 * 840),
    (400, 600, 300, 1.15 * 840),
    (300, 700, 60, 2 * 840),
    (4_000, 6_000, 30, 1.3 * 84),
    (490, 510, 1, 900),
])  # fmt: skip
def test_a_rate_that_changes_all_the_time_does_not_blind_it(low, high, every_s, within_s):
    rate_of = lambda t_s: high if t_s // every_s % 2 else low  # noqa: E731
    at_s = follow(rate_of, lambda t_s, nl, rate_ul_h: nl / C_NL_PA, 1)
    assert at_s is not None
    assert at_s <= within_s


@pytest.mark.parametrize("tau_s", [1.3, 8])
@pytest.mark.parametrize("rate_of", [
    lambda t_s: 500 * (1 + t_s // 60),  # a ramp by steps each minute, to 60 mL/h
    lambda t_s: 500 + 100 * t_s,  # each second, to 720 mL/h
    lambda t_s: min(int(500 * 1.02**t_s), 400_000),  # as fast as 2 % a second
    lambda t_s: min(int(500 * 1.12 ** (t_s // 5)), 400_000),  # just within 1/8 in 5 s
    lambda t_s: 60_000 if t_s // 20 % 2 else 5_000,
])  # fmt: skip
def test_no_change_of_the_rate_is_an_occlusion_of_an_open_line(tau_s, rate_of):
    """Pressure follows the rate by the line's resistance, with its time constant, in a line up to six times as thin."""
    pressure_pa = 0.0

    def line(t_s, nl, rate_ul_h):
        nonlocal pressure_pa
        goal_pa = rate_ul_h * R_PA_UL_H * tau_s / 1.3
        pressure_pa += (goal_pa - pressure_pa) * (1 - math.exp(-1 / tau_s))
        return pressure_pa

    assert follow(rate_of, line, 2) is None


def test_what_was_before_a_pause_is_forgotten():
    found = detector()
    watch(5_000, lambda t_s, nl: nl / C_NL_PA, 80 / 3600, found)
    found.forget()
    assert not found.update(90_000, 10_000, 5_000, 90_000)
    assert found.score_pa == 0
