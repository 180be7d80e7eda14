"""Measures the detectors on a few seeds: the results of `picoinfuse bench` match the firmware's code."""

import numpy as np
import pytest

from picoinfuse.benchmark import occlusion as measured

PUMP = measured.pump("syringe-50ml")


@pytest.mark.parametrize(("rate_ul_h", "within_min"), [(500, 15), (5_000, 2)])
def test_a_closed_line_is_found_in_time_and_long_before_the_limit(rate_ul_h: int, within_min: float) -> None:
    for seed in range(3):
        early_s, threshold_s = measured.delays(PUMP, rate_ul_h, seed)
        assert 0 < early_s <= within_min * 60
        # 68.9 kPa · 14.37 nL/Pa = 0.99 mL; what the patient did before moves where it begins by 6 kPa and more.
        assert threshold_s == pytest.approx(0.99e6 / (rate_ul_h / 3.6), rel=0.2)


@pytest.mark.parametrize("rate_ul_h", measured.RATES_UL_H)
def test_twelve_hours_of_an_open_line_are_quiet(rate_ul_h: int) -> None:
    assert measured.false_alarms(PUMP, rate_ul_h, seed=1, hours=12)[0] == 0


def test_the_patient_uses_all_of_the_swing_that_is_asked_for() -> None:
    rng = np.random.default_rng(1)
    swing_pa = np.ptp(measured.disturbances(rng, np.arange(0, 72 * 3600, 5.0)))
    assert swing_pa >= 50 * 133.322


@pytest.mark.long
@pytest.mark.parametrize("rate_ul_h", measured.RATES_UL_H)
def test_three_days_of_two_hundred_pumps_are_quiet(rate_ul_h: int) -> None:
    assert sum(measured.false_alarms(PUMP, rate_ul_h, seed)[0] for seed in range(100, 300)) == 0
