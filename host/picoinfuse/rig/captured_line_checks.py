"""How the wires of the instrument are looked at: the pump moves each, and the instrument must see it."""

from __future__ import annotations

from picoinfuse.rig.wiring_check import Desk
from picoinfuse.trace.trace import Trace

RATE_UL_H = 100_000
FLOWING_S = 3.0
SOUND_S = 1.5
EDGES_OF_SOUND = 50
STEPS_OFF = 2


def _infusing(desk: Desk) -> tuple[Trace, int]:
    """What was captured from before an infusion until after it, and the steps that the pump counted."""
    with desk.captured() as trace:
        desk.pump.start(RATE_UL_H)
        desk.sleep(FLOWING_S)
        desk.pump.pause()
        desk.sleep(1.0)
        counted = desk.pump.status().steps_counted
    return trace, counted


def step(desk: Desk) -> str | None:
    trace, counted = _infusing(desk)
    found = trace.count("step")
    return None if abs(found - counted) <= STEPS_OFF and found else f"it counts {counted} steps, {found} are captured"


def dir_(desk: Desk) -> str | None:
    trace, _ = _infusing(desk)
    steps_ns = trace.edges("step")
    if not len(steps_ns):
        return "no step is captured"
    pushing = 0 if desk.profile.values["mechanics"]["reverse"] else 1
    found = trace.level_at("dir", int(steps_ns[-1]))
    return None if found == pushing else f"it pushes, and DIR is {'high' if found else 'low'}"


def enable(desk: Desk) -> str | None:
    trace, _ = _infusing(desk)
    if trace.level_at("enable", 0) != 1:
        return "the motor is off, and ENABLE is low"
    return None if len(trace.edges("enable", rising=False)) else "the motor turns, and ENABLE stays high"


def piezo(desk: Desk) -> str | None:
    found = _sounding(desk, "high").count("piezo")
    return None if found >= EDGES_OF_SOUND else f"{found} edges are captured"


def lamp_red(desk: Desk) -> str | None:
    return None if _sounding(desk, "high").count("lamp_red") else "it stays low"


def lamp_yellow(desk: Desk) -> str | None:
    return None if _sounding(desk, "medium").count("lamp_yellow") else "it stays low"


def _sounding(desk: Desk, priority: str) -> Trace:
    with desk.captured() as trace:
        lasts_ms = desk.pump.alarm_test(priority).duration_ms
        desk.sleep(max(SOUND_S, lasts_ms / 1000))
    return trace
