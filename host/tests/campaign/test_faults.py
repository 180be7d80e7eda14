"""The table of faults has all that can go wrong with a pump."""

from __future__ import annotations

from picoinfuse.campaign.faults import FAULTS, TASKS

# What has to be in the table, and the faults that it is there as. The pump itself is asked whether TASKS are its.
NAMED = {
    "sensors": ("sensor open", "sensor short", "sensor frozen", "sensor jump", "sensor stuck", "sensor reference"),
    "motor stalled, slipping, runaway": ("motor stalled", "motor slipping", "motor runaway"),
    "step pin stuck": ("step wire low", "step wire high"),
    "piezo and lamps open": ("piezo wire low", "lamp_red wire low", "lamp_yellow wire low"),
    "battery": ("battery wire open", "battery low", "battery empty"),
    "buttons": ("button_request stuck", "button_stop stuck"),
    "flash errors, flash full": ("flash dead", "flash full"),
    "clock jump": ("clock ahead by 5 s", "clock back by 5 s"),
    "RAM exhausted": ("heap exhausted",),
    "task overrun": ("task late", "loop slow"),
    "CPU hang": ("CPU hung",),
    "host silent": ("host silent", "host not reading"),
    "host flooding": ("host floods", "malformed frames"),
    "USB gone": ("cable unplugged",),
    "Ctrl-C": ("Ctrl-C", "Ctrl-D"),
    "soft reset": ("soft reset", "RUN pin", "power lost"),
}


def test_everything_that_was_named_is_in_the_table() -> None:
    names = {fault.name for fault in FAULTS}
    assert {name for group in NAMED.values() for name in group} <= names
    assert {f"exception in {task}" for task in TASKS} <= names
