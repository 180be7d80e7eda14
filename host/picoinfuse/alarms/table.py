"""The pump's alarms as the firmware has them, with their texts; and docs/alarms.md, which is made from both.

The tables are read out of firmware/pump/core, not copied: a document that is made from them cannot disagree with them.
"""

import types
from dataclasses import dataclass
from typing import Any

from picoinfuse.alarms.texts import TEXTS
from picoinfuse.common import paths

_ENDS = {
    "passes": "by itself",
    "latches": "when its cause is gone and somebody clears it",
    "until_reset": "with the next reset",
}
_EFFECTS = {"go_on": "goes on", "kvo": "keeps the vein open", "stop": "stops"}


@dataclass(frozen=True)
class AlarmRow:
    name: str
    priority: str
    effect: str  # on delivery: go_on, kvo or stop
    latching: str
    text: str
    action: str
    in_state: dict[str, str]  # what it does to delivery, by state


def alarm_rows() -> tuple[AlarmRow, ...]:
    """Every alarm, highest priority first, else in the order of the firmware's table."""
    alarms, supervisor = _core("pump.core.alarms.table"), _core("pump.core.supervisor")

    def row(name: str, priority: int, effect: int, latching: int) -> AlarmRow:
        stops = effect == alarms.STOP
        in_state = {state: _in_state(supervisor, number, stops) for number, state in enumerate(supervisor.STATES)}
        words = alarms.PRIORITIES[priority], alarms.EFFECTS[effect], alarms.LATCHINGS[latching]
        return AlarmRow(name, *words, *TEXTS[name], in_state)

    return tuple(row(*entry) for entry in sorted(alarms.ALARMS, key=lambda entry: -entry[1]))


def markdown() -> str:
    """docs/alarms.md."""
    rows = alarm_rows()
    states = list(rows[0].in_state)
    told = [
        (f"`{row.name}`", row.priority.upper(), _EFFECTS[row.effect], _ENDS[row.latching], row.text, row.action)
        for row in rows
    ]
    by_state = [(f"`{row.name}`", *(row.in_state[state] for state in states)) for row in rows]
    return _PAGE.format(
        alarms=_table(("alarm", "priority", "delivery", "ends", "what it says", "what to do"), told),
        states=_table(("alarm", *(f"`{state}`" for state in states)), by_state),
    )


def _core(name: str) -> Any:
    """A pure module of the firmware that imports nothing but `const`."""
    source = paths.firmware().joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    module = types.ModuleType(name)
    exec(compile(source.replace("from micropython import const\n", "const = int\n"), name, "exec"), module.__dict__)
    return module


def _in_state(supervisor: Any, state: int, stops: bool) -> str:
    flows = supervisor.PERMITS[state][supervisor.MOTOR]
    if not stops:
        return "goes on" if flows else "none"
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

Made by `make docs` from the firmware's tables (`firmware/pump/core/alarms/table.py`, `supervisor.py`) and the texts
beside them (`host/picoinfuse/alarms/texts.py`). A test fails when this page is out of date.

## Every alarm
{alarms}

The highest priority owns sound and lamps; of equals, the oldest. A pump in `fault` or with an alarm that stops delivery
does not start.

## What each does to delivery
What the alarm does when it comes in that state, and the state that follows where it changes. "None": nothing is
delivered in that state anyway.

{states}

A fault of the pump itself (`system_fault`, `profile_fault`, `calibration_fault`) leads to `fault` besides.

## What a person can do
| command | does | does not |
|---|---|---|
| `acknowledge` | marks every active alarm as seen: it does not escalate | silence it |
| `silence` | pauses the sound for 2 min, not longer if asked again; a higher alarm breaks through | mark it as seen |
| `clear_alarms` | ends what has no cause any more | end what is still so, or waits for a reset |

There is no way to silence an alarm for as long as it lasts: the Generic Infusion Pump requirements (3.1) want the sound
back within 2 min. Open PCA allows 10; a stopped opioid or vasopressor is felt sooner.

A MEDIUM alarm that nobody acknowledges or silences becomes HIGH after the profile's `[alarms] escalate_s` (120 s
where the boards here say so, the length of an audio pause: whoever is in reach had that long to do anything). It
sounds, shines and is told as HIGH, and is MEDIUM again when somebody comes.

Reminders: an infusion that is paused for 15 min without a command raises `suspended_reminder`, again every 15 min.
While the board is in service its program does not run and nothing can sound: when no byte comes on the line for
15 min, the pump starts again by itself (see [hazards](hazards.md)).

## How they sound and look
Timing follows IEC 60601-1-8 as reported by secondary sources; the numbers are in
`firmware/pump/core/alarms/bursts.py`, and
`hil_tests/test_alarm_timing.py` measures them at the pins. `picoinfuse alarm-test high` plays one on the pump,
`picoinfuse alarm-sounds DIR` writes them as WAV files, made from the edges that the firmware makes.

Tones are made by the PIO from a table that DMA hands to it, one burst at a time, and the lamps by a state machine of
their own: a busy CPU moves when an alarm is first heard, and no edge after that. A CPU that hangs falls silent after
the burst; the watchdog restarts it within 2 s, and `interrupted` sounds.
"""
