"""One test for each recall of an infusion pump: the fault must not happen here."""

from __future__ import annotations

import pytest

from hil_tests.expect import end_self_test, motor_steps, now_ns, sleep_until, true_nl
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

RATE_UL_H = 100_000
BOUNCE = (0.003, 0.008, 0.012, 0.005, 0.02, 0.004, 0.015, 0.009)


def infuse(bench: Bench, rate_ul_h: int = RATE_UL_H, vtbi_nl: int | None = None) -> int:
    bench.pump.start(rate_ul_h, vtbi_nl)
    began_ns = now_ns(bench)
    bench.sleep(2.0)
    assert bench.pump.status().state == "infusing"
    return began_ns


@pytest.mark.needs("buttons")
@pytest.mark.profile("ambulatory-10ml")
@pytest.mark.requirement("GIP-2")
def test_key_bounce_changes_no_rate(bench: Bench, measure: Measure) -> None:
    """10 mL/h became 100, 4.8 became 44.8: a bouncing key was entered twice. Here no key enters a rate, and a rate
    needs a proposal and a confirmation; bouncing contacts do not change it.
    """
    infuse(bench, 10_000)
    for name in ("button_request", "button_stop"):
        for seconds in (0.005, 0.04, 0.15):
            bench.press(name, seconds, BOUNCE)
            bench.sleep(0.2)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("rate", status.target_ul_h, unit="µL/h", equal=10_000)


@pytest.mark.requirement("LINK-1", "GIP-2")
@pytest.mark.needs("capture")
def test_the_same_digit_twice_is_not_a_second_command(bench: Bench, measure: Measure) -> None:
    """Key bounce on the link: a line that arrives twice is executed once."""
    bench.pump.start(4_800)
    proposal = bench.pump.call("set_rate", rate_ul_h=5_000)
    measure("rate confirmed", bench.pump.confirm(proposal).rate_ul_h, unit="µL/h", equal=5_000)
    with pytest.raises(PumpError) as refused:
        bench.pump.confirm(proposal)
    measure("confirmed again: refused as", refused.value.code, equal="token_used")
    measure("rate", bench.pump.status().target_ul_h, unit="µL/h", equal=5_000)


@pytest.mark.requirement("GIP-1.4")
@pytest.mark.needs("buttons", "capture", "pressure", "virtual_time")
@pytest.mark.profile("ambulatory-10ml")
def test_an_interrupted_bolus_is_not_repeated_and_the_dose_is_the_volume_given(bench: Bench, measure: Measure) -> None:
    """A bolus that was interrupted, primed and resumed was repeated in whole or in part. Here one press with a bouncing
    contact is one bolus of 0.5 mL at 100 mL/h, 18 s; it is interrupted after 6.
    """
    limits = {"lockout_s": 60, "max_1h_nl": 5_000_000, "max_4h_nl": 8_000_000}
    bolus = {"volume_nl": 500_000, "rate_ul_h": 100_000, **limits}
    began_ns = now_ns(bench)
    bench.pump.start_regimen({"kind": "pca", "segments": [[2_000, 2_000, 0, 0]], "bolus": bolus})
    bench.sleep(70.0)
    bench.press("button_request", 0.5, BOUNCE)
    bench.sleep(6.0)
    reported = bench.pump.therapy()
    assert reported is not None
    measure("bolus, requests, given", (reported.bolus, reported.requests, reported.given), equal=("patient", 1, 1))
    bench.pump.pause()
    bench.sleep(60.0)
    cut_nl = bench.pump.status().delivered_nl
    bench.pump.resume()
    bench.sleep(30.0)
    reported = bench.pump.therapy()
    assert reported is not None
    measure("bolus, left of it, given", (reported.bolus, reported.bolus_left_nl, reported.given), equal=(None, 0, 1))
    status = bench.pump.status()
    # 30 s of basal: 16.7 µL and not the 330 that were left of the bolus; a request's turn and a step of 0.1 µL.
    measure("given after the pause", status.delivered_nl - cut_nl, unit="nL", near=16_667, by=400)
    measure("delivered", status.delivered_nl, unit="nL", near=true_nl(bench, began_ns), by=150, req="RATE-4")


