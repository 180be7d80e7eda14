"""Pause, resume and stop: the step is finished, the motor stops soon, and no part of a step is lost."""

from __future__ import annotations

import pytest

from hil_tests.expect import BEGIN_S, LEAD_S, TICK_NS, end_self_test, interval_ns, motor_steps, now_ns, step_hz
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("STOP-1", "GIP-1.6")]

GRANTED_S = 0.5  # the longest grant, right before an erase of the flash; otherwise 0.3 s
ASKED_S = 0.05  # until a Pico has read and executed a command: 20 ms, and perhaps a garbage collection


def residual_ns(bench: Bench, rate_ul_h: int) -> float:
    """Motion after a normal stop: the granted motion, then the ramp down to the start rate."""
    mechanics = bench.profile.compiled()["mechanics"]
    ramp_s = max(0.0, step_hz(bench.profile, rate_ul_h) - mechanics["start_hz"]) / mechanics["accel_hz_s"]
    return (ASKED_S + GRANTED_S + ramp_s) * 1e9


@pytest.mark.needs("capture")
@pytest.mark.parametrize("rate_ul_h", [60_000, 1_200_000])
def test_a_stop_right_after_the_start_raises_no_alarm(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    """The monitor runs every 100 ms and may see neither; the granted motion is made nevertheless."""
    bench.pump.start(rate_ul_h)
    bench.pump.stop()
    bench.sleep(1.5)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=())


@pytest.mark.requirement("PCA-9")
@pytest.mark.needs("capture")
@pytest.mark.parametrize("rate_ul_h", [5_000, 100_000, 1_200_000])
def test_a_stop_finishes_the_granted_motion_and_the_step(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    bench.pump.start(rate_ul_h)
    bench.sleep(2.1)
    stopped_ns = now_ns(bench)
    measure("state", bench.pump.stop(), equal="idle")
    bench.sleep(3)
    after = motor_steps(bench, stopped_ns)
    moved_ns = after[-1] - stopped_ns if len(after) else 0
    measure("motion after the stop", moved_ns, unit="ns", at_most=residual_ns(bench, rate_ul_h))
    # The step is complete: STEP is low again before the motor is disabled.
    released = bench.trace.edges("enable", True, stopped_ns)
    measure("rising edges of enable", len(released), equal=1)
    measure(
        "from the stop to the release of enable",
        released[0] - stopped_ns,
        unit="ns",
        at_least=0,
        at_most=residual_ns(bench, rate_ul_h) + 0.1e9,
    )
    falls = bench.trace.edges("step", False, stopped_ns)
    measure("edges of step after the release", int((falls >= released[0]).sum()), equal=0)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("rate", status.rate_ul_h, unit="µL/h", equal=0)
    measure("alarms", status.alarms, equal=())
    measure("steps counted", status.steps_counted, equal=status.steps_commanded)


@pytest.mark.smoke
@pytest.mark.needs("capture")
def test_a_paused_motor_stands_and_keeps_its_current(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.sleep(2)
    paused_ns = now_ns(bench)
    measure("state", bench.pump.pause(), equal="paused")
    bench.sleep(10)
    after = motor_steps(bench, paused_ns)
    measure("motion after the pause", after[-1] - paused_ns, unit="ns", at_most=residual_ns(bench, 100_000))
    # ENABLE stays low: without current the plunger could creep back.
    measure("level of enable", bench.trace.level_at("enable", now_ns(bench)), equal=0)
    measure("rising edges of enable", len(bench.trace.edges("enable", True, paused_ns)), equal=0)
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.needs("capture", "exact")
@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_a_pause_keeps_the_accumulated_part_of_a_step(bench: Bench, measure: Measure, fraction: float) -> None:
    """1 mL/h: a step in 1.26 s, of which `fraction` has accumulated when the pause comes."""
    interval_s = float(interval_ns(bench.profile, 1_000)) / 1e9
    start_ns = now_ns(bench)
    bench.pump.start(1_000)
    bench.sleep(interval_s * (1 + fraction))
    paused_s = bench.now()
    bench.pump.pause()
    bench.sleep(3)
    before = motor_steps(bench, start_ns)
    resumed_s = bench.now()
    bench.pump.resume()
    bench.sleep(3 * interval_s)  # two steps: within two intervals and the start of the resume
    after = motor_steps(bench, round(resumed_s * 1e9))
    # Running time between the last step before and the first after: up to the pause, what was granted ahead
    # of it (0 to LEAD_S), and from the resume on. Together it makes one step, or the granted time held one.
    ran_s = (paused_s - before[-1] / 1e9) + (after[0] / 1e9 - resumed_s)
    measure(
        "time that pays for a step", ran_s, unit="s", at_least=interval_s - LEAD_S, at_most=interval_s + 2 * BEGIN_S
    )
    measure("interval after the pause", after[1] - after[0], unit="ns", near=interval_s * 1e9, by=TICK_NS)


@pytest.mark.needs("capture")
def test_repeated_pauses_lose_no_volume(bench: Bench, measure: Measure) -> None:
    """20 times 0.5 s of 5 mL/h: each second run begins up to BEGIN_S late and grants up to LEAD_S more."""
    interval_s = float(interval_ns(bench.profile, 5_000)) / 1e9
    start_ns = now_ns(bench)
    bench.pump.start(5_000)
    for _ in range(20):
        bench.sleep(0.5)
        bench.pump.pause()
        bench.sleep(1)
        bench.pump.resume()
    bench.pump.stop()
    bench.sleep(1)
    made = len(motor_steps(bench, start_ns))
    # At least the ordered 10 s, less 20 late starts: (10 - 1.2) / 0.252 = 34.9. At most all that
    # could have been granted ahead: (10 + 7.2) / 0.252 = 68.
    measure(
        "steps made",
        made,
        at_least=(10 - 20 * BEGIN_S) / interval_s - 1,
        at_most=(10 + 21 * (LEAD_S + 0.01)) / interval_s,
    )
    status = bench.pump.status()
    measure("alarms", status.alarms, equal=())
    measure("steps counted", status.steps_counted, equal=made)
    measure("steps commanded", status.steps_commanded, equal=made)


@pytest.mark.needs("capture")
def test_a_paused_infusion_can_be_stopped_and_does_not_resume(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.sleep(1)
    bench.pump.pause()
    bench.sleep(1)
    measure("state", bench.pump.stop(), equal="idle")
    stopped_ns = now_ns(bench)
    with pytest.raises(PumpError, match="resume"):
        bench.pump.resume()
    bench.sleep(2)
    measure("steps after the stop", len(motor_steps(bench, stopped_ns)), equal=0)
    measure("level of enable", bench.trace.level_at("enable", now_ns(bench)), equal=1)


@pytest.mark.needs("capture")
def test_a_self_test_is_refused_while_the_motor_moves(bench: Bench, measure: Measure) -> None:
    """Its ten steps would move a motor that is still enabled."""
    bench.pump.start(100_000)
    bench.sleep(1)
    bench.pump.stop()
    with pytest.raises(PumpError, match="self_test"):
        bench.pump.self_test()
    bench.sleep(1)
    tested_ns = now_ns(bench)
    measure("state", bench.pump.self_test().state, equal="self_test")
    end_self_test(bench)
    measure("state", bench.pump.status().state, equal="idle")
    measure("steps on the pin", bench.trace.count("step", tested_ns), equal=10)
    measure("steps of the motor", len(motor_steps(bench, tested_ns)), equal=0)
