"""After an occlusion the plunger is drawn back: a line that opens again gives no bolus, and no account is wrong."""

from __future__ import annotations

import pytest

from hil_tests.expect import limit_pa, motor_steps, now_ns, sleep_until, true_nl
from picoinfuse.bench import Bench
from picoinfuse.errors import PumpError

RESIDUAL_NL = 50_000  # 0.05 mL
WORLD_NL_PER_PA = 14.37
LONGEST_S = 30.5  # of drawing back, and 200 ms of standing before
OPEN_S = 15  # an open line is at rest after ten times its 1.3 s


def occlude(bench: Bench, rate_ul_h: int, level: str) -> int:
    """A steady infusion, whose line is closed; returns when it was, as soon as the pump has stopped."""
    bench.pump.occlusion_level(level)
    bench.pump.start(rate_ul_h)
    bench.sleep(10)  # the pressure of the flow itself is there after 1.3 s
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


# Rates through all of the profile's: at 0.5 and 5 mL/h the early detector stops it, above 60 mL/h the threshold.
@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.parametrize("level", ["low", "medium", "high"])
@pytest.mark.parametrize("rate_ul_h", [500, 5_000, 20_000, 100_000, 400_000, 999_000, 1_200_000])
def test_a_line_that_opens_after_an_occlusion_gives_no_bolus(bench: Bench, rate_ul_h: int, level: str) -> None:
    occlude(bench, rate_ul_h, level)
    relieved(bench)
    assert bench.pump.status().alarms in (("occlusion",), ("occlusion_early",))
    held_nl = patient_nl(bench)
    bench.occlude(False)
    bench.sleep(OPEN_S)
    assert abs(patient_nl(bench) - held_nl) <= RESIDUAL_NL
    # It was drawn back and then stood: enable is away, DIR as it was.
    assert bench.trace.level_at("enable", now_ns(bench)) == 1
    assert bench.trace.level_at("dir", now_ns(bench)) == 1


def gives_no_bolus(bench: Bench, rate_ul_h: int) -> None:
    occlude(bench, rate_ul_h, "high")
    relieved(bench)
    assert bench.pump.status().alarms == ("occlusion",)
    held_nl = patient_nl(bench)
    bench.occlude(False)
    bench.sleep(OPEN_S)
    assert abs(patient_nl(bench) - held_nl) <= RESIDUAL_NL


# Mechanics whose drawing back needs the ramp: 10.6 kHz, 1.1 kHz and 1.3 kHz, slow for the last half second.
@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.profile("syringe-50ml-geared")
def test_nor_does_one_behind_a_gearbox(bench: Bench) -> None:
    gives_no_bolus(bench, 1_200_000)


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.profile("syringe-10ml")
def test_nor_does_one_of_a_small_syringe(bench: Bench) -> None:
    gives_no_bolus(bench, 500_000)


@pytest.mark.needs("capture", "pressure", "occlude", "virtual_time")
@pytest.mark.profile("peristaltic")
def test_nor_does_one_of_a_peristaltic_head(bench: Bench) -> None:
    gives_no_bolus(bench, 400_000)


@pytest.mark.needs("capture", "pressure", "occlude")
def test_the_volume_drawn_back_is_not_delivered(bench: Bench) -> None:
    start_ns = now_ns(bench)
    occlude(bench, 400_000, "medium")
    pushed_nl = bench.pump.status().delivered_nl
    relieved(bench)
    status = bench.pump.status()
    # 68.9 kPa and 0.6 s of 111 µL/s, down to 1.3 kPa: 14.37 nL/Pa * 67.6 kPa = 971 µL at least
    assert pushed_nl - status.delivered_nl >= 970_000
    assert status.delivered_nl == pytest.approx(true_nl(bench, start_ns), rel=2e-6, abs=1)
    # Steps are counted whichever way they go; the motor made all of them.
    assert status.steps_counted == status.steps_commanded == len(motor_steps(bench, start_ns))
    assert status.alarms == ("occlusion",)  # the monitor agrees


@pytest.mark.needs("capture", "pressure", "occlude")
def test_what_is_given_again_after_a_relief_is_right_and_complete(bench: Bench) -> None:
    occlude(bench, 400_000, "low")
    relieved(bench)
    bench.occlude(False)
    bench.sleep(OPEN_S)
    assert bench.pump.clear_alarms().state == "idle"
    start_ns = now_ns(bench)
    bench.pump.start(400_000, vtbi_nl=1_000_000)
    bench.sleep(1_000_000 / (400_000 / 3.6) + 2)
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("idle", ("infusion_complete",))
    assert status.delivered_nl == pytest.approx(1_000_000, abs=350)  # a step
    assert true_nl(bench, start_ns) == pytest.approx(status.delivered_nl, rel=2e-6, abs=1)


