"""What pumps were recalled for, each as a test of its own: it must not happen here."""

from __future__ import annotations

import pytest

from hil_tests.expect import motor_steps, now_ns, sleep_until, true_nl
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.errors import PumpError

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
def test_key_bounce_changes_no_rate(bench: Bench) -> None:
    """10 mL/h became 100, 4.8 became 44.8: a key that bounced was entered twice. Here no key enters a rate, and a rate
    needs a proposal and a confirmation; contacts that bounce change nothing of it.
    """
    infuse(bench, 10_000)
    for name in ("button_request", "button_stop"):
        for seconds in (0.005, 0.04, 0.15):
            bench.press(name, seconds, BOUNCE)
            bench.sleep(0.2)
    status = bench.pump.status()
    assert (status.state, status.target_ul_h) == ("infusing", 10_000)


@pytest.mark.needs("capture")
def test_the_same_digit_twice_is_not_a_second_command(bench: Bench) -> None:
    """Key bounce as a link knows it: a line that arrives twice is done once."""
    bench.pump.start(4_800)
    proposal = bench.pump.propose("set_rate", rate_ul_h=5_000)
    assert bench.pump.confirm(proposal)["rate_ul_h"] == 5_000
    with pytest.raises(PumpError):
        bench.pump.confirm(proposal)
    assert bench.pump.status().target_ul_h == 5_000


@pytest.mark.needs("buttons", "capture", "pressure", "virtual_time")
@pytest.mark.profile("ambulatory-10ml")
def test_a_bolus_that_was_cut_off_is_over_and_the_dose_is_what_was_given(bench: Bench) -> None:
    """A bolus that was interrupted, primed and resumed was given once more, or its rest was. One press with a contact
    that bounces is one bolus of 0.5 mL at 100 mL/h, 18 s; it is cut off after 6.
    """
    limits = {"lockout_s": 60, "max_1h_nl": 5_000_000, "max_4h_nl": 8_000_000}
    bolus = {"volume_nl": 500_000, "rate_ul_h": 100_000, **limits}
    began_ns = now_ns(bench)
    bench.pump.start_regimen({"kind": "pca", "segments": [[2_000, 2_000, 0, 0]], "bolus": bolus})
    bench.sleep(70.0)
    bench.press("button_request", 0.5, BOUNCE)
    bench.sleep(6.0)
    told = bench.pump.therapy()
    assert told is not None
    assert (told.bolus, told.requests, told.given) == ("patient", 1, 1)
    bench.pump.pause()
    bench.sleep(60.0)
    cut_nl = bench.pump.status().delivered_nl
    bench.pump.resume()
    bench.sleep(30.0)
    told = bench.pump.therapy()
    assert told is not None
    assert (told.bolus, told.bolus_left_nl, told.given) == (None, 0, 1)
    status = bench.pump.status()
    # 30 s of basal: 16.7 µL and not the 330 that were left of the bolus; a request's turn and a step of 0.1 µL.
    assert status.delivered_nl - cut_nl == pytest.approx(16_667, abs=400)
    assert status.delivered_nl == pytest.approx(true_nl(bench, began_ns), abs=150)


@pytest.mark.needs("capture", "occlude", "virtual_time")
@pytest.mark.parametrize("rate_ul_h", [RATE_UL_H, 600_000])
def test_an_occlusion_is_never_a_complete_infusion(bench: Bench, rate_ul_h: int) -> None:
    """The volume behind a closed line was counted as given: "infusion complete", and the patient had too little."""
    began_ns = infuse(bench, rate_ul_h, vtbi_nl=3_000_000)
    bench.occlude()
    sleep_until(bench, lambda: bench.pump.status().state != "infusing", 120.0)
    bench.sleep(40.0)  # the plunger is drawn back
    status = bench.pump.status()
    assert status.state == "alarm_stopped"
    assert "infusion_complete" not in status.alarms
    # What is told is what is out of the syringe, to the step of 0.35 µL.
    assert status.delivered_nl == pytest.approx(true_nl(bench, began_ns), abs=400)
    bench.occlude(False)
    bench.sleep(5.0)
    bench.pump.clear_alarms()
    assert "infusion_complete" not in bench.pump.status().alarms


