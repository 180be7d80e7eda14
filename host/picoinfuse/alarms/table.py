"""The alarms of the firmware with their texts, and docs/alarms.md, which is generated from both.

The tables are read from firmware/pump/core, not copied, so the page always agrees with the firmware.
"""

from dataclasses import dataclass
from typing import Any

from picoinfuse.alarms.texts import TEXTS
from picoinfuse.common.firmware_tables import pure_module

_ENDS = {
    "passes": "when the cause is gone",
    "latches": "when the cause is gone and a person clears it",
    "until_reset": "with the next reset",
}
_EFFECTS = {"go_on": "continues", "kvo": "falls to KVO", "stop": "stops"}


@dataclass(frozen=True)
class AlarmRow:
    """An alarm as docs/alarms.md and `picoinfuse alarms` show it."""

    name: str
    priority: str  # high, medium or low
    effect: str  # on delivery: go_on, kvo or stop
    latching: str  # passes, latches or until_reset
    text: str
    action: str
    in_state: dict[str, str]  # what it does to delivery, by state


def alarm_rows() -> tuple[AlarmRow, ...]:
    """Every alarm, highest priority first, then in the order of the firmware's table."""
    alarms, supervisor = pure_module("pump.core.alarms.table"), pure_module("pump.core.supervisor")

    def row(name: str, priority: int, effect: int, latching: int) -> AlarmRow:
        in_state = {
            state: _in_state(alarms, supervisor, number, effect) for number, state in enumerate(supervisor.STATES)
        }
        words = alarms.PRIORITIES[priority], alarms.EFFECTS[effect], alarms.LATCHINGS[latching]
        return AlarmRow(name, *words, *TEXTS[name], in_state)

    return tuple(row(*entry) for entry in sorted(alarms.ALARMS, key=lambda entry: -entry[1]))


def markdown() -> str:
    """The page docs/alarms.md."""
    rows = alarm_rows()
    states = list(rows[0].in_state)
    by_effect = {row.effect: row for row in rows}  # alarms of one effect do the same in every state
    cells = [
        (f"`{row.name}`", row.priority.upper(), _EFFECTS[row.effect], _ENDS[row.latching], row.text, row.action)
        for row in rows
    ]
    effects = [
        (_EFFECTS[effect], *(by_effect[effect].in_state[state] for state in states))
        for effect in _EFFECTS
        if effect in by_effect
    ]
    return _PAGE.format(
        alarms=_table(("alarm", "priority", "delivery", "ends", "message", "what to do"), cells),
        states=_table(("delivery", *(f"`{state}`" for state in states)), effects),
    )


def _in_state(alarms: Any, supervisor: Any, state: int, effect: int) -> str:
    """What an alarm of this effect does in this state of the pump, and the state that follows where it changes."""
    flows = supervisor.PERMITS[state][supervisor.MOTOR]
    if effect != alarms.STOPS_DELIVERY:
        return _EFFECTS[alarms.EFFECTS[effect]] if flows else "none"
    follows = supervisor.TABLE[state][supervisor.ALARM_STOP]
    if follows == supervisor.SAME and state == supervisor.SELF_TEST:
        return "none; `alarm_stopped` after the test"
    if follows == supervisor.SAME:
        return "none"
    return f"{'stops' if flows else 'none'}; `{supervisor.STATES[follows]}`"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_PAGE = """# Alarms

`make docs` generates this page from the firmware's tables (`firmware/pump/core/alarms/table.py`,
`firmware/pump/core/supervisor.py`) and the texts in `host/picoinfuse/alarms/texts.py`. A test fails when the page is
out of date.

## Every alarm
{alarms}

The active alarm with the highest priority owns sound and lamps; of equal ones, the oldest. A pump in `fault`, or with
an active alarm that stops delivery, does not start.

## What an alarm does in each state
For each effect on delivery: what happens when the alarm is raised in that state, and the new state where it changes.
"None": nothing is delivered in that state.

{states}

`system_fault`, `profile_fault` and `calibration_fault` also put the pump into the state `fault`.

## What a person can do
| command | does | does not |
|---|---|---|
| `acknowledge` | marks every active alarm as seen, so that it does not escalate | silence it |
| `silence` | pauses the sound for 2 min, not extended when repeated; a higher alarm ends it | mark the alarm as seen |
| `clear_alarms` | ends latched alarms whose cause is gone | end an alarm that persists or lasts until a reset |

No command silences an alarm for as long as it lasts: the Generic Infusion Pump requirements (3.1) want the sound back
within 2 min. Open PCA allows 10 min. This pump uses 2 min, because a stopped opioid or vasopressor shows its effect
sooner than after 10.

**Escalation.** A MEDIUM alarm that a person neither acknowledges nor silences becomes HIGH after `escalate_s` in the
profile's `[alarms]` section. The profiles in `boards/` set 120 s, the length of an audio pause. The alarm then sounds,
flashes and is reported as HIGH. It returns to MEDIUM when a person acknowledges, silences
or clears alarms.

**Reminders.** An infusion that is paused for 15 min without a command raises `suspended_reminder`, and again 15 min
after each command. In service the pump's program does not run and cannot sound: if no byte arrives on the serial line
for 15 min, the pump restarts (see [hazards](hazards.md)).

## How they sound and look
The timing follows IEC 60601-1-8 as reported by secondary sources. The numbers are in
`firmware/pump/core/alarms/bursts.py`; `hil_tests/test_alarm_timing.py` measures them at the pins.
`picoinfuse alarm-test high` plays an alarm on the pump. `picoinfuse alarm-sounds DIR` writes the sounds as WAV files
from the edges that the firmware makes.

DMA feeds each burst to the PIO from a table; another state machine flashes the lamps. A busy CPU can delay the first
tone of an alarm, but no later edge. If the CPU hangs, the sound stops after the burst; the watchdog resets the pump
within 2 s, and `interrupted` sounds.
"""
