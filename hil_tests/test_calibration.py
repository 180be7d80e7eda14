"""A calibration: kept over a reset, in force from the next start, undone, bounded, never guessed."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hil_tests.expect import end_self_test
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("KEEP-2")]

DAY, OPERATOR = "2026-11-22", "A. Tester"
RATE_UL_H = 360_000  # 5 mL take 50 s
VOLUME_NL = 5_000_000


def calibrate(bench: Bench, num: int, den: int, operator: str = OPERATOR) -> str:
    factor = bench.pump.calibrate(num, den, DAY, operator)
    end_self_test(bench)  # which comes after a reset
    return factor


def refusal(bench: Bench, num: int, den: int, day: str = DAY, operator: str = OPERATOR) -> PumpError:
    with pytest.raises(PumpError) as caught:
        bench.pump.calibrate(num, den, day, operator)
    return caught.value


def infuse(bench: Bench, measure: Measure) -> tuple[int, int]:
    """Gives the volume; returns the nL that the pump says it gave, and its steps."""
    bench.pump.start(RATE_UL_H, VOLUME_NL)
    bench.sleep(60)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    bench.pump.clear_alarms()
    return status.delivered_nl, status.steps_counted


def test_an_uncalibrated_pump_reports_it(bench: Bench, measure: Measure) -> None:
    reported = bench.pump.calibration()
    measure("factor reported", reported.factor, equal="1/1")
    measure("entries reported", reported.entries, equal=())
    measure("fault reported", reported.fault, equal=None)
    measure("calibration reported", bench.pump.hello().calibration, equal="1/1")
    measure("factor in force", bench.pump.status().calibration, equal="1/1")


@pytest.mark.needs("virtual_time")
def test_a_factor_is_in_force_from_the_next_start(bench: Bench, measure: Measure) -> None:
    before_nl, steps_before = infuse(bench, measure)
    measure("factor in force", calibrate(bench, 103, 100), equal="103/100")
    measure("factor in force", bench.pump.status().calibration, equal="103/100")
    after_nl, steps_after = infuse(bench, measure)
    # A step gives 3 % more, so the same volume takes 3 % fewer: the number is rounded down to whole steps.
    step_nl = Fraction(bench.pump.calibration().step_pl or "") / 1000
    measure("steps with the factor", steps_after, equal=VOLUME_NL // step_nl)
    measure("steps with the factor", steps_after, near=steps_before / 1.03, by=1)
    # Both report the requested volume, less than one step short.
    measure("volume reported after", after_nl, unit="nL", above=VOLUME_NL - step_nl, at_most=VOLUME_NL)
    measure("volume reported before", before_nl, unit="nL", above=VOLUME_NL - step_nl, at_most=VOLUME_NL)


@pytest.mark.needs("virtual_time", "pressure")
def test_the_rate_is_in_true_volume_too(bench: Bench, measure: Measure) -> None:
    # The world's step is that of the profile, so a factor of 11/10 makes the motor slower by 10/11.
    calibrate(bench, 11, 10)
    start_s = bench.now()
    bench.pump.start(RATE_UL_H)
    bench.sleep(120)
    given_ml = (bench.trace.value_at("delivered_nl", round(bench.now() * 1e9))) / 1e6
    # 360 mL/h for 120 s are 12 mL, times 10/11 are 10.909 mL. The start ramps, and 300 ms are granted ahead: 0.05 mL.
    measure(
        "volume out of the syringe", given_ml, unit="mL", near=360 * (bench.now() - start_s) / 3600 * 10 / 11, by=0.05
    )


@pytest.mark.requirement("GIP-1.7")
@pytest.mark.needs("power")
def test_a_factor_outlives_the_supply(bench: Bench, measure: Measure) -> None:
    calibrate(bench, 97, 100, "Jürgen K.")
    bench.power_cycle()
    reported = bench.pump.calibration()
    measure("factor reported", reported.factor, equal="97/100")
    entry = reported.entries[0]
    measure("numerator kept", entry.num, equal=97)
    measure("denominator kept", entry.den, equal=100)
    measure("date kept", entry.date, equal=DAY)
    measure("operator kept", entry.operator, equal="Jürgen K.")


def test_undo_removes_one_calibration_at_a_time_and_is_refused_when_none_is_left(
    bench: Bench, measure: Measure
) -> None:
    calibrate(bench, 101, 100)
    calibrate(bench, 102, 100)
    measure("factors known", [entry.num for entry in bench.pump.calibration().entries], equal=[102, 101])
    for expected in ("101/100", "1/1"):
        measure("factor in force", bench.pump.uncalibrate(), equal=expected)
        bench.sleep(1)
        end_self_test(bench)
    with pytest.raises(PumpError, match="no calibration to take back"):
        bench.pump.uncalibrate()


@pytest.mark.parametrize(("num", "den"), [(111, 100), (89, 100), (1101, 1000), (0, 1), (1, 0), (1030, 1001)])
def test_a_factor_beyond_the_limit_is_refused_with_the_limit(
    bench: Bench, measure: Measure, num: int, den: int
) -> None:
    refused = refusal(bench, num, den)
    measure("refused with", refused.code, equal="out_of_range")
    measure("the message names the limit", "are allowed" in refused.message, equal=True)
    measure("factor in force", bench.pump.calibration().factor, equal="1/1")
    measure("state", bench.pump.status().state, equal="idle")  # no reset


@pytest.mark.parametrize(("day", "operator", "what"), [("22.11.2026", OPERATOR, "date"), (DAY, "x" * 33, "operator")])
def test_operator_and_date_are_checked(bench: Bench, measure: Measure, day: str, operator: str, what: str) -> None:
    refused = refusal(bench, 101, 100, day, operator)
    measure("refused with", refused.code, equal="out_of_range")
    measure("refused with", refused.data["parameter"], equal=what)


def test_it_is_refused_while_infusing_and_while_paused_and_the_infusion_goes_on(bench: Bench, measure: Measure) -> None:
    bench.pump.start(5000)
    measure("refused with", refusal(bench, 101, 100).code, equal="wrong_state")
    bench.pump.pause()
    measure("refused with", refusal(bench, 101, 100).code, equal="wrong_state")
    bench.pump.resume()
    with pytest.raises(PumpError, match="wrong_state"):
        bench.pump.uncalibrate()
    measure("state", bench.pump.status().state, equal="infusing")
