"""After an occlusion the plunger is drawn back: a line that opens gives no bolus, and every count stays right."""

from __future__ import annotations

import pytest

from hil_tests.expect import limit_pa, motor_steps, now_ns, reported_volume_is_true, sleep_until, true_nl
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("OCC-4", "GIP-1.8", "GIP-1.10")]

RESIDUAL_NL = 50_000  # 0.05 mL
WORLD_NL_PER_PA = 14.37
LONGEST_S = 30.5  # of drawing back, after 200 ms at rest
OPEN_S = 15  # an open line is at rest after ten times its 1.3 s


def occlude(bench: Bench, rate_ul_h: int, level: str) -> int:
    """Closes the line during a steady infusion; returns the time of closing once the pump has stopped."""
    bench.pump.occlusion_level(level)
    bench.pump.start(rate_ul_h)
    bench.sleep(10)  # the pressure of the flow itself builds up with 1.3 s
    closed_ns = now_ns(bench)
    bench.occlude()
    rise_s = limit_pa(bench, level) * WORLD_NL_PER_PA / (rate_ul_h / 3.6)
    step_s = min(10.0, max(0.05, rise_s / 100))
    sleep_until(bench, lambda: bench.pump.status().state == "alarm_stopped", 1.2 * rise_s + 3, step_s)
    return closed_ns


def relieved(bench: Bench) -> None:
    sleep_until(bench, lambda: bench.pump.status().recovery is None, LONGEST_S, 0.5)


def patient_nl(bench: Bench) -> float:
    return bench.trace.value_at("patient_nl", now_ns(bench))


# Over the profile's range: at 0.5 and 5 mL/h the early detector stops the pump, above 60 mL/h the threshold.
@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.parametrize("level", ["low", "medium", "high"])
@pytest.mark.parametrize("rate_ul_h", [500, 5_000, 20_000, 100_000, 400_000, 999_000, 1_200_000])
def test_a_line_that_opens_after_an_occlusion_gives_no_bolus(
    bench: Bench, measure: Measure, rate_ul_h: int, level: str
) -> None:
    occlude(bench, rate_ul_h, level)
    relieved(bench)
    measure("alarms", bench.pump.status().alarms, one_of=(("occlusion",), ("occlusion_early",)))
    held_nl = patient_nl(bench)
    bench.occlude(False)
    bench.sleep(OPEN_S)
    measure("bolus after the line opened", patient_nl(bench), unit="nL", near=held_nl, by=RESIDUAL_NL)
    # The plunger was drawn back and then stood: the motor is disabled, DIR unchanged.
    measure("level of enable", bench.trace.level_at("enable", now_ns(bench)), equal=1)
    measure("level of dir", bench.trace.level_at("dir", now_ns(bench)), equal=1)


def gives_no_bolus(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    occlude(bench, rate_ul_h, "high")
    relieved(bench)
    measure("alarms", bench.pump.status().alarms, equal=("occlusion",))
    held_nl = patient_nl(bench)
    bench.occlude(False)
    bench.sleep(OPEN_S)
    measure("bolus after the line opened", patient_nl(bench), unit="nL", near=held_nl, by=RESIDUAL_NL)


# Mechanics whose retraction needs the ramp: 10.6 kHz, 1.1 kHz and 1.3 kHz, slow in the last half second.
@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.profile("syringe-50ml-geared")
def test_a_geared_syringe_gives_no_bolus_after_an_occlusion(bench: Bench, measure: Measure) -> None:
    gives_no_bolus(bench, measure, 1_200_000)


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.profile("syringe-10ml")
def test_a_small_syringe_gives_no_bolus_after_an_occlusion(bench: Bench, measure: Measure) -> None:
    gives_no_bolus(bench, measure, 500_000)


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.profile("peristaltic")
def test_a_peristaltic_head_gives_no_bolus_after_an_occlusion(bench: Bench, measure: Measure) -> None:
    gives_no_bolus(bench, measure, 400_000)


@pytest.mark.needs("capture", "pressure", "occlude")
def test_the_volume_drawn_back_is_not_delivered(bench: Bench, measure: Measure) -> None:
    start_ns = now_ns(bench)
    occlude(bench, 400_000, "medium")
    pushed_nl = bench.pump.status().delivered_nl
    relieved(bench)
    status = bench.pump.status()
    # 68.9 kPa and 0.6 s of 111 µL/s, down to 1.3 kPa: 14.37 nL/Pa * 67.6 kPa = 971 µL at least
    measure("volume drawn back", pushed_nl - status.delivered_nl, unit="nL", at_least=970_000)
    measure(
        "delivered",
        status.delivered_nl,
        unit="nL",
        near=true_nl(bench, start_ns),
        by=max(2e-6 * true_nl(bench, start_ns), 1),
    )
    # Steps are counted in both directions; the motor made all of them.
    measure("steps counted", status.steps_counted, equal=len(motor_steps(bench, start_ns)))
    measure("steps commanded", status.steps_commanded, equal=len(motor_steps(bench, start_ns)))
    measure("alarms", status.alarms, equal=("occlusion",))  # the monitor agrees


@pytest.mark.needs("capture", "pressure", "occlude")
def test_an_infusion_after_pressure_relief_completes_with_the_right_volume(bench: Bench, measure: Measure) -> None:
    occlude(bench, 400_000, "low")
    relieved(bench)
    bench.occlude(False)
    bench.sleep(OPEN_S)
    measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")
    start_ns = now_ns(bench)
    bench.pump.start(400_000, vtbi_nl=1_000_000)
    bench.sleep(1_000_000 / (400_000 / 3.6) + 2)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=("infusion_complete",))
    measure("delivered", status.delivered_nl, unit="nL", near=1_000_000, by=350)  # a step
    reported_volume_is_true(bench, measure, start_ns)


