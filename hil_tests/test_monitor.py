"""The delivery monitor on a step wire that sometimes loses or gains a step: the 15-minute windows.

At 5 mL/h a step comes every 252 ms. One lost or one more in 2 s are 12.6 % of 7.94 steps.
"""

from __future__ import annotations

import pytest

from hil_tests.expect import motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("MON-1", "GIP-1.2")]

RATE_UL_H = 5_000
TURN_S = 2.0
INTERVAL_S = 0.252
WINDOW_S = 15 * 60


def one_more(bench: Bench) -> None:
    bench.drive_pin("step", 1)
    bench.sleep(0.01)
    bench.drive_pin("step", 0)
    bench.sleep(0.01)
    bench.drive_pin("step", None)
    bench.sleep(TURN_S - 0.02)


def one_less(bench: Bench) -> None:
    """Holds the wire low for one interval: one step is lost."""
    bench.drive_pin("step", 0)
    bench.sleep(INTERVAL_S)
    bench.drive_pin("step", None)
    bench.sleep(TURN_S - INTERVAL_S)


def alarmed_after_s(bench: Bench, turn, limit_s: float) -> float | None:
    """Bench time from the first disturbance to the alarm, s."""
    begin_s = bench.now()
    while bench.now() - begin_s < limit_s:
        turn(bench)
        if bench.pump.active_alarms:
            return bench.now() - begin_s
    return None


@pytest.mark.needs("capture", "pin", "virtual_time")
def test_more_than_110_percent_for_15_minutes_stops_the_pump(bench: Bench, measure: Measure) -> None:
    bench.pump.start(RATE_UL_H)
    bench.sleep(10)
    after_s = alarmed_after_s(bench, one_more, 1000)
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=("over_infusion",))
    # Not before its window is over; the count may have left 0 with the step before the first disturbance.
    assert after_s is not None
    measure("volume reported after", after_s, unit="s", at_least=WINDOW_S - 1, at_most=WINDOW_S + 2 * TURN_S)


@pytest.mark.needs("capture", "pin", "virtual_time")
def test_less_than_90_percent_for_15_minutes_alarms_and_goes_on(bench: Bench, measure: Measure) -> None:
    bench.pump.start(RATE_UL_H)
    bench.sleep(10)
    after_s = alarmed_after_s(bench, one_less, 1000)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", status.alarms, equal=("under_infusion",))
    assert after_s is not None
    measure("volume reported after", after_s, unit="s", at_least=WINDOW_S - 1, at_most=WINDOW_S + 2 * TURN_S)
    # The cause is gone: the count returns to 0; the alarm stays until a person clears it, and does not return.
    bench.sleep(600)
    measure("alarms after the clear", bench.pump.clear_alarms().alarms, equal=())
    bench.sleep(WINDOW_S + 60)
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.needs("capture", "pin", "virtual_time")
@pytest.mark.parametrize("turn", [one_more, one_less])
def test_the_same_deviation_for_ten_minutes_raises_no_alarm(bench: Bench, measure: Measure, turn) -> None:
    bench.pump.start(RATE_UL_H)
    bench.sleep(10)
    measure("time to the alarm", alarmed_after_s(bench, turn, 600), unit="s", equal=None)
    bench.sleep(900)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", status.alarms, equal=())


def up_and_down(bench: Bench) -> None:
    bench.pump.set_rate(100_000)
    bench.pump.set_rate(1_000)


def down_and_up(bench: Bench) -> None:
    bench.pump.set_rate(100_000)
    bench.sleep(3)
    bench.pump.set_rate(1_000)
    bench.pump.set_rate(100_000)


def small_bolus(bench: Bench) -> None:
    """36 ms of it."""
    bench.pump.bolus(10_000, 1_000_000)


def bolus_that_is_stopped(bench: Bench) -> None:
    bench.pump.bolus(1_000_000, 1_000_000)
    bench.pump.pause()
    bench.sleep(1)
    bench.pump.resume()


@pytest.mark.needs("capture", "virtual_time")
@pytest.mark.parametrize("change", [up_and_down, down_and_up, small_bolus, bolus_that_is_stopped])
def test_a_rate_that_ends_before_the_monitor_runs_raises_no_motor_fault(bench: Bench, measure: Measure, change) -> None:
    """The monitor runs every 100 ms, and the commands are 22 ms apart. Motion is granted at least every 50 ms: in one
    of 40 attempts, each a little later against both, it is granted between the commands and before the monitor runs.
    """
    bench.pump.start(1_000)
    for _ in range(40):
        bench.sleep(2.9137)
        change(bench)
        bench.sleep(1)
        if bench.pump.active_alarms:
            break
    status = bench.pump.status()
    measure("alarms", status.alarms, equal=())
    measure("state", status.state, equal="infusing")


@pytest.mark.needs("capture", "virtual_time")
@pytest.mark.requirement("PCA-2")
def test_a_patients_bolus_stopped_as_it_starts_raises_no_motor_fault(bench: Bench, measure: Measure) -> None:
    bolus = {"volume_nl": 500_000, "rate_ul_h": 100_000, "lockout_s": 60, "max_1h_nl": 5_000_000}
    bolus["max_4h_nl"] = 8_000_000
    bench.pump.start_regimen({"kind": "pca", "segments": [[1_000, 1_000, 0, 0]], "bolus": bolus})
    for part in range(5):
        bench.sleep(61)
        measure("bolus refused", bench.pump.request_bolus().why, equal=None)
        bench.sleep(0.02 * part)  # motion is granted every 50 ms
        bench.pump.stop() if part == 4 else bench.pump.pause()
        bench.sleep(1)
        measure("alarms", bench.pump.status().alarms, equal=())
        if part < 4:
            bench.pump.resume()


@pytest.mark.needs("capture", "virtual_time")
def test_pauses_and_rate_changes_at_a_low_rate_raise_no_alarm(bench: Bench, measure: Measure) -> None:
    """An hour at 0.01 mL/h (a step in 126 s), through pauses and changes of rate, without an alarm."""
    start_ns = now_ns(bench)
    bench.pump.start(10)
    for rate_ul_h in (10, 300, 10, 60_000, 10, 11):
        bench.sleep(500)
        bench.pump.pause()
        bench.sleep(100)
        bench.pump.set_rate(rate_ul_h)
        bench.pump.resume()
    status = bench.pump.status()
    measure("alarms", status.alarms, equal=())
    measure("steps on the pin", len(motor_steps(bench, start_ns)), equal=status.steps_counted)
