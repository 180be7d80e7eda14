"""The ramp: within the acceleration, through the start rate, and it arrives."""

from hypothesis import given
from hypothesis import strategies as st

from pump.core.motion.ramp import Ramp, resonance_ul_h
from pump.core.motion.step_grid import TICK_HZ

# 350000 pL a step: 1 Hz is 350000 pL/s = 1260 µL/h. Start at 400 Hz = 504000 µL/h; 4000 Hz/s = 5040000 µL/h a second.
NUM, DEN, START_HZ, ACCEL_HZ_S = 350000, 1, 400, 4000
START_UL_H = 504000
STAIR = TICK_HZ // 50  # 20 ms


def ramp():
    return Ramp(NUM, DEN, START_HZ, ACCEL_HZ_S)


def test_below_the_start_rate_there_is_no_ramp():
    assert ramp().next_rate(0, 5000, 0) == 5000
    assert ramp().next_rate(5000, 0, STAIR) == 0


def test_above_it_the_rate_climbs_by_the_acceleration():
    # 5040000 µL/h a second for 20 ms: 100800, and one for the rounding.
    assert ramp().next_rate(0, 1200000, 0) == START_UL_H
    assert ramp().next_rate(START_UL_H, 1200000, STAIR) == START_UL_H + 100801


def test_it_falls_to_the_start_rate_and_then_to_nothing():
    assert ramp().next_rate(550000, 0, STAIR) == START_UL_H
    assert ramp().next_rate(START_UL_H, 0, STAIR) == 0


@given(st.integers(0, 1200000), st.integers(0, 1200000))
def test_it_arrives_and_never_passes_its_target(start, target):
    rate = start
    for _ in range(100):  # 1200000 / 100800 a stair is 12 stairs
        before = rate
        rate = ramp().next_rate(rate, target, STAIR)
        assert min(before, target) <= rate <= max(before, target)
        if rate == target:
            return
    raise AssertionError("did not arrive")


def test_stopping_takes_as_many_steps_as_v_squared_over_2a():
    # 1000 Hz = 1260000 µL/h: 1000**2 / (2 * 4000) = 125 steps, 125 ms to spare are 125 more; one Hz is added for
    # the rounding.
    assert ramp().stopping_steps(1260000) == 1001 * 1001 // 8000 + 125
    assert ramp().stopping_steps(START_UL_H) == 0


def test_the_band_of_resonance_is_that_of_its_step_rates():
    # 600 Hz are 756000 µL/h and 700 Hz are 882000, exactly.
    assert resonance_ul_h({"step_pl": [350000, 1], "resonance_hz": [600, 700]}) == (756000, 882000)
    # 350001/7 pL: 1 Hz is 180.0005 µL/h, so 600 Hz are 108000.3 and 700 Hz 126000.4: edges go inwards.
    assert resonance_ul_h({"step_pl": [350001, 7], "resonance_hz": [600, 700]}) == (108001, 126000)
    assert resonance_ul_h({"step_pl": [350000, 1], "resonance_hz": [0, 0]}) == (0, 0)  # no rate is 0


@given(st.integers(755999, 1200000), st.integers(0, 1200000))
def test_a_ramp_holds_no_rate_between_its_ends(start, target):
    """So it passes through a band of resonance that neither end is in."""
    rates = [start]
    while rates[-1] != target:
        rates.append(ramp().next_rate(rates[-1], target, STAIR))
    assert len(set(rates)) == len(rates)
