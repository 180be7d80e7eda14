"""The battery, where the profile has one: measurement, report, and the two warnings before it is empty."""

from __future__ import annotations

import pytest

from hil_tests.expect import alarms_reported, infuse, sleep_until
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("GIP-5"),
    pytest.mark.needs("battery", "virtual_time"),
    pytest.mark.profile("ambulatory-10ml"),
]

RATE_UL_H = 5_000
INFUSING_MA = 460  # idle_ma and motor_ma of the profile


def test_voltage_charge_and_remaining_time_are_reported(bench: Bench, measure: Measure) -> None:
    bench.battery(permille=600)
    bench.reset()
    bench.sleep(12.0)  # a measurement at rest
    infuse(bench, RATE_UL_H)
    bench.sleep(31.0)
    reported = bench.pump.battery()
    # Codes of 0.8 mV behind a divider by two.
    measure("voltage reported", reported.millivolts, near=bench.battery(), by=3)
    measure("charge reported", reported.percent, near=60, by=2)
    # 1200 mAh less 0.8 % of 2000: that charge remains in the cell when its voltage under load reaches the end
    measure("time left reported", reported.minutes_left, near=(1200 - 16) / INFUSING_MA * 60, by=5)
    assert reported.loaded_mv is not None
    assert reported.rest_mv is not None
    # Motor_ma and 150 mΩ.
    measure("drop under the motor's load", reported.rest_mv - reported.loaded_mv, unit="mV", near=400 * 0.150, by=4)


def test_the_battery_is_measured_at_least_every_three_minutes(bench: Bench, measure: Measure) -> None:
    bench.sleep(15.0)
    measure("battery state reported", bench.pump.battery().state, equal="ok")
    bench.battery_fault("open")
    bench.sleep(21.0)  # the next measurement is complete after 20 s at most
    measure("battery state reported", bench.pump.battery().state, equal="unknown")
    measure("alarms", bench.pump.status().alarms, equal=("battery_fault",))
    bench.battery_fault(None)
    bench.sleep(21.0)
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("capacity_mah", "permille"), [(2000, 150), pytest.param(1000, 800, marks=pytest.mark.long)])
def test_battery_low_warns_15_minutes_before_the_end_and_delivery_goes_on(
    bench: Bench, measure: Measure, capacity_mah: float, permille: float
) -> None:
    """A cell as in the profile, and one of half its capacity, whose fall the pump has to observe first."""
    bench.battery(capacity_mah=capacity_mah, permille=permille)
    bench.reset()
    infuse(bench, RATE_UL_H)
    sleep_until(bench, lambda: "battery_low" in bench.pump.status().alarms, 3 * 3600.0, 10.0)
    measure("state", bench.pump.status().state, equal="infusing")
    measure("priority reported", alarms_reported(bench, "battery_low")[-1].priority, equal="medium")
    # One minute for the error of the learned capacity. The alarm stops the infusion 5 min before the end.
    left_min = bench.pump.battery().minutes_left
    assert left_min is not None
    measure("time left reported", left_min, one_of=(14, 15))
    began_s = bench.now()
    sleep_until(bench, lambda: "battery_depleted" in bench.pump.status().alarms, 1200.0, 5.0)
    measure("from low to depleted", (bench.now() - began_s) / 60, unit="min", near=10, by=1)


def test_a_depleted_battery_alarms_and_stops_the_infusion_without_losing_steps(bench: Bench, measure: Measure) -> None:
    bench.battery(permille=40)
    bench.reset()
    infuse(bench, RATE_UL_H)
    sleep_until(bench, lambda: "battery_depleted" in bench.pump.status().alarms, 1200.0, 5.0)
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("priority reported", alarms_reported(bench, "battery_depleted")[-1].priority, equal="high")
    measure("steps commanded", status.steps_commanded, equal=status.steps_counted)  # no step is lost
    bench.sleep(300.0)  # the alarm sounds longer than that: the motor is off, and the idle load is a seventh
    measure("battery voltage", bench.battery(), above=bench.profile.values["battery"]["empty_mv"])


def test_a_depleted_pump_cannot_be_started_until_it_is_charged(bench: Bench, measure: Measure) -> None:
    bench.battery(permille=20)
    bench.reset()
    measure("failed part", bench.pump.test_report().failed, equal="battery")
    with pytest.raises(PumpError):
        bench.pump.start(RATE_UL_H)
    bench.battery(permille=500)
    bench.reset()
    infuse(bench, RATE_UL_H)
    measure("state", bench.pump.status().state, equal="infusing")


def test_a_pump_that_was_depleted_and_charged_infuses_after_a_clear(bench: Bench, measure: Measure) -> None:
    bench.sleep(12.0)
    bench.battery(permille=12)  # 4 ‰ above the charge at which the voltage under load reaches the end
    bench.sleep(180.0)  # the estimate of the charge follows the voltage by an eighth every 10 s
    measure("state when it is down", bench.pump.status().state, equal="alarm_stopped")
    bench.pump.clear_alarms()
    measure("alarms after a clear", bench.pump.status().alarms, equal=("battery_depleted",))
    bench.battery(permille=500, charger_ma=1000)
    bench.sleep(21.0)
    measure("state when it is charged", bench.pump.clear_alarms().state, equal="idle")


@pytest.mark.profile("syringe-50ml")
def test_a_pump_without_a_battery_says_so(bench: Bench, measure: Measure) -> None:
    with pytest.raises(PumpError, match="no battery") as refused:
        bench.pump.battery()
    measure("refused as", refused.value.code, equal="wrong_state")