@pytest.mark.needs("capture", "pressure", "occlude", "sensor")
@pytest.mark.parametrize("fault", ["open", "short", "frozen", "stuck", "reference", "jump"])
def test_a_sensor_fault_ends_the_pressure_relief(bench: Bench, measure: Measure, fault: str) -> None:
    occlude(bench, 1_200_000, "high")
    sleep_until(bench, lambda: bench.trace.level_at("dir", now_ns(bench)) == 0, 1, 0.05)
    bench.sleep(2)
    failed_ns = now_ns(bench)
    bench.sensor_fault(fault)
    bench.sleep(5)
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("recovery", status.recovery, equal=None)
    steps = motor_steps(bench, failed_ns)
    # A frozen sensor takes 2 s to detect; 100 µL without a fall in pressure end it first: 0.7 s at 139 µL/s.
    measure("steps after the fault", len(steps), above=0)
    measure("motion after the fault", steps[-1] - failed_ns, unit="ns", at_most=1.6e9)


@pytest.mark.needs("capture", "pressure", "occlude", "converter")
def test_a_sensor_that_always_reads_high_draws_back_only_a_small_volume(bench: Bench, measure: Measure) -> None:
    """The line is open and the sensor reads 40 kPa too much: above the low limit, whatever the plunger does."""
    bench.pump.occlusion_level("low")
    bench.pump.start(100_000)
    bench.sleep(60)
    start_ns = now_ns(bench)
    for step in range(1, 14):  # 3 kPa at a time: a drift, not a jump
        bench.sensor_drift(step * 50)
        bench.sleep(0.1)
    sleep_until(bench, lambda: bench.pump.status().state == "alarm_stopped", 3, 0.05)
    stopped_nl = true_nl(bench, start_ns)
    bench.sleep(5)
    status = bench.pump.status()
    measure("alarms", status.alarms, equal=("occlusion", "pressure_not_following"))
    measure("recovery", status.recovery, equal=None)
    # The line is open and its pressure falls through its resistance, 1.3 s or 180 µL at 139 µL/s: the first 100 and two
    # or three times 50 µL show enough fall. A line without resistance ends at 100.
    measure("volume drawn back", stopped_nl - true_nl(bench, start_ns), unit="nL", at_most=260_000)


@pytest.mark.needs("capture", "pressure", "occlude")
def test_pressure_relief_never_exceeds_the_volume_given(bench: Bench, measure: Measure) -> None:
    """The line was under pressure before the infusion began: the plunger returns to its start position at most."""
    bench.pump.occlusion_level("low")
    bench.occlude()
    start_ns = now_ns(bench)
    bench.pump.start(100_000)
    sleep_until(bench, lambda: bench.pump.status().state == "alarm_stopped", 30, 0.5)
    relieved(bench)
    measure("delivered", bench.pump.status().delivered_nl, unit="nL", at_least=0)
    measure("volume out of the syringe", true_nl(bench, start_ns), unit="nL", at_least=-1)


@pytest.mark.needs("pressure", "occlude")
def test_a_clear_has_no_effect_during_pressure_relief(bench: Bench, measure: Measure) -> None:
    occlude(bench, 1_200_000, "medium")
    bench.sleep(2)
    cleared = bench.pump.clear_alarms()
    measure("state after the clear", cleared.state, equal="alarm_stopped")
    measure("alarms after the clear", cleared.alarms, equal=("occlusion",))
    measure("recovery", bench.pump.status().recovery, equal="relieving")
    with pytest.raises(PumpError, match="start"):
        bench.pump.start(5_000)
    relieved(bench)
    measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")


@pytest.mark.needs("capture", "pressure", "occlude", "reset")
def test_a_reset_during_pressure_relief_leaves_the_motor_at_rest(bench: Bench, measure: Measure) -> None:
    occlude(bench, 1_200_000, "high")
    bench.sleep(2)
    bench.reset()
    reset_ns = now_ns(bench)
    bench.sleep(5)
    measure("steps after the reset", len(motor_steps(bench, reset_ns)), equal=0)
    measure("level of dir", bench.trace.level_at("dir", now_ns(bench)), equal=1)


@pytest.mark.needs("capture", "pressure", "occlude", "hang")
def test_a_cpu_hang_during_pressure_relief_stops_the_motor(bench: Bench, measure: Measure) -> None:
    occlude(bench, 1_200_000, "high")
    bench.sleep(2)
    hung_ns = now_ns(bench)
    bench.hang_cpu()
    bench.sleep(4)
    steps = motor_steps(bench, hung_ns)
    # The granted motion.
    measure("motion after the hang", steps[-1] - hung_ns if len(steps) else 0, unit="ns", at_most=0.35e9)


@pytest.mark.needs("capture", "pressure", "occlude")
def test_pressure_rising_while_paused_alarms_and_draws_nothing_back(bench: Bench, measure: Measure) -> None:
    bench.pump.start(999_000)
    bench.sleep(8)
    bench.pump.pause()
    bench.sleep(2)
    paused_ns = now_ns(bench)
    bench.patient(80_000)
    bench.sleep(12)
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=("occlusion",))
    measure("recovery", status.recovery, equal=None)
    measure("steps while paused", len(motor_steps(bench, paused_ns)), equal=0)
