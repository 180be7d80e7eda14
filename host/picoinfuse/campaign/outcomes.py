"""The expected outcome of each fault in each state of the pump.

hil_tests/test_faults_in_states.py tests the table cell by cell; docs/faults.md is generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from picoinfuse.campaign.faults import FAULTS, TASKS, Fault
from picoinfuse.campaign.states import STATES


@dataclass(frozen=True)
class Outcome:
    """`state`: the state afterwards, or "same". `alarms`: those that the fault raised. `resets`: the pump restarts."""

    state: str = "same"
    alarms: tuple[str, ...] = ()
    resets: bool = False

    def __str__(self) -> str:
        if self == GOES_ON:
            return "no change"
        if self == GIVES_UP:
            return "`fault`: `system_fault`, or resets"
        if self == NO_PROGRAM:
            return "in the REPL"
        words = ["resets"] if self.resets else []
        words.append("" if self.state == "same" else f"`{self.state}`")
        names = ", ".join(f"`{name}`" for name in self.alarms)
        return ": ".join(part for part in (", ".join(word for word in words if word), names) if part)


GOES_ON = Outcome()
NO_PROGRAM = Outcome("service")  # the fault is in the pump's program, which does not run in service
RESTARTS = Outcome("idle", (), True)
FAILED = Outcome("idle", ("restarted",), True)
INTERRUPTED = Outcome("alarm_stopped", ("interrupted",), True)
GIVES_UP = Outcome("fault", ("system_fault",))  # or resets, where other code needs memory first

Row = dict[str, Outcome]


def _row(
    default: Outcome = GOES_ON,
    **by_state: Outcome,
) -> Row:
    row = dict.fromkeys(STATES, default)
    row["service"] = GOES_ON
    row.update(by_state)
    return row


def _sensor(name: str, *, in_test: Outcome | None = None, relieving: tuple[str, ...] = ()) -> Row:
    stops = Outcome("alarm_stopped", (name,))
    return _row(
        stops,
        self_test=in_test or stops,
        relieving=Outcome("alarm_stopped", (*relieving, name)),
        fault=Outcome("fault", (name,)),
    )


def _wire_of_the_motor() -> Row:
    stops = Outcome("alarm_stopped", ("motor_fault",))
    return _row(self_test=Outcome("fault", ("system_fault",)), infusing=stops, relieving=stops)


def _restart(idle: Outcome = FAILED, service: Outcome = NO_PROGRAM) -> Row:
    """The reset raises `interrupted` after a therapy, and `restarted` (`idle`) where none was running."""
    return _row(
        idle,
        infusing=INTERRUPTED,
        paused=INTERRUPTED,
        relieving=INTERRUPTED,
        alarm_stopped=INTERRUPTED,
        service=service,
    )


def _failed_test(name: str) -> Outcome:
    return Outcome("fault", (name, "system_fault"))


def _told(name: str, service: Outcome = GOES_ON) -> Row:
    """An alarm; the state stays."""
    return _row(Outcome("same", (name,)), service=service)


_NOT_FOLLOWING = ("pressure_not_following",)
_LATE = ("sensor_stale", "task_overrun")
_MOTOR = Outcome("alarm_stopped", ("motor_fault",))

OUTCOMES: dict[str, Row] = {
    "sensor open": _sensor("sensor_open", in_test=_failed_test("sensor_open")),
    "sensor short": _sensor("sensor_short", in_test=_failed_test("sensor_short")),
    "sensor frozen": _sensor("sensor_frozen", relieving=_NOT_FOLLOWING),
    "sensor jump": _sensor("sensor_jump"),
    "sensor stuck": _sensor("adc_stuck", relieving=_NOT_FOLLOWING),
    "sensor reference": _sensor("reference_fault"),
    "line closed": _row(infusing=Outcome("alarm_stopped", ("occlusion",))),
    # No sensor sees the screw: docs/hazards.md.
    "motor stalled": _row(relieving=Outcome("alarm_stopped", _NOT_FOLLOWING)),
    "motor slipping": _row(),
    "motor runaway": _row(
        _MOTOR,
        self_test=Outcome("fault", ("system_fault", "motor_fault")),
        fault=Outcome("fault", ("motor_fault",)),
    ),
    "step wire low": _wire_of_the_motor(),
    "step wire high": _wire_of_the_motor(),
    # Not detected without feedback wires; with them: test_sound_check.py, test_lamp_check.py.
    "enable wire low": _row(),
    "piezo wire low": _row(),
    "lamp_red wire low": _row(),
    "lamp_yellow wire low": _row(),
    "battery wire open": _told("battery_fault"),
    "battery low": _told("battery_low"),
    "battery empty": _row(
        Outcome("alarm_stopped", ("battery_depleted",)), fault=Outcome("fault", ("battery_depleted",))
    ),
    # The self-test starts while the button is held.
    "button_request stuck": {**_told("button_stuck"), "self_test": _failed_test("button_stuck")},
    # Holding this button for a second stops the infusion.
    "button_stop stuck": {
        **_told("button_stuck"),
        "self_test": _failed_test("button_stuck"),
        "infusing": Outcome("idle", ("button_stuck",)),
        "paused": Outcome("idle", ("button_stuck",)),
    },
    "flash dead": _told("storage_fault", NO_PROGRAM),
    "flash full": _row(),
    **{f"exception in {task}": _restart() for task in TASKS},
    "heap exhausted": _row(GIVES_UP, service=NO_PROGRAM),
    "clock ahead by 5 s": _row(
        Outcome("alarm_stopped", _LATE),
        fault=Outcome("fault", _LATE),
        service=NO_PROGRAM,
    ),
    "clock back by 5 s": _restart(),
    "task late": _told("task_overrun", NO_PROGRAM),
    "loop slow": _restart(),
    "CPU hung": _restart(),
    "host not reading": _row(),
    "host silent": _row(),
    "cable unplugged": _row(),
    "host floods": _row(service=NO_PROGRAM),
    "malformed frames": _row(service=NO_PROGRAM),
    "Ctrl-C": _row(),
    "Ctrl-D": _row(service=RESTARTS),
    "soft reset": _restart(),
    "RUN pin": _restart(RESTARTS, RESTARTS),
    "power lost": _restart(RESTARTS, RESTARTS),
}


def markdown() -> str:
    """The page docs/faults.md."""
    head = ("fault", *(f"`{state}`" for state in STATES))
    rows = [(_name(fault), *(str(OUTCOMES[fault.name][state]) for state in STATES)) for fault in FAULTS]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *rows)]
    count = len(rows) * len(STATES)
    return _PAGE.format(faults=len(rows), states=len(STATES), count=count, table="\n".join(lines))


def _name(fault: Fault) -> str:
    """The fault's name, with a star where not every profile has the wires for it."""
    return fault.name + (" *" if fault.wires else "")


_PAGE = """# Every fault in every state

How the pump reacts to {faults} faults in {states} states: {count} pairs. `hil_tests/test_faults_in_states.py` tests
each pair: the state afterwards, the alarms raised, the motor, and that the pump is usable again once the fault is gone.
`make docs` generates this page from `host/picoinfuse/campaign/outcomes.py`.

A cell gives the state afterwards, where it changes, and the alarms that the fault raised.

- **no change**: the state stays and no alarm is raised.
- **resets**: all outputs go to their safe level and the pump restarts. `interrupted` is raised if the reset ended an
  infusion, a pause or a stop by an alarm, otherwise `restarted`. After a power-on or a reset by the RUN pin of a pump
  that was not in use, no alarm is raised.
- **in the REPL**: in service the pump's program does not run; all outputs are safe.
- **\\***: tested on a pump with battery, buttons, air detector and upstream sensor, which not every profile has.
- `relieving`: the plunger is being drawn back after an occlusion; the pump's state is `alarm_stopped`.
- "exception in NAME": the task of that name raises an exception.

{table}
"""
