"""Every fault that a bench can inject, in every state of the pump: the next state, the alarms raised, a motor that
stands still where it must, and a pump that works again once the fault is gone.

The table is in picoinfuse/campaign/outcomes.py; docs/faults.md is made from it. Idle and infusing always run, the
other states by `make test-long`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil_tests.expect import motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.bench.repl import run_in_repl
from picoinfuse.campaign.acts import UNASKED
from picoinfuse.campaign.faults import FAULTS, TASKS, Fault
from picoinfuse.campaign.outcomes import GIVES_UP, GOES_ON, NO_PROGRAM, OUTCOMES, Outcome, markdown
from picoinfuse.campaign.recovery_check import check_recovery
from picoinfuse.campaign.states import RATE_UL_H, STATES
from picoinfuse.campaign.window import LEAD_S, ask
from picoinfuse.client.methods.status import Status
from picoinfuse.client.notifications import Ready
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import Profile, load_profile
from picoinfuse.profile.schema import OPTIONAL_SIGNALS

NOTICED_S = 5.2  # the longest but one: an exception in the task that runs every 5 s
# Slower faults: a line that has to fill, an estimate of charge that follows the voltage, a task that runs every
# 10 s.
SHOWS = {"line closed": 45.0, "battery empty": 300.0, "exception in periodic_selftest": 10.2}
ALWAYS = ("idle", "infusing")
PAIRS = [
    pytest.param(fault, state, id=f"{fault.name}, {state}", marks=() if state in ALWAYS else pytest.mark.long)
    for fault in FAULTS
    for state in STATES
]


def equipped() -> Profile:
    """The profile of a pump with every optional wire."""
    profile = load_profile("ambulatory-10ml")
    values = profile.values
    wiring = {**values["wiring"], "upstream": 27, "air": 15, "piezo_feedback": 21, "lamp_feedback": 20}
    occlusion = {**values["occlusion"], "upstream_mmhg": 50}
    return replace(profile, values={**values, "wiring": wiring, "occlusion": occlusion})


@pytest.fixture
def board(bench: Bench, fault: Fault) -> Iterator[Bench]:
    """A bench on which the fault can be injected."""
    if fault.fits(bench.profile):
        yield bench
        return
    with bench_kind(bench.name).open(equipped(), bench.seed) as opened:
        yield opened


@pytest.mark.needs("virtual_time", "any_profile")
def test_every_task_of_a_fully_wired_pump_has_a_fault_in_the_table(bench: Bench, measure: Measure) -> None:
    assert set(OPTIONAL_SIGNALS) <= set(equipped().values["wiring"])
    with bench_kind(bench.name).open(equipped(), bench.seed) as opened:
        reported = sorted(task.name for task in opened.pump.tasks().tasks)
    measure("tasks", reported, equal=sorted(TASKS))


def test_the_table_is_complete_and_the_page_is_made_from_it(measure: Measure) -> None:
    measure("faults without a row", {fault.name for fault in FAULTS} ^ set(OUTCOMES), equal=set())
    for fault, row in OUTCOMES.items():
        measure(f"states of {fault}", list(row), equal=list(STATES))
    page = Path(__file__).parents[1] / "docs" / "faults.md"
    measure("lines of docs/faults.md that `make docs` would change", stale(page.read_text(encoding="utf-8")), equal=[])


def stale(page: str) -> list[str]:
    return sorted(set(page.splitlines()) ^ set(markdown().splitlines()))


@pytest.mark.needs("capture", "virtual_time", "damage", "sensor", "converter", "occlude", "motor", "pin", "slow")
@pytest.mark.needs("hang", "host_reading", "usb", "reset", "power", "flash", "battery", "buttons", "upstream")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "state"), PAIRS)
def test_a_fault_in_a_state(board: Bench, measure: Measure, fault: Fault, state: str) -> None:
    wanted = OUTCOMES[fault.name][state]
    if wanted == NO_PROGRAM:
        STATES[state](board)
        assert_safe_in_service(board, measure)
        return
    before = bring_about(board, fault, state)
    came_ns = now_ns(board)
    board.sleep(fault.shows_s)
    if state == "service" and wanted == GOES_ON:
        fault.end(board)  # the levels checked are the board's own
        assert_safe_in_service(board, measure)
        return
    if fault.name in UNASKED:
        fault.end(board)  # only then can the pump be asked
    if wanted == GIVES_UP:  # the pump reports it by itself, or has restarted; no memory is left for a reply
        assert "system_fault" in board.pump.active_alarms or any(isinstance(e, Ready) for e in board.pump.events)
    else:
        assert_as_in_the_table(measure, wanted, before, ask(board))
    assert_motor_stands(board, measure, fault, wanted, state, came_ns)
    fault.end(board)
    if wanted == GIVES_UP:
        board.reset()  # nothing else gives the memory back
    board.occlude(False)
    board.sleep(40.0)  # a retraction is over in 30 s
    measure("what is in the way of another infusion", check_recovery(board, RATE_UL_H), equal=None)


def bring_about(bench: Bench, fault: Fault, state: str) -> Status | None:
    """Injects the fault; returns the status before it. A fault of sensor, wire or button is injected before a
    self-test.
    """
    if state == "self_test" and any(word in fault.name for word in ("sensor", "wire", "stuck")):
        fault.begin(bench)
        STATES[state](bench)
        return None
    STATES[state](bench)
    before = None if state == "service" else bench.pump.status()
    bench.pump.events.clear()
    fault.begin(bench)
    return before


def assert_as_in_the_table(measure: Measure, wanted: Outcome, before: Status | None, after: Status | None) -> None:
    assert after is not None, "the pump does not answer"
    was = set() if before is None else set(before.alarms)
    state = wanted.state
    if state == "same":
        state = "idle" if before is None or before.state == "self_test" else before.state
    measure("state after the fault", after.state, equal=state)
    new = sorted(set(after.alarms) - was)
    measure("alarms after the fault", ", ".join(new), equal=", ".join(sorted(set(wanted.alarms) - was)))


def assert_motor_stands(
    bench: Bench, measure: Measure, fault: Fault, wanted: Outcome, state: str, came_ns: int
) -> None:
    """No forward step; after an occlusion the plunger may still be drawn back."""
    if state == "infusing" and wanted.state == "same" and not wanted.resets:
        return
    if state == "relieving" or fault.name in ("motor runaway", "step wire high"):
        return
    quiet_ns = came_ns + round((SHOWS.get(fault.name, NOTICED_S) + LEAD_S) * 1e9)
    if quiet_ns >= now_ns(bench):
        bench.sleep((quiet_ns - now_ns(bench)) / 1e9 + 1.0)
    measure("steps of a motor that must stand", len(motor_steps(bench, quiet_ns)), equal=0, req="GIP-1.6")


def assert_safe_in_service(bench: Bench, measure: Measure) -> None:
    measure("6 * 7 in the REPL", run_in_repl(bench, "print(6 * 7)"), equal="42")
    levels = {wire: bench.trace.level_at(wire, now_ns(bench)) for wire in ("step", "piezo", "lamp_yellow")}
    assert levels == {"step": 0, "piezo": 0, "lamp_yellow": 0}