@pytest.mark.needs("capture", "pin")
def test_no_delivery_during_a_motor_alarm(bench: Bench) -> None:
    """A motor that was told to stand went on turning beside an alarm that said "motor not running"."""
    infuse(bench)
    bench.drive_pin("step", 0)
    bench.sleep(2.0)
    assert bench.pump.status().alarms == ("motor_fault",)
    bench.drive_pin("step", None)
    alarmed_ns = now_ns(bench)
    bench.sleep(60.0)
    assert bench.trace.level_at("enable", now_ns(bench)) == 1
    assert len(motor_steps(bench, alarmed_ns)) == 0
    with pytest.raises(PumpError):
        bench.pump.start(RATE_UL_H)
    with pytest.raises(PumpError):
        bench.pump.resume()
    assert len(motor_steps(bench, alarmed_ns)) == 0


@pytest.mark.needs("power", "pressure", "capture")
@pytest.mark.parametrize("how", ["power", "reset"])
def test_no_restart_with_the_parameters_of_before(bench: Bench, how: str) -> None:
    """A pump came back from a power loss and infused, with what it had in memory."""
    infuse(bench)
    cut_ns = now_ns(bench)
    bench.power_cycle() if how == "power" else bench.reset()
    bench.sleep(60.0)
    assert len(motor_steps(bench, cut_ns + 300_000_000)) == 0
    status = bench.pump.status()
    assert status.state != "infusing"
    assert (status.rate_ul_h, status.target_ul_h, status.vtbi_nl) == (0, 0, None)
    bench.pump.clear_alarms()
    with pytest.raises(PumpError):
        bench.pump.resume()  # a rate from before is given anew by a person, or not at all


@pytest.mark.needs("deploy", "reset", "capture")
@pytest.mark.parametrize("at", [40, 200, 400])
def test_no_start_with_a_corrupt_parameter(bench: Bench, at: int) -> None:
    """One bit of the settings flipped, and the pump took what it read."""
    enter_repl(bench)
    change = f"d = bytearray(open('/profile.json', 'rb').read()); d[{at}] ^= 1"
    run_in_repl(bench, change + "; f = open('/profile.json', 'wb'); f.write(d); f.close()")
    leave_repl(bench)
    bench.sleep(1.0)
    bench.pump.reconnect(after_reset=True)
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("fault", ("profile_fault",))
    with pytest.raises(PumpError):
        bench.pump.start(RATE_UL_H)


@pytest.mark.needs("reset", "sensor")
@pytest.mark.parametrize("alarm", [None, "sensor"])
def test_no_false_failure_of_the_alarm_self_test(bench: Bench, alarm: str | None) -> None:
    """A self-test that found its sounder broken although it was not took pumps off patients."""
    for _ in range(10):
        if alarm:
            bench.sensor_fault("open")
        bench.reset()
        status = bench.pump.status()
        assert not {"piezo_fault", "lamp_fault"} & set(status.alarms)
        bench.sensor_fault(None)


@pytest.mark.needs("battery", "virtual_time")
@pytest.mark.profile("ambulatory-10ml")
@pytest.mark.parametrize("resistance_mohm", [150, 400])
def test_no_battery_is_empty_without_an_alarm(bench: Bench, resistance_mohm: int) -> None:
    """A pump went dark in the midst of an infusion. Here it stops and cries while there is power for that."""
    bench.battery(permille=40, resistance_mohm=resistance_mohm)
    bench.reset()
    if bench.pump.status().state == "idle":
        bench.pump.start(5_000)
        sleep_until(bench, lambda: bench.pump.status().state != "infusing", 1200.0, 5.0)
    status = bench.pump.status()
    # With 400 mΩ the voltage under load is at its end already: the self-test does not let it start.
    assert {"battery_depleted", "system_fault"} & set(status.alarms)
    assert bench.battery() > bench.profile.values["battery"]["empty_mv"]
    bench.sleep(300.0)
    assert bench.battery() > bench.profile.values["battery"]["empty_mv"]


@pytest.mark.needs("capture", "hang")
def test_no_infusion_goes_on_after_a_system_failure(bench: Bench) -> None:
    """The processor had failed, and the motor turned on."""
    infuse(bench)
    bench.hang_cpu()
    hung_ns = now_ns(bench)
    bench.sleep(5.0)
    # What was granted before: 300 ms.
    assert all(at_ns - hung_ns <= 350_000_000 for at_ns in motor_steps(bench, hung_ns))
    bench.pump.reconnect(after_reset=True)
    assert bench.pump.status().state == "alarm_stopped"
