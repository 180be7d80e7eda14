"""Upstream of the pump: a blocked supply, air, and their sensors, where a profile has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil_tests.expect import alarms_reported, bench_with, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("OCC-7")]

UPSTREAM_MMHG = 50
LIMIT_PA = -50 * 133.322


@pytest.fixture
def wired(bench: Bench) -> Iterator[Bench]:
    """A bench of the same kind whose profile has both sensors; the pump infuses."""
    changed = {"wiring": {"upstream": 27, "air": 15}, "occlusion": {"upstream_mmhg": UPSTREAM_MMHG}}
    with bench_with(bench, **changed) as opened:
        opened.pump.start(100_000)
        opened.sleep(1)
        yield opened


def stopped_within(bench: Bench, measure: Measure, name: str, since_ns: int, seconds: float) -> None:
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=(name,))
    (event,) = alarms_reported(bench, name)
    measure("priority reported", event.priority, equal="high")
    measure("reported as active", event.active, equal=True)
    measure("motion after the cause", motor_steps(bench, since_ns)[-1] - since_ns, unit="ns", at_most=seconds * 1e9)


@pytest.mark.needs("capture", "upstream")
def test_an_upstream_occlusion_stops_the_pump(measure: Measure, wired: Bench) -> None:
    wired.upstream(LIMIT_PA + 300)
    wired.sleep(5)
    measure("state", wired.pump.status().state, equal="infusing")
    blocked_ns = now_ns(wired)
    wired.upstream(LIMIT_PA - 300)
    wired.sleep(2)
    stopped_within(wired, measure, "upstream_occlusion", blocked_ns, 0.6)
    # Nothing is drawn back: the line to the patient is open.
    measure("recovery", wired.pump.status().recovery, equal=None)
    wired.upstream(0)
    wired.sleep(0.5)
    measure("state after the clear", wired.pump.clear_alarms().state, equal="idle")


@pytest.mark.needs("capture", "upstream", "pin")
def test_air_in_the_line_stops_the_pump(measure: Measure, wired: Bench) -> None:
    air_ns = now_ns(wired)
    wired.drive_pin("air", 1)
    wired.sleep(1)
    stopped_within(wired, measure, "air_in_line", air_ns, 0.12)  # three polls of 20 ms, each up to 10 ms late
    wired.drive_pin("air", 0)
    wired.sleep(0.5)
    measure("state after the clear", wired.pump.clear_alarms().state, equal="idle")


@pytest.mark.needs("capture", "upstream", "pin")
def test_a_bubble_shorter_than_60_ms_does_not_stop_the_pump(measure: Measure, wired: Bench) -> None:
    wired.drive_pin("air", 1)
    wired.sleep(0.03)
    wired.drive_pin("air", 0)
    wired.sleep(1)
    measure("state", wired.pump.status().state, equal="infusing")


@pytest.mark.needs("capture", "upstream")
@pytest.mark.parametrize(("fault", "within_s"), [("open", 0.08), ("short", 0.08), ("frozen", 2.08), ("jump", 0.08)])
def test_a_faulty_upstream_sensor_stops_the_pump(wired: Bench, measure: Measure, fault: str, within_s: float) -> None:
    failed_ns = now_ns(wired)
    wired.upstream_fault(fault)
    wired.sleep(3)
    stopped_within(wired, measure, "upstream_sensor_fault", failed_ns, within_s)
