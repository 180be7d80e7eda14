"""The volume given survives everything that can end the firmware: to the step, or with a stated uncertainty."""

from __future__ import annotations

import random

import pytest

from hil_tests.expect import (
    WATCHDOG_S,
    cut_off_ends,
    delivered_nl,
    motor_steps,
    now_ns,
    true_nl,
    unsure_at_most_nl,
)
from picoinfuse.bench import Bench
from picoinfuse.client.methods.flow import LastTherapy
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("KEEP-3"),
    pytest.mark.needs("capture", "pressure", "power", "reset", "virtual_time"),
    pytest.mark.timeout(180),
]

ML = 1_000_000


def pca(basal_ul_h: int = 1_000) -> dict[str, object]:
    bolus = {"volume_nl": ML // 2, "rate_ul_h": 100_000, "lockout_s": 300, "max_1h_nl": 5 * ML, "max_4h_nl": 15 * ML}
    return {"kind": "pca", "segments": [[basal_ul_h, basal_ul_h, 0, 0]], "bolus": bolus}


def cut_and_check(bench: Bench, measure: Measure, began_ns: int, top_ul_h: int) -> LastTherapy:
    """Cuts the power now. The volume reported afterwards, with its uncertainty, contains the volume given."""
    given_nl = true_nl(bench, began_ns)
    bench.power_cycle()
    reported = bench.pump.last_therapy()
    measure("outcome", reported.outcome, equal="interrupted")
    measure("alarms", bench.pump.status().alarms, equal=("interrupted",))
    assert reported.delivered_nl is not None
    assert reported.unsure_nl is not None
    more_nl = given_nl - reported.delivered_nl
    measure("given beyond what is reported as sure", more_nl, unit="nL", at_least=-1)
    measure("given beyond what is reported as possible", more_nl - reported.unsure_nl, unit="nL", at_most=0)
    measure("unsure", reported.unsure_nl, unit="nL", above=0, at_most=unsure_at_most_nl(bench.profile, top_ul_h))
    return reported


def hang_and_check(bench: Bench, measure: Measure, began_ns: int) -> LastTherapy:
    """Hangs the CPU until the watchdog reset. The volume reported afterwards is the volume given, to the step."""
    bench.hang_cpu()
    bench.sleep(WATCHDOG_S + 1.0)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)
    reported = bench.pump.last_therapy()
    measure("outcome", reported.outcome, equal="interrupted")
    measure(
        "given", reported.delivered_nl, unit="nL", equal=delivered_nl(bench.profile, len(motor_steps(bench, began_ns)))
    )
    measure("unsure", reported.unsure_nl, unit="nL", equal=0)
    return reported


def test_a_pump_that_never_infused_reports_no_therapy(bench: Bench, measure: Measure) -> None:
    measure("outcome", bench.pump.last_therapy().outcome, equal="none")


