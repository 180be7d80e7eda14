"""An occlusion at a low rate is detected in minutes; disturbances of an open line raise no alarm."""

from __future__ import annotations

import math

import pytest

from hil_tests.expect import alarms_reported, limit_pa, now_ns, sleep_until
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("OCC-2", "OCC-6"), pytest.mark.timeout(180)]

SWING_PA = 50 * 133.322  # of a patient who moves


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.parametrize(("rate_ul_h", "within_s"), [(500, 15 * 60), (5_000, 2 * 60), (20_000, 75)])
def test_a_closed_line_is_detected_long_before_the_limit(
    bench: Bench, measure: Measure, rate_ul_h: int, within_s: float
) -> None:
    bench.pump.start(rate_ul_h)
    bench.sleep(60)
    closed_s = bench.now()
    bench.occlude()
    sleep_until(bench, lambda: "occlusion_early" in bench.pump.active_alarms, within_s, 1)
    measure("state", bench.pump.status().state, equal="alarm_stopped")
    (event,) = alarms_reported(bench, "occlusion_early")
    measure("priority reported", event.priority, equal="high")
    measure("reported as active", event.active, equal=True)
    stopped_ns = int(bench.trace.edges("enable", True, round(closed_s * 1e9))[0])
    measure(
        "pressure at the stop",
        bench.trace.value_at("pressure_pa", stopped_ns),
        unit="Pa",
        at_most=0.4 * limit_pa(bench, "medium"),
    )
    bench.sleep(3)
    measure("pulses of the piezo", bench.trace.count("piezo", stopped_ns), above=0)
    measure("recovery", bench.pump.status().recovery, equal=None)  # and the line is relieved
    bench.occlude(False)
    measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")


@pytest.mark.needs("pressure", "patient", "virtual_time")
@pytest.mark.parametrize("rate_ul_h", [500, 5_000])
def test_a_moving_patient_raises_no_occlusion_alarm(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    """An hour: steps of 50 mmHg, then waves of six minutes and of forty seconds."""
    bench.pump.start(rate_ul_h)
    for step in range(60):
        bench.patient(SWING_PA * (step % 2))
        bench.sleep(20)
    for tick in range(240):
        bench.patient(SWING_PA / 2 * (1 + math.sin(2 * math.pi * tick * 5 / (360 if tick < 150 else 40))))
        bench.sleep(5)
    measure("state", bench.pump.status().state, equal="infusing")
    measure("alarms reported", alarms_reported(bench, "occlusion_early"), equal=[])


@pytest.mark.needs("pressure", "patient", "converter", "virtual_time")
def test_drift_a_raised_bag_and_rate_changes_raise_no_occlusion_alarm(bench: Bench, measure: Measure) -> None:
    bench.pump.start(5_000)
    for minute in range(60):
        bench.sensor_drift(0.4 * minute)  # 24 Pa a minute: 1.4 kPa in the hour
        if minute % 10 == 5:
            bench.patient(981 * (minute // 10))  # 10 cm of water higher
        if minute % 7 == 3:
            bench.pump.set_rate(5_000 + 3_000 * (minute % 2))
        bench.sleep(60)
    measure("state", bench.pump.status().state, equal="infusing")
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.needs("pressure", "occlude", "virtual_time")
def test_a_pause_in_a_closed_line_does_not_lose_the_alarm(bench: Bench, measure: Measure) -> None:
    bench.occlude()
    bench.pump.start(5_000)
    bench.sleep(60)
    bench.pump.pause()
    bench.sleep(60)
    bench.pump.resume()
    resumed_ns = now_ns(bench)
    sleep_until(bench, lambda: "occlusion_early" in bench.pump.active_alarms, 120, 1)
    measure("from the resume to the alarm", now_ns(bench), unit="ns", above=resumed_ns)
