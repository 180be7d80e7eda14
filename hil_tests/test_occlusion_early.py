"""An occlusion at a low rate is found in minutes, and what moves the pressure of an open line is none."""

from __future__ import annotations

import math

import pytest

from hil_tests.expect import alarms_told, limit_pa, now_ns, sleep_until
from picoinfuse.bench import Bench

SWING_PA = 50 * 133.322  # of a patient who moves


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.parametrize(("rate_ul_h", "within_s"), [(500, 15 * 60), (5_000, 2 * 60), (20_000, 75)])
def test_a_closed_line_is_found_long_before_the_limit(bench: Bench, rate_ul_h: int, within_s: float) -> None:
    bench.pump.start(rate_ul_h)
    bench.sleep(60)
    closed_s = bench.now()
    bench.occlude()
    sleep_until(bench, lambda: "occlusion_early" in bench.pump.active_alarms, within_s, 1)
    assert bench.pump.status().state == "alarm_stopped"
    (event,) = alarms_told(bench, "occlusion_early")
    assert (event.priority, event.active) == ("high", True)
    stopped_ns = int(bench.trace.edges("enable", True, round(closed_s * 1e9))[0])
    assert bench.trace.value_at("pressure_pa", stopped_ns) <= 0.4 * limit_pa(bench, "medium")
    bench.sleep(3)
    assert bench.trace.count("piezo", stopped_ns) > 0
    assert bench.pump.status().recovery is None  # and the line is relieved
    bench.occlude(False)
    assert bench.pump.clear_alarms().state == "idle"


@pytest.mark.needs("pressure", "patient", "virtual_time")
@pytest.mark.parametrize("rate_ul_h", [500, 5_000])
def test_a_patient_who_moves_is_no_occlusion(bench: Bench, rate_ul_h: int) -> None:
    """An hour: steps of 50 mmHg, then waves of six minutes and of forty seconds."""
    bench.pump.start(rate_ul_h)
    for step in range(60):
        bench.patient(SWING_PA * (step % 2))
        bench.sleep(20)
    for tick in range(240):
        bench.patient(SWING_PA / 2 * (1 + math.sin(2 * math.pi * tick * 5 / (360 if tick < 150 else 40))))
        bench.sleep(5)
    assert (bench.pump.status().state, alarms_told(bench, "occlusion_early")) == ("infusing", [])


@pytest.mark.needs("pressure", "patient", "converter", "virtual_time")
def test_drift_a_bag_hung_higher_and_rate_changes_are_no_occlusion(bench: Bench) -> None:
    bench.pump.start(5_000)
    for minute in range(60):
        bench.sensor_drift(0.4 * minute)  # 24 Pa a minute: 1.4 kPa in the hour
        if minute % 10 == 5:
            bench.patient(981 * (minute // 10))  # 10 cm more
        if minute % 7 == 3:
            bench.pump.set_rate(5_000 + 3_000 * (minute % 2))
        bench.sleep(60)
    assert (bench.pump.status().state, bench.pump.status().alarms) == ("infusing", ())


@pytest.mark.needs("pressure", "occlude", "virtual_time")
def test_a_pause_in_a_closed_line_does_not_lose_the_alarm(bench: Bench) -> None:
    bench.occlude()
    bench.pump.start(5_000)
    bench.sleep(60)
    bench.pump.pause()
    bench.sleep(60)
    bench.pump.resume()
    resumed_ns = now_ns(bench)
    sleep_until(bench, lambda: "occlusion_early" in bench.pump.active_alarms, 120, 1)
    assert now_ns(bench) > resumed_ns
