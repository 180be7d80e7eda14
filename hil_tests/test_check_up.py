"""The check-up passes on a working pump and names each fault of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from picoinfuse.bench import Bench
from picoinfuse.checkup.model import Plan, Visit
from picoinfuse.checkup.page import write
from picoinfuse.checkup.run import CheckUp, NotIdle, check_up
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("PCA-6"),
    pytest.mark.needs("sensor", "buttons", "battery", "motor", "virtual_time"),
    pytest.mark.profile("ambulatory-10ml"),
    pytest.mark.timeout(180),
]

PLAN = Plan(rates_ul_h=(300_000, 60_000), volumes_nl=(1_000_000, 200_000), ml_per_g=1.003)
TITLES = (
    "Versions", "Event log", "Self-test", "Pressure sensor at zero", "Alarms", "Delivery", "Battery under load",
    "Stop button", "State at the end",
)  # fmt: skip


ASKED = [
    "zero", "alarm_low", "lamp_low", "alarm_medium", "lamp_medium", "alarm_high", "lamp_high", "weight_fast",
    "weight_slow", "stop_button",
]  # fmt: skip


class Nurse:
    """Answers yes, weighs the true volume, and presses the button on request. `no`: the questions answered with no."""

    def __init__(self, bench: Bench, no: tuple[str, ...] = ()) -> None:
        self._bench = bench
        self._no = no
        self._weighed_nl = 0.0
        self.asked: list[str] = []

    def confirms(self, key: str, question: str) -> bool | None:
        self.asked.append(key)
        if key == "stop_button" and key not in self._no:
            self._bench.press("button_stop", 1.3)
        return key not in self._no

    def weighs(self, key: str, request: str) -> float | None:
        self.asked.append(key)
        self._bench.sleep(10.0)  # the volume held in the line under pressure flows out with a time constant of 1.3 s
        patient_nl = self._bench.trace.value_at("patient_nl", round(self._bench.now() * 1e9))
        came_nl, self._weighed_nl = patient_nl - self._weighed_nl, patient_nl
        return came_nl / 1e6 / PLAN.ml_per_g


def visit(bench: Bench, nurse: Nurse) -> CheckUp:
    checked = Visit(bench.pump, nurse, PLAN, bench.profile, bench.sleep, bench.now, lambda text: None)
    return check_up(checked, "tester", "2026-11-22")


def failed(found: CheckUp) -> dict[str, list[str]]:
    return {
        step.title: [row.label for row in step.rows if row.outcome == "fail"]
        for step in found.steps
        if step.outcome == "fail"
    }


def test_a_working_pump_passes_and_every_step_was_checked(bench: Bench, measure: Measure, tmp_path: Path) -> None:
    nurse = Nurse(bench)
    found = visit(bench, nurse)
    measure("failed", failed(found), equal={})
    measure("passed as a whole", found.passed, equal=True)
    measure("steps", tuple(step.title for step in found.steps), equal=TITLES)
    measure("their outcomes", {step.outcome for step in found.steps}, equal={"pass"})
    measure("asked of the person", nurse.asked, equal=ASKED)
    measure("state after it", bench.pump.status().state, equal="idle")
    measure("alarms after it", bench.pump.status().alarms, equal=())
    write(found, tmp_path / "check-up.html")
    page = (tmp_path / "check-up.html").read_text()
    measure("the pump's name on the page", page.count(found.pump), above=0)
    measure("rows on the page that passed", page.count('class="pass"'), above=20)
    # The page is self-contained.
    measure("addresses on the page", page.replace("http-equiv", "").count("http"), equal=0)


WRONG: dict[str, tuple[Callable[[Bench], object], dict[str, list[str]]]] = {
    "battery that sags": (
        lambda bench: bench.battery(resistance_mohm=400),
        # 400 mΩ against twice the profile's 150
        {"Battery under load": ["Resistance"]},
    ),
    "motor that loses a tenth of its steps": (
        lambda bench: bench.motor_fault("slip 100"),
        # The counter sees the pin, not the screw: only the balance finds it.
        {"Delivery": ["1.000 mL at 300 mL/h, weighed", "0.200 mL at 60 mL/h, weighed"]},
    ),
    "sensor that reads 30 mV too high": (
        lambda bench: bench.sensor_drift(30.0),
        {"Pressure sensor at zero": ["Zero"]},  # 1.8 kPa, 13.5 mmHg
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_each_fault_is_named(bench: Bench, measure: Measure, what: str) -> None:
    break_it, expected = WRONG[what]
    break_it(bench)
    measure("failed", failed(visit(bench, Nurse(bench))), equal=expected)


def test_the_event_log_is_read_and_reported(bench: Bench, measure: Measure) -> None:
    for _ in range(3):
        bench.pump.start(300_000, 100_000)
        bench.sleep(4.0)
        bench.pump.clear_alarms()
    found = visit(bench, Nurse(bench))
    rows = {row.label: row.value for step in found.steps if step.title == "Event log" for row in step.rows}
    # Before the visit: the start of the pump, three infusions of three entries and more.
    measure("entries", int(rows["Entries"]), at_least=10, req="GIP-4")
    measure("damaged entries", rows["Damaged"], equal="0", req="GIP-4")
    measure("alarms reported", rows["Alarms"], equal="3 × infusion complete", req="GIP-4")
    measure("infusions reported", rows["Infusions started"], equal="3", req="GIP-4")


def test_a_lamp_that_stays_dark_and_a_dead_button_fail(bench: Bench, measure: Measure) -> None:
    bench.drive_pin("button_stop", 1)  # its wire is broken
    found = visit(bench, Nurse(bench, no=("lamp_high", "stop_button")))
    measure("failed", failed(found), equal={"Alarms": ["HIGH, light"], "Stop button": ["Held for a second"]})
    measure("passed as a whole", found.passed, equal=False)


def test_after_a_failed_self_test_no_further_step_runs(bench: Bench, measure: Measure) -> None:
    bench.drive_pin("button_request", 0)
    before = bench.pump.status()
    found = visit(bench, Nurse(bench))
    expected = {"Self-test": ["buttons"], "State at the end": ["State", "Alarms"]}
    measure("failed", failed(found), equal=expected)
    measure("steps", tuple(step.title for step in found.steps), equal=(*TITLES[:3], TITLES[-1]))
    measure("delivered", bench.pump.status().delivered_nl, unit="nL", equal=before.delivered_nl)


def test_the_check_up_is_refused_while_the_pump_infuses(bench: Bench, measure: Measure) -> None:
    bench.pump.start(5_000)
    with pytest.raises(NotIdle, match="infusing"):
        visit(bench, Nurse(bench))
    measure("state", bench.pump.status().state, equal="infusing")


@pytest.mark.profile("syringe-50ml")
def test_steps_for_hardware_that_the_pump_lacks_are_skipped(bench: Bench, measure: Measure) -> None:
    found = visit(bench, Nurse(bench))
    skipped = [step.title for step in found.steps if step.outcome == "skipped"]
    measure("skipped", skipped, equal=["Battery under load", "Stop button"])
    measure("passed as a whole", found.passed, equal=True)
