"""What the pump refused, in the units that people read, and what to do next."""

import re

from picoinfuse.cli.common import value_text
from picoinfuse.common.errors import PumpError
from picoinfuse.common.units import split_unit

_NEXT = {
    "self_test": "wait until the self-test has finished",
    "fault": "`picoinfuse status` shows the alarms, `picoinfuse self-test` repeats the self-test",
    "alarm_stopped": "remove the cause of the alarm, then `picoinfuse clear`",
    "infusing": "`picoinfuse stop` ends the infusion",
    "paused": "`picoinfuse resume` continues the infusion, `picoinfuse stop` ends it",
    "idle": "no infusion is running; `picoinfuse infuse` starts one",
    "service": "`picoinfuse reset` or a power cycle ends service",
}
_WHOLE_NUMBER = re.compile(r"-?\d+")


def refusal_text(error: PumpError) -> str:
    """One sentence for the person who gave the command."""
    if error.code == "out_of_range":
        return f"the pump refused ({error.code}): {_with_units(error)}"
    if error.code == "wrong_state":
        state = str(error.data.get("state", ""))
        hint = f"; {_NEXT[state]}" if state in _NEXT else ""
        return f"the pump refused ({error.code}): {error.message.replace('_', ' ')}{hint}"
    return str(error)


def _with_units(error: PumpError) -> str:
    """`rate_ul_h is 99999000, at most 1200000` becomes `rate is 99999 mL/h, at most 1200 mL/h`."""
    parameter = str(error.data.get("parameter", ""))
    title, unit = split_unit(parameter)
    if unit is None:
        return error.message
    text = error.message.removeprefix(parameter)
    return title.replace("_", " ") + _WHOLE_NUMBER.sub(lambda number: value_text(parameter, int(number[0])), text)
