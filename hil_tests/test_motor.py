"""Commanded against counted steps: the motor faults that the pump detects, and those it cannot."""

from __future__ import annotations

import pytest

from hil_tests.expect import motor_steps, now_ns, step_hz, true_nl
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("MON-1", "MON-2")]


@pytest.mark.needs("capture", "pin")
@pytest.mark.parametrize("level", [0, 1])
def test_a_stuck_step_wire_is_detected_within_a_second(bench: Bench, measure: Measure, level: int) -> None:
    bench.pump.start(100_000)
    bench.sleep(2)
    held_ns = now_ns(bench)
    bench.drive_pin("step", level)
    bench.sleep(2)
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=("motor_fault",))
    released = bench.trace.edges("enable", True, held_ns)
    measure("time to the release of enable", released[0] - held_ns, unit="ns", at_most=1e9)
    # The delivered volume is the counted one, not the commanded one; the hold itself may look like an edge.
    measure("steps on the pin", len(motor_steps(bench, 1_010_000_000)), equal=status.steps_commanded)
    measure("steps counted", status.steps_counted, equal=status.steps_commanded)


@pytest.mark.needs("capture", "pin")
def test_unordered_steps_are_detected(bench: Bench, measure: Measure) -> None:
    """Noise on the wire, ten pulses in 0.2 s, while the pump gives a step in 1.26 s."""
    bench.pump.start(1_000)
    bench.sleep(2)
    noisy_ns = now_ns(bench)
    for _ in range(10):
        bench.drive_pin("step", 1)
        bench.sleep(0.01)
        bench.drive_pin("step", 0)
        bench.sleep(0.01)
    bench.drive_pin("step", None)
    bench.sleep(0.5)
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=("motor_fault",))
    # Three exceed the slack of two, and the monitor runs every 100 ms.
    measure(
        "time to the release of enable",
        bench.trace.edges("enable", True, noisy_ns)[0] - noisy_ns,
        unit="ns",
        at_most=0.3e9,
    )
    # They moved the motor, so they count as delivered.
    measure("steps counted", status.steps_counted, at_least=1 + 3)


@pytest.mark.needs("capture", "pin")
def test_a_motor_fault_ends_with_a_clear_when_the_wire_is_free(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.sleep(1)
    bench.drive_pin("step", 0)
    bench.sleep(2)
    bench.drive_pin("step", None)
    bench.sleep(0.5)
    cleared = bench.pump.clear_alarms()
    measure("state after the clear", cleared.state, equal="idle")
    measure("alarms after the clear", cleared.alarms, equal=())
    started_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(3)
    measure("steps", len(motor_steps(bench, started_ns)), at_least=2.9 * step_hz(bench.profile, 100_000))
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.needs("pin", "reset")
def test_the_self_test_finds_a_stuck_step_wire(bench: Bench, measure: Measure) -> None:
    bench.drive_pin("step", 0)
    bench.reset()
    bench.sleep(1)
    status = bench.pump.status()
    measure("state", status.state, equal="fault")
    measure("system_fault is among the alarms", "system_fault" in status.alarms, equal=True)


@pytest.mark.needs("capture", "pressure", "motor")
@pytest.mark.parametrize(("kind", "made"), [("stalled", 0.0), ("slip 50", 0.95)])
def test_the_counter_cannot_detect_a_motor_that_does_not_follow_its_steps(
    bench: Bench, measure: Measure, kind: str, made: float
) -> None:
    """A known limit: the counter counts pulses, not turns; the pump's volume is right as long as the motor follows."""
    bench.motor_fault(kind)
    start_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(10)
    bench.pump.stop()
    bench.sleep(1)
    status = bench.pump.status()
    measure("alarms", status.alarms, equal=())
    measure("steps counted", status.steps_counted, equal=len(motor_steps(bench, start_ns)))
    # Of 800 steps, to within one.
    measure("volume out of the syringe", true_nl(bench, start_ns), unit="nL", near=made * status.delivered_nl, by=400)