def test_the_running_therapy_and_its_end_are_reported(bench: Bench, measure: Measure) -> None:
    bench.pump.start(1_200_000, vtbi_nl=ML // 2)
    bench.sleep(1.0)
    measure("outcome", bench.pump.last_therapy().outcome, equal="infusing")
    bench.sleep(2.0)
    reported = bench.pump.last_therapy()
    measure(
        "outcome at its end", (reported.outcome, reported.vtbi_nl, reported.unsure_nl), equal=("complete", ML // 2, 0)
    )
    measure("given", reported.delivered_nl, unit="nL", equal=bench.pump.status().delivered_nl)
    bench.power_cycle()
    measure("after a power cut", bench.pump.last_therapy(), equal=reported)
    measure("alarms", bench.pump.status().alarms, equal=())

    bench.pump.start(100_000)
    bench.sleep(1.0)
    bench.pump.pause()
    bench.sleep(1.0)
    measure("outcome in a pause", bench.pump.last_therapy().outcome, equal="paused")
    bench.pump.stop()
    bench.sleep(0.3)
    reported = bench.pump.last_therapy()
    measure("outcome after a stop", (reported.outcome, reported.unsure_nl, reported.number), equal=("stopped", 0, 2))
    bench.pump.reset()
    bench.sleep(1.0)
    measure("after a reset by command", bench.pump.last_therapy(), equal=reported)
    bench.power_cycle()
    measure("after a power cut", bench.pump.last_therapy(), equal=reported)


@pytest.mark.needs("hang")
@pytest.mark.parametrize("rate_ul_h", [100, 5_000, 100_000, 1_200_000])
@pytest.mark.parametrize("after_s", [3.0, 3.021, 3.043])
def test_a_watchdog_reset_loses_no_step(bench: Bench, measure: Measure, rate_ul_h: int, after_s: float) -> None:
    began_ns = now_ns(bench)
    bench.pump.start(rate_ul_h, vtbi_nl=40 * ML)
    bench.sleep(after_s)
    reported = hang_and_check(bench, measure, began_ns)
    measure("as ordered", (reported.rate_ul_h, reported.vtbi_nl), equal=(rate_ul_h, 40 * ML))
    measure("state", bench.pump.status().state, equal="alarm_stopped")
    bench.power_cycle()
    measure("after a power cut too", bench.pump.last_therapy(), equal=reported)
    bench.pump.clear_alarms()
    assert bench.pump.last_therapy().seen


@pytest.mark.needs("hang", "occlude")
def test_a_watchdog_reset_during_pressure_relief_loses_no_step(bench: Bench, measure: Measure) -> None:
    bench.pump.start(1_200_000)
    began_ns = now_ns(bench)
    bench.sleep(2.0)
    bench.occlude()
    while bench.pump.status().recovery != "relieving" or bench.pump.status().rate_ul_h >= 0:
        bench.sleep(0.1)
    bench.sleep(0.4)
    bench.hang_cpu()
    bench.sleep(WATCHDOG_S + 1.0)
    given_nl = true_nl(bench, began_ns)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)
    reported = bench.pump.last_therapy()
    measure("outcome", reported.outcome, equal="alarm_stopped")
    # Rounded down to a nL, and the motor of the model has its own rounding.
    measure("given", reported.delivered_nl, unit="nL", near=given_nl, by=2)
    measure("unsure", reported.unsure_nl, unit="nL", equal=0)


@pytest.mark.needs("slow")
def test_a_late_loop_before_the_watchdog_reset_reports_the_uncertainty(bench: Bench, measure: Measure) -> None:
    began_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(2.0)
    bench.slow_cpu(60)
    bench.sleep(WATCHDOG_S + 1.0)
    bench.slow_cpu(0)
    bench.pump.reconnect(after_reset=True)
    reported = bench.pump.last_therapy()
    assert reported.delivered_nl is not None
    assert reported.unsure_nl is not None
    made_nl = delivered_nl(bench.profile, len(motor_steps(bench, began_ns)))
    measure("given beyond what is reported as sure", made_nl - reported.delivered_nl, unit="nL", at_least=0)
    measure("given beyond what is possible", made_nl - reported.delivered_nl - reported.unsure_nl, unit="nL", at_most=0)
    # Half a second of granted flow, and two steps.
    measure("unsure", reported.unsure_nl, unit="nL", at_most=100_000 * 0.5 / 3.6 + delivered_nl(bench.profile, 2) + 2)


@pytest.mark.needs("damage")
def test_an_exception_loses_no_step(bench: Bench, measure: Measure) -> None:
    began_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(3.0)
    bench.break_task("pump.tasks.garbage_collection.GarbageCollection")
    bench.sleep(6.0)
    bench.pump.reconnect(after_reset=True)
    reported = bench.pump.last_therapy()
    measure("outcome", reported.outcome, equal="interrupted")
    measure(
        "given", reported.delivered_nl, unit="nL", equal=delivered_nl(bench.profile, len(motor_steps(bench, began_ns)))
    )
    measure("unsure", reported.unsure_nl, unit="nL", equal=0)


@pytest.mark.parametrize("rate_ul_h", [100, 1_000, 5_000, 100_000, 1_200_000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_power_cut_leaves_the_volume_within_the_bound(
    bench: Bench, measure: Measure, rate_ul_h: int, seed: int
) -> None:
    """The seed chooses the moment of the cut."""
    moment_s = random.Random(f"{seed} {rate_ul_h}").uniform(0.3, 100.0)
    began_ns = now_ns(bench)
    bench.pump.start(rate_ul_h, vtbi_nl=45 * ML)
    bench.sleep(moment_s)
    reported = cut_and_check(bench, measure, began_ns, rate_ul_h)
    measure("as ordered", (reported.rate_ul_h, reported.vtbi_nl, reported.number), equal=(rate_ul_h, 45 * ML, 1))
    status = bench.pump.status()
    measure("it delivers nothing until it is reported to", (status.state, status.rate_ul_h), equal=("alarm_stopped", 0))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_bound_holds_when_the_rate_rises(bench: Bench, measure: Measure, seed: int) -> None:
    """The cut follows a rise in rate: by a new rate, a clinician's bolus, the patient's, or the next segment."""
    after_s = random.Random(seed).uniform(0.0, 2.5)
    rises = {
        1: lambda: bench.pump.set_rate(1_200_000),
        2: lambda: bench.pump.bolus(5 * ML, 1_000_000),
        3: lambda: bench.pump.request_bolus(),
        4: lambda: bench.sleep(3.0),
    }
    tops = {1: 1_200_000, 2: 1_101_000, 3: 101_000, 4: 900_000}
    began_ns = now_ns(bench)
    if seed == 4:
        bench.pump.start_regimen({"kind": "steps", "segments": [[1_000, 1_000, 10, 0], [900_000, 900_000, 0, 20 * ML]]})
    else:
        bench.pump.start_regimen(pca() if seed > 1 else {"kind": "continuous", "segments": [[1_000, 1_000, 0, 0]]})
    bench.sleep(8.0)
    rises[seed]()
    bench.sleep(after_s)
    cut_and_check(bench, measure, began_ns, tops[seed])


def test_an_incomplete_infusion_is_never_reported_as_complete(bench: Bench, measure: Measure) -> None:
    """1 mL takes 3 s and its ramps; the last cuts come within the last steps."""
    for after_s in (0.5, 1.5, 2.5, 2.9, 2.95, 3.0, 3.05, 3.1, 3.15):
        began_ns = now_ns(bench)
        bench.pump.start(1_200_000, vtbi_nl=ML)
        bench.sleep(after_s)
        given_nl = true_nl(bench, began_ns)
        bench.power_cycle()
        reported = bench.pump.last_therapy()
        whole_nl = ML - delivered_nl(bench.profile, 1) - 1
        measure("reported as complete", reported.outcome == "complete", one_of=(False, given_nl >= whole_nl))
        bench.pump.clear_alarms()


def test_an_interruption_alarms_until_a_person_clears_it(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.sleep(5.0)
    bench.power_cycle()
    reported = bench.pump.last_therapy()
    for _ in range(2):
        measure("alarms", bench.pump.status().alarms, equal=("interrupted",))
        with pytest.raises(PumpError, match="start"):
            bench.pump.start(100_000)
        bench.power_cycle()
        measure("what is reported of it", bench.pump.last_therapy(), equal=reported)
    bench.pump.clear_alarms()
    bench.sleep(0.5)
    bench.power_cycle()
    measure("alarms", bench.pump.status().alarms, equal=())
    measure("outcome", bench.pump.last_therapy().outcome, equal="interrupted")


def test_a_pause_and_an_alarm_survive_a_power_cut(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.sleep(3.0)
    bench.pump.pause()
    bench.sleep(1.0)
    before = bench.pump.last_therapy()
    bench.power_cycle()
    reported = bench.pump.last_therapy()
    measure(
        "a pause",
        (reported.outcome, reported.delivered_nl, reported.unsure_nl),
        equal=("interrupted", before.delivered_nl, 0),
    )
    measure("alarms", bench.pump.status().alarms, equal=("interrupted",))
    bench.pump.clear_alarms()

    bench.pump.start(100_000)
    bench.sleep(3.0)
    bench.sensor_fault("open")
    bench.sleep(1.0)
    bench.sensor_fault(None)
    before = bench.pump.last_therapy()
    bench.power_cycle()
    reported = bench.pump.last_therapy()
    wanted = ("alarm_stopped", before.delivered_nl, 0)
    measure("an alarm", (reported.outcome, reported.delivered_nl, reported.unsure_nl), equal=wanted)
    measure("alarms", bench.pump.status().alarms, equal=("interrupted",))


@pytest.mark.needs("flash")
def test_a_therapy_that_cannot_be_recorded_is_not_started(bench: Bench, measure: Measure) -> None:
    bench.flash_fault(True)
    with pytest.raises(PumpError, match="the flash did not take it"):
        bench.pump.start(5_000)
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=("storage_fault",))
    bench.flash_fault(False)
    bench.sleep(2.0)
    bench.pump.clear_alarms()
    measure("state", bench.pump.start(5_000), equal="infusing")


@pytest.mark.requirement("KEEP-1")
@pytest.mark.parametrize("damaged", [("a",), ("b",), ("a", "b")])
def test_a_damaged_record_of_the_therapy_alarms(bench: Bench, measure: Measure, damaged: tuple[str, ...]) -> None:
    bench.pump.start(100_000, vtbi_nl=ML)
    bench.sleep(2.0)
    bench.pump.stop()
    bench.sleep(1.0)
    before = bench.pump.last_therapy()
    cut_off_ends(bench, *(f"/keep_{folder}/therapy" for folder in damaged))
    reported, alarms = bench.pump.last_therapy(), bench.pump.status().alarms
    if len(damaged) == 1:
        measure("as before, from the other copy", reported, equal=before)
        measure("alarms", alarms, equal=("record_restored",))
    else:
        measure("outcome", (reported.outcome, reported.delivered_nl, reported.regimen), equal=("unknown", None, None))
        measure("alarms", alarms, equal=("storage_fault",))  # its end was already seen by a person
    bench.pump.clear_alarms()
    bench.pump.start(100_000)
    bench.sleep(1.0)
    bench.pump.stop()
    bench.sleep(1.0)
    bench.reset()
    measure("alarms after another one", bench.pump.status().alarms, equal=())