@pytest.mark.needs("capture", "pressure", "occlude", "sensor")
@pytest.mark.parametrize("fault", ["open", "short", "frozen", "stuck", "reference", "jump"])
def test_a_sensor_that_fails_while_the_plunger_goes_back_ends_it(bench: Bench, fault: str) -> None:
    occlude(bench, 1_200_000, "high")
    sleep_until(bench, lambda: bench.trace.level_at("dir", now_ns(bench)) == 0, 1, 0.05)
    bench.sleep(2)
    failed_ns = now_ns(bench)
    bench.sensor_fault(fault)
    bench.sleep(5)
    status = bench.pump.status()
    assert (status.state, status.recovery) == ("alarm_stopped", None)
    steps = motor_steps(bench, failed_ns)
    # 2 s of the same reading are a frozen sensor, but 100 µL without a fall come first: 0.7 s at 139 µL/s.
    assert len(steps) > 0
    assert steps[-1] - failed_ns <= 1.6e9


@pytest.mark.needs("capture", "pressure", "occlude", "converter")
def test_a_sensor_that_reads_high_for_ever_draws_back_no_more_than_a_first_small_volume(bench: Bench) -> None:
    """40 kPa too much, and an open line: above the low limit, and it stays there whatever the plunger does."""
    bench.pump.occlusion_level("low")
    bench.pump.start(100_000)
    bench.sleep(60)
    start_ns = now_ns(bench)
    for step in range(1, 14):  # 3 kPa at a time: a drift, no jump
        bench.sensor_drift(step * 50)
        bench.sleep(0.1)
    sleep_until(bench, lambda: bench.pump.status().state == "alarm_stopped", 3, 0.05)
    stopped_nl = true_nl(bench, start_ns)
    bench.sleep(5)
    status = bench.pump.status()
    assert status.alarms == ("occlusion", "pressure_not_following")
    assert status.recovery is None
    # The line is open and its pressure falls by its resistance, with 1.3 s, 180 µL at 139 µL/s: the first 100 and two
    # or three times 50 µL fall enough. A line without any resistance ends at 100.
    assert stopped_nl - true_nl(bench, start_ns) <= 260_000


@pytest.mark.needs("capture", "pressure", "occlude")
def test_no_more_is_drawn_back_than_the_infusion_has_given(bench: Bench) -> None:
    """A line that was under pressure before the infusion began: the plunger ends where it stood then."""
    bench.pump.occlusion_level("low")
    bench.occlude()
    start_ns = now_ns(bench)
    bench.pump.start(100_000)
    sleep_until(bench, lambda: bench.pump.status().state == "alarm_stopped", 30, 0.5)
    relieved(bench)
    assert bench.pump.status().delivered_nl >= 0
    assert true_nl(bench, start_ns) >= -1


@pytest.mark.needs("pressure", "occlude")
def test_a_clear_changes_nothing_before_the_line_is_relieved(bench: Bench) -> None:
    occlude(bench, 1_200_000, "medium")
    bench.sleep(2)
    cleared = bench.pump.clear_alarms()
    assert (cleared.state, cleared.alarms) == ("alarm_stopped", ("occlusion",))
    assert bench.pump.status().recovery == "relieving"
    with pytest.raises(PumpError, match="start"):
        bench.pump.start(5_000)
    relieved(bench)
    assert bench.pump.clear_alarms().state == "idle"


@pytest.mark.needs("capture", "pressure", "occlude", "reset")
def test_a_reset_while_the_plunger_goes_back_leaves_it_standing(bench: Bench) -> None:
    occlude(bench, 1_200_000, "high")
    bench.sleep(2)
    bench.reset()
    reset_ns = now_ns(bench)
    bench.sleep(5)
    assert len(motor_steps(bench, reset_ns)) == 0
    assert bench.trace.level_at("dir", now_ns(bench)) == 1


@pytest.mark.needs("capture", "pressure", "occlude", "hang")
def test_a_cpu_that_hangs_while_the_plunger_goes_back_stops_it(bench: Bench) -> None:
    occlude(bench, 1_200_000, "high")
    bench.sleep(2)
    hung_ns = now_ns(bench)
    bench.hang_cpu()
    bench.sleep(4)
    steps = motor_steps(bench, hung_ns)
    assert len(steps) == 0 or steps[-1] - hung_ns <= 0.35e9  # what was granted


@pytest.mark.needs("capture", "pressure", "occlude")
def test_pressure_that_comes_while_paused_is_an_alarm_and_nothing_is_drawn_back(bench: Bench) -> None:
    bench.pump.start(999_000)
    bench.sleep(8)
    bench.pump.pause()
    bench.sleep(2)
    paused_ns = now_ns(bench)
    bench.patient(80_000)
    bench.sleep(12)
    status = bench.pump.status()
    assert (status.state, status.alarms, status.recovery) == ("alarm_stopped", ("occlusion",), None)
    assert len(motor_steps(bench, paused_ns)) == 0
