"""Drawing back: its four bounds, one by one, and its account."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.occlusion import retraction as r
from pump.core.therapy.regimen import continuous
from pump.core.therapy.therapy import Therapy
from pump.core.units import MASK

OCCLUSION = {"retract_to_pa": 1333, "retract_ul_h": 500_000, "retract_max_ul": 2500, "compliance_pl_per_pa": 14370}
STEP_PL = 350_000  # 100 µL are 285.7 steps
C_NL_PA = 14.37
LIMIT_PA = 68_928


def begun(pushed_ul=5_000, pressure_pa=LIMIT_PA, vtbi_nl=None, now_ms=0, start_ul_h=500_000):
    infusion = Therapy(continuous(5_000, vtbi_nl), STEP_PL, 1)
    infusion.granted(steps(pushed_ul), 0)
    retraction = r.Retraction(OCCLUSION, STEP_PL, 1, start_ul_h)
    retraction.begun = retraction.begin(infusion, steps(pushed_ul), pressure_pa, now_ms)
    return retraction


def steps(ul):
    return ul * 1_000_000 // STEP_PL


def draw(retraction, pressure_of, step_ms=7):
    """Steps of 2 µL until it ends: (why, µL drawn). `pressure_of(ul)`."""
    ul = t_ms = 0
    while True:
        end = retraction.judge(pressure_of(ul), steps(ul), t_ms & MASK)
        if end != r.DRAWING:
            return end, ul
        ul += 2
        t_ms += step_ms


def test_a_closed_line_is_emptied_to_ten_mmhg():
    end, ul = draw(begun(), lambda ul: LIMIT_PA - ul * 1000 / C_NL_PA)
    assert end == r.RELIEVED
    assert ul == pytest.approx((LIMIT_PA - 1333) * C_NL_PA / 1000, abs=2)


# 1 kPa for the first 100 µL is asked for.
@pytest.mark.parametrize(
    "pressure_of",
    [
        lambda ul: LIMIT_PA,  # a sensor that reads high for ever
        lambda ul: LIMIT_PA + 50 * ul,  # one that rises
        lambda ul: LIMIT_PA - 9 * ul,  # one that drifts
        lambda ul: LIMIT_PA - 300 * (ul % 3),  # one that rattles
    ],
)
def test_a_pressure_that_does_not_follow_the_plunger_ends_it_after_a_first_small_volume(pressure_of):
    end, ul = draw(begun(), pressure_of)
    assert end == r.NO_FALL
    assert ul == pytest.approx(r.FIRST_UL, abs=2)  # a step


def test_a_pressure_that_stops_falling_ends_it():
    end, ul = draw(begun(), lambda ul: max(20_000, LIMIT_PA - ul * 1000 / C_NL_PA))
    # 20 kPa are reached at 703 µL; at the latest the second fifty after that does not fall by half of 3.5 kPa.
    assert end == r.NO_FALL
    assert 703 <= ul <= 703 + 2 * r.CHECK_UL + 4


@pytest.mark.parametrize("softer", [1.0, 1.4, 1.9])
def test_a_line_up_to_twice_as_soft_as_the_profile_s_is_emptied(softer):
    end, _ = draw(begun(), lambda ul: LIMIT_PA - ul * 1000 / (softer * C_NL_PA))
    assert end == r.RELIEVED


def test_an_open_line_whose_pressure_falls_by_its_resistance_is_left_alone():
    """From 42 kPa (an offset) to 15 kPa less, with the time constant of the line, 1.3 s or 180 µL at 500 mL/h. After
    the first hundred each fifty must fall by 1.74 kPa: they do by 2.1, 1.6 kPa."""
    end, ul = draw(begun(pressure_pa=42_000), lambda ul: 42_000 - 15_000 * (1 - math.exp(-ul / 180)))
    assert end == r.NO_FALL
    assert ul <= 206


def test_no_reading_ends_it():
    assert begun().judge(None, 0, 0) == r.NO_PRESSURE


def test_it_draws_no_more_than_the_profile_allows():
    end, ul = draw(begun(pressure_pa=200_000), lambda ul: 200_000 - 40 * ul)
    assert end == r.ALL_DRAWN
    assert ul == pytest.approx(2500, abs=2)


def test_it_draws_no_more_than_the_infusion_has_pushed():
    end, ul = draw(begun(pushed_ul=150), lambda ul: LIMIT_PA - ul * 1000 / C_NL_PA)
    assert end == r.ALL_DRAWN
    assert ul == pytest.approx(150, abs=2)


@pytest.mark.parametrize("now_ms", [0, MASK - 9_999])
def test_it_takes_no_longer_than_half_a_minute(now_ms):
    retraction = begun(now_ms=now_ms)
    assert retraction.judge(50_000, 1, now_ms + 29_999 & MASK) == r.DRAWING
    assert retraction.judge(50_000, 1, now_ms + 30_000 & MASK) == r.TIMED_OUT


@pytest.mark.parametrize(("pushed_ul", "pressure_pa"), [(0, LIMIT_PA), (500, None), (500, 1333)])
def test_where_nothing_can_be_drawn_it_does_not_begin(pushed_ul, pressure_pa):
    assert not begun(pushed_ul, pressure_pa).begun


def test_what_is_drawn_is_taken_off_the_infusion_and_a_halt_gives_back_what_was_not_made():
    retraction = begun(pushed_ul=1_000, vtbi_nl=1_200_000)
    left = retraction.infusion.budget_steps()
    retraction.granted(100, 0)
    retraction.granted(-30, 0)
    assert retraction.infusion.budget_steps() == left + 70
    assert retraction.budget_steps() == steps(1_000) - 70
    assert not retraction.done()


def test_above_the_rate_without_a_ramp_it_slows_down_half_a_second_before_the_end():
    """500 mL/h are 69 µL in half a second."""
    retraction = begun(start_ul_h=20_000)
    pressure_of = lambda ul: LIMIT_PA - ul * 1000 / C_NL_PA  # noqa: E731
    end_ul = (LIMIT_PA - 1333) * C_NL_PA / 1000
    fast = []
    for ul in range(0, int(end_ul), 2):
        assert retraction.judge(pressure_of(ul), steps(ul), 0) == r.DRAWING
        fast.append(retraction.target_ul_h == 500_000)
    assert fast == sorted(fast, reverse=True)  # once slow, always slow
    assert end_ul - 2 * sum(fast) == pytest.approx(70, abs=4)


@given(st.lists(st.one_of(st.none(), st.integers(-80_000, 200_000)), min_size=30, max_size=30), st.integers(0, 3_000))
def test_whatever_the_sensor_says_no_more_is_drawn_than_each_bound_allows(readings, pushed_ul):
    retraction = begun(pushed_ul=pushed_ul)
    if not retraction.begun:
        return
    end, ul = draw(retraction, lambda ul: readings[ul * len(readings) // 3_002])
    assert end in (r.RELIEVED, r.NO_FALL, r.ALL_DRAWN, r.NO_PRESSURE)
    assert ul <= min(2500, pushed_ul + 2)