@pytest.mark.requirement("RATE-4")
@pytest.mark.needs("capture", "occlude")
@pytest.mark.parametrize("rate_ul_h", [pytest.param(RATE_UL_H, marks=pytest.mark.needs("virtual_time")), 600_000])
def test_an_occlusion_is_never_reported_as_complete(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    """Volume stored behind a closed line was counted as given: "infusion complete", and the patient received too
    little.
    """
    began_ns = infuse(bench, rate_ul_h, vtbi_nl=3_000_000)
    bench.occlude()
    sleep_until(bench, lambda: bench.pump.status().state != "infusing", 120.0)
    bench.sleep(40.0)  # the plunger is drawn back
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("reported as complete", status.alarms.count("infusion_complete"), equal=0)
    # The reported volume is the volume out of the syringe, to the step of 0.35 µL.
    measure("delivered", status.delivered_nl, unit="nL", near=true_nl(bench, began_ns), by=400)
    bench.occlude(False)
    bench.sleep(5.0)
    bench.pump.clear_alarms()
    measure("reported as complete when it is cleared", bench.pump.status().alarms, equal=())


@pytest.mark.requirement("MON-2", "GIP-1.6")
@pytest.mark.needs("capture", "pin")
def test_no_delivery_during_a_motor_alarm(bench: Bench, measure: Measure) -> None:
    """A motor kept turning during an alarm that said "motor not running"."""
    infuse(bench)
    bench.drive_pin("step", 0)
    bench.sleep(2.0)
    measure("alarms", bench.pump.status().alarms, equal=("motor_fault",))
    bench.drive_pin("step", None)
    alarmed_ns = now_ns(bench)
    bench.sleep(60.0)
    measure("level of ENABLE, low is on", bench.trace.level_at("enable", now_ns(bench)), equal=1)
    for command in (lambda: bench.pump.start(RATE_UL_H), bench.pump.resume):
        with pytest.raises(PumpError) as refused:
            command()
        measure("refused as", refused.value.code, equal="wrong_state")
    measure("steps since the alarm", len(motor_steps(bench, alarmed_ns)), equal=0)


@pytest.mark.requirement("STOP-2")
@pytest.mark.needs("power", "pressure", "capture")
@pytest.mark.parametrize("how", ["power", "reset"])
def test_no_restart_with_the_parameters_of_before(bench: Bench, measure: Measure, how: str) -> None:
    """After a power loss a pump infused with the settings from its memory."""
    infuse(bench)
    cut_ns = now_ns(bench)
    bench.power_cycle() if how == "power" else bench.reset()
    bench.sleep(60.0)
    measure("steps since", len(motor_steps(bench, cut_ns + 300_000_000)), equal=0)
    status = bench.pump.status()
    measure("state", status.state, one_of=("idle", "alarm_stopped"))
    kept = (status.rate_ul_h, status.target_ul_h, status.vtbi_nl)
    measure("rate, target, VTBI", kept, equal=(0, 0, None))
    bench.pump.clear_alarms()
    with pytest.raises(PumpError) as refused:
        bench.pump.resume()  # a person has to enter the rate again
    measure("a resume is refused as", refused.value.code, equal="wrong_state")


@pytest.mark.requirement("KEEP-1")
@pytest.mark.needs("deploy", "reset", "capture")
@pytest.mark.parametrize("at", [40, 200, 400])
def test_no_start_with_a_corrupt_parameter(bench: Bench, measure: Measure, at: int) -> None:
    """One bit of the settings flipped, and the pump used the value."""
    enter_repl(bench)
    change = f"d = bytearray(open('/profile.json', 'rb').read()); d[{at}] ^= 1"
    run_in_repl(bench, change + "; f = open('/profile.json', 'wb'); f.write(d); f.close()")
    leave_repl(bench)
    bench.sleep(1.0)
    bench.pump.reconnect(after_reset=True)
    status = bench.pump.status()
    measure("state", status.state, equal="fault")
    measure("alarms", status.alarms, equal=("profile_fault",))
    with pytest.raises(PumpError) as refused:
        bench.pump.start(RATE_UL_H)
    measure("a start is refused as", refused.value.code, equal="wrong_state")


@pytest.mark.requirement("ALM-7", "GIP-3.3")
@pytest.mark.needs("reset", "sensor")
@pytest.mark.parametrize("alarm", [None, "sensor"])
def test_no_false_failure_of_the_alarm_self_test(bench: Bench, measure: Measure, alarm: str | None) -> None:
    """A self-test reported a broken sounder that worked, and pumps were taken off patients."""
    for _ in range(5):  # a Pico with files takes 7 s for each
        if alarm:
            bench.sensor_fault("open")
        bench.reset()
        status = bench.pump.status()
        measure("false failures", {"piezo_fault", "lamp_fault"} & set(status.alarms), equal=set())
        bench.sensor_fault(None)


@pytest.mark.requirement("GIP-5")
@pytest.mark.needs("battery", "virtual_time")
@pytest.mark.profile("ambulatory-10ml")
@pytest.mark.parametrize("resistance_mohm", [150, 400])
def test_no_battery_is_empty_without_an_alarm(bench: Bench, measure: Measure, resistance_mohm: int) -> None:
    """A pump lost power during an infusion. Here it stops and alarms while the battery still suffices."""
    bench.battery(permille=40, resistance_mohm=resistance_mohm)
    bench.reset()
    if bench.pump.status().state == "idle":
        bench.pump.start(5_000)
        sleep_until(bench, lambda: bench.pump.status().state != "infusing", 1200.0, 5.0)
    status = bench.pump.status()
    # With 400 mΩ the voltage under load is already at its end: the self-test bars the start.
    reported = [name for name in status.alarms if name in ("battery_depleted", "system_fault")]
    measure("alarms that stop it", len(reported), at_least=1)
    empty_mv = bench.profile.values["battery"]["empty_mv"]
    measure("voltage left for the alarm", bench.battery(), unit="mV", above=empty_mv)
    bench.sleep(300.0)
    measure("voltage left after 5 min of alarm", bench.battery(), unit="mV", above=empty_mv)


@pytest.mark.requirement("STOP-4", "GIP-1.6")
@pytest.mark.needs("capture", "hang")
def test_no_infusion_goes_on_after_a_system_failure(bench: Bench, measure: Measure) -> None:
    """The processor failed, and the motor kept turning."""
    infuse(bench)
    bench.hang_cpu()
    hung_ns = now_ns(bench)
    bench.sleep(5.0)
    # The motion granted before: 300 ms.
    last_ns = int(motor_steps(bench, hung_ns)[-1])
    measure("last step after the hang", (last_ns - hung_ns) / 1e6, unit="ms", at_most=350)
    bench.pump.reconnect(after_reset=True)
    end_self_test(bench)
    measure("state after the watchdog", bench.pump.status().state, equal="alarm_stopped")
