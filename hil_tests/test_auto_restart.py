"""Automatic restart after an occlusion, where the profile allows it, and the final stop when the occlusion repeats."""

from __future__ import annotations

import pytest

from hil_tests.expect import bench_with, now_ns, reported_volume_is_true, sleep_until
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("OCC-5", "PCA-5")]

CHECK_S = 15
RATE_UL_H = 400_000


def occlude(bench: Bench) -> None:
    bench.occlude()
    sleep_until(bench, lambda: bench.pump.status().state == "alarm_stopped", 12, 0.1)
    bench.occlude(False)


def state(bench: Bench) -> str:
    return bench.pump.status().state


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
def test_the_infusion_restarts_by_itself_when_the_line_opens_and_15_s_of_checks_pass(
    bench: Bench, measure: Measure
) -> None:
    with bench_with(bench, occlusion={"auto_restarts": 1}) as pump_bench:
        pump, start_ns = pump_bench.pump, now_ns(pump_bench)
        pump.start(RATE_UL_H, vtbi_nl=3_000_000)
        pump_bench.sleep(5)
        occlude(pump_bench)
        sleep_until(pump_bench, lambda: pump.status().recovery == "checking", 12, 0.1)
        checking_s = pump_bench.now()
        measure("occlusion is active", "occlusion" in pump.active_alarms, equal=True)
        sleep_until(pump_bench, lambda: state(pump_bench) == "infusing", CHECK_S + 1, 0.1)
        measure("length of the checking", pump_bench.now() - checking_s, unit="s", near=CHECK_S, by=0.5)
        measure("alarms", pump.status().alarms, equal=())
        pump_bench.sleep(40)
        status = pump.status()
        # The volume that was drawn back is given again, so the infusion completes.
        measure("state", status.state, equal="idle")
        measure("alarms", status.alarms, equal=("infusion_complete",))
        measure("delivered", status.delivered_nl, unit="nL", near=3_000_000, by=350)
        reported_volume_is_true(pump_bench, measure, start_ns)


@pytest.mark.needs("pressure", "occlude", "virtual_time")
def test_without_automatic_restarts_in_the_profile_it_stays_stopped(bench: Bench, measure: Measure) -> None:
    bench.pump.start(RATE_UL_H)
    bench.sleep(5)
    occlude(bench)
    bench.sleep(60)
    measure("state", state(bench), equal="alarm_stopped")


@pytest.mark.needs("pressure", "occlude", "virtual_time")
def test_restarts_in_ten_minutes_never_exceed_the_limit(bench: Bench, measure: Measure) -> None:
    with bench_with(bench, occlusion={"auto_restarts": 1}) as pump_bench:
        pump_bench.pump.start(RATE_UL_H)
        pump_bench.sleep(5)
        occlude(pump_bench)
        sleep_until(pump_bench, lambda: state(pump_bench) == "infusing", 40)
        pump_bench.sleep(5)
        occlude(pump_bench)
        pump_bench.sleep(60)
        status = pump_bench.pump.status()
        measure("state", status.state, equal="alarm_stopped")
        measure("alarms", status.alarms, equal=("occlusion",))


@pytest.mark.needs("pressure", "occlude", "virtual_time")
def test_the_same_alarm_three_times_in_ten_minutes_needs_a_person(bench: Bench, measure: Measure) -> None:
    with bench_with(bench, occlusion={"auto_restarts": 9}) as pump_bench:
        pump = pump_bench.pump
        pump.start(RATE_UL_H)
        for _ in range(2):
            pump_bench.sleep(5)
            occlude(pump_bench)
            sleep_until(pump_bench, lambda: state(pump_bench) == "infusing", 40)
        pump_bench.sleep(5)
        occlude(pump_bench)
        pump_bench.sleep(60)
        measure("alarms", pump.status().alarms, equal=("occlusion", "repeated_alarm"))
        measure("recovery", pump.status().recovery, equal=None)  # the line is relieved nevertheless
        cleared = pump.clear_alarms()
        measure("state after the clear", cleared.state, equal="alarm_stopped")
        measure("alarms after the clear", cleared.alarms, equal=("repeated_alarm",))


@pytest.mark.needs("pressure", "sensor", "virtual_time")
def test_manual_restarts_count_towards_the_three_alarms_too(bench: Bench, measure: Measure) -> None:
    for _ in range(3):
        bench.pump.clear_alarms()
        bench.pump.start(RATE_UL_H)
        bench.sleep(2)
        bench.sensor_fault("open")
        bench.sleep(1)
        bench.sensor_fault(None)
        bench.sleep(1)
    measure("alarms after the clear", bench.pump.clear_alarms().alarms, equal=("repeated_alarm",))


@pytest.mark.needs("pressure", "occlude", "virtual_time")
@pytest.mark.parametrize("what", ["stop", "clear", "sensor"])
def test_a_person_or_another_alarm_ends_the_line_check(bench: Bench, measure: Measure, what: str) -> None:
    with bench_with(bench, occlusion={"auto_restarts": 9}) as pump_bench:
        pump = pump_bench.pump
        pump.start(RATE_UL_H)
        pump_bench.sleep(5)
        occlude(pump_bench)
        sleep_until(pump_bench, lambda: pump.status().recovery == "checking", 12, 0.1)
        if what == "stop":
            pump.stop()
        elif what == "clear":
            pump.clear_alarms()
        else:
            pump_bench.sensor_fault("open")
        pump_bench.sleep(30)
        measure("recovery", pump.status().recovery, equal=None)
        measure("state", state(pump_bench), equal="idle" if what == "clear" else "alarm_stopped")


@pytest.mark.needs("pressure", "occlude", "patient", "virtual_time")
def test_a_line_at_half_the_limit_is_not_taken_for_open(bench: Bench, measure: Measure) -> None:
    with bench_with(bench, occlusion={"auto_restarts": 9}) as pump_bench:
        pump_bench.pump.start(RATE_UL_H)
        pump_bench.sleep(5)
        pump_bench.occlude()
        sleep_until(pump_bench, lambda: pump_bench.pump.status().recovery == "checking", 40, 0.1)
        pump_bench.patient(36_000)  # of 68.9 kPa
        pump_bench.occlude(False)
        pump_bench.sleep(30)
        status = pump_bench.pump.status()
        measure("state", status.state, equal="alarm_stopped")
        measure("alarms", status.alarms, equal=("occlusion",))
