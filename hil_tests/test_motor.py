"""Commanded against counted steps: what the pump notices of its motor, and what it cannot."""

from __future__ import annotations

import pytest

from hil_tests.expect import motor_steps, now_ns, step_hz, true_nl
from picoinfuse.bench import Bench


@pytest.mark.needs("capture", "pin")
@pytest.mark.parametrize("level", [0, 1])
def test_a_step_wire_that_is_held_is_noticed_within_a_second(bench: Bench, level: int) -> None:
    bench.pump.start(100_000)
    bench.sleep(2)
    held_ns = now_ns(bench)
    bench.drive_pin("step", level)
    bench.sleep(2)
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("alarm_stopped", ("motor_fault",))
    released = bench.trace.edges("enable", True, held_ns)
    assert released[0] - held_ns <= 1e9
    # Delivered is what was counted, not what was asked for; the hold itself may look like an edge.
    assert len(motor_steps(bench, 1_010_000_000)) == status.steps_counted == status.steps_commanded


@pytest.mark.needs("capture", "pin")
def test_steps_that_nobody_ordered_are_noticed(bench: Bench) -> None:
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
    assert (status.state, status.alarms) == ("alarm_stopped", ("motor_fault",))
    # Three are more than the slack of two, and the monitor looks every 100 ms.
    assert bench.trace.edges("enable", True, noisy_ns)[0] - noisy_ns <= 0.3e9
    # They moved the motor, so they are delivered volume.
    assert status.steps_counted >= 1 + 3


@pytest.mark.needs("capture", "pin")
def test_a_motor_fault_ends_with_a_clear_when_the_wire_is_free(bench: Bench) -> None:
    bench.pump.start(100_000)
    bench.sleep(1)
    bench.drive_pin("step", 0)
    bench.sleep(2)
    bench.drive_pin("step", None)
    bench.sleep(0.5)
    cleared = bench.pump.clear_alarms()
    assert (cleared.state, cleared.alarms) == ("idle", ())
    started_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(3)
    assert len(motor_steps(bench, started_ns)) >= 2.9 * step_hz(bench.profile, 100_000)
    assert bench.pump.status().alarms == ()


@pytest.mark.needs("pin", "reset")
def test_the_self_test_finds_a_step_wire_that_is_held(bench: Bench) -> None:
    bench.drive_pin("step", 0)
    bench.reset()
    bench.sleep(1)
    status = bench.pump.status()
    assert status.state == "fault"
    assert "system_fault" in status.alarms


@pytest.mark.needs("capture", "pressure", "motor")
@pytest.mark.parametrize(("kind", "made"), [("stalled", 0.0), ("slip 50", 0.95)])
def test_a_motor_that_does_not_follow_its_steps_is_beyond_the_counter(bench: Bench, kind: str, made: float) -> None:
    """A known limit: the counter counts pulses, not turns; the pump's volume is right as long as the motor follows."""
    bench.motor_fault(kind)
    start_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(10)
    bench.pump.stop()
    bench.sleep(1)
    status = bench.pump.status()
    assert status.alarms == ()
    assert status.steps_counted == len(motor_steps(bench, start_ns))
    # Of 800 steps, to within one.
    assert true_nl(bench, start_ns) == pytest.approx(made * status.delivered_nl, abs=400)
