"""Every fault that a bench can inject, in every state of the pump: the state it leads to, the alarms that come, a motor
that stands where it must, and a pump that can be used again when the fault is gone.

The table is in picoinfuse/campaign/outcomes.py, docs/faults.md is made from it. Idle and infusing are tried always, the
other states by `make test-long`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.expect import motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import run_in_repl
from picoinfuse.campaign.faults import FAULTS, Fault
from picoinfuse.campaign.look import LEAD_S, ask
from picoinfuse.campaign.outcomes import GIVES_UP, GOES_ON, NO_PROGRAM, OUTCOMES, Outcome, markdown
from picoinfuse.campaign.revive import revive
from picoinfuse.campaign.states import RATE_UL_H, STATES
from picoinfuse.evidence.measuring import Measure
from picoinfuse.messages import Ready, Status

NOTICED_S = 5.2  # the longest: an exception in the task that runs every 5 s
ALWAYS = ("idle", "infusing")
PAIRS = [
    pytest.param(fault, state, id=f"{fault.name}, {state}", marks=() if state in ALWAYS else pytest.mark.long)
    for fault in FAULTS
    for state in STATES
]


def test_the_table_is_complete_and_the_page_is_made_from_it(measure: Measure) -> None:
    measure("faults without a row", {fault.name for fault in FAULTS} ^ set(OUTCOMES), equal=set())
    for fault, row in OUTCOMES.items():
        measure(f"states of {fault}", list(row), equal=list(STATES))
    page = Path(__file__).parents[1] / "docs" / "faults.md"
    measure("lines of docs/faults.md that `make docs` would change", stale(page.read_text(encoding="utf-8")), equal=[])


def stale(page: str) -> list[str]:
    return sorted(set(page.splitlines()) ^ set(markdown().splitlines()))


@pytest.mark.needs("capture", "virtual_time", "damage", "sensor", "converter", "occlude", "motor", "pin", "slow")
@pytest.mark.needs("hang", "host_reading", "reset", "power")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "state"), PAIRS)
def test_a_fault_in_a_state(bench: Bench, measure: Measure, fault: Fault, state: str) -> None:
    wanted = OUTCOMES[fault.name][state]
    if wanted == NO_PROGRAM:
        STATES[state](bench)
        assert_safe_in_service(bench, measure)
        return
    before = bring_about(bench, fault, state)
    came_ns = now_ns(bench)
    bench.sleep(fault.shows_s)
    if state == "service" and wanted == GOES_ON:
        fault.go(bench)  # the levels that are looked at are the board's own
        assert_safe_in_service(bench, measure)
        return
    if fault.name == "host deaf":
        fault.go(bench)  # only then can the pump be asked
    if wanted == GIVES_UP:  # it says so by itself, or has started again; there is no memory left for an answer
        assert "system_fault" in bench.pump.active_alarms or any(isinstance(e, Ready) for e in bench.pump.events)
    else:
        assert_as_in_the_table(measure, wanted, before, ask(bench))
    assert_motor_stands(bench, measure, fault, wanted, state, came_ns)
    fault.go(bench)
    if wanted == GIVES_UP:
        bench.reset()  # nothing else gives the memory back
    bench.occlude(False)
    bench.sleep(40.0)  # a retraction is over in 30 s
    measure("what is in the way of another infusion", revive(bench, RATE_UL_H), equal=None)


def bring_about(bench: Bench, fault: Fault, state: str) -> Status | None:
    """What the pump said of itself before. A sensor or a wire is at fault before a self-test begins."""
    if state == "self_test" and ("sensor" in fault.name or "wire" in fault.name):
        fault.come(bench)
        STATES[state](bench)
        return None
    STATES[state](bench)
    before = None if state == "service" else bench.pump.status()
    bench.pump.events.clear()
    fault.come(bench)
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
    """Forward, that is; after an occlusion it may still be drawing back."""
    if state == "infusing" and wanted == GOES_ON:
        return
    if state == "relieving" or fault.name in ("motor running away", "step wire high"):
        return
    quiet_ns = came_ns + round((fault.shows_s if fault.name == "line closed" else NOTICED_S + LEAD_S) * 1e9)
    measure("steps of a motor that must stand", len(motor_steps(bench, quiet_ns)), equal=0, req="GIP-1.6")


def assert_safe_in_service(bench: Bench, measure: Measure) -> None:
    measure("6 * 7 in the REPL", run_in_repl(bench, "print(6 * 7)"), equal="42")
    levels = {wire: bench.trace.level_at(wire, now_ns(bench)) for wire in ("step", "piezo", "lamp_yellow")}
    assert levels == {"step": 0, "piezo": 0, "lamp_yellow": 0}
