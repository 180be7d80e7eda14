"""What must hold between any two looks at a pump, whatever is done to it: one table.

Each takes the Window and returns what is wrong, or None. Where a fault makes a claim void, the claim says so: a
motor that slips is not seen by counting the pin's edges.
"""

from __future__ import annotations

from collections.abc import Callable

from picoinfuse.campaign.look import LEAD_S, Window

MOVES = frozenset({"infusing", "self_test"})
# Faults that move the motor, or part it from the pin that is counted: volume is then not what was counted.
APART = frozenset({"motor stalled", "motor slipping", "step wire low", "step wire high", "motor runaway"})
LATE = frozenset({"loop slow", "CPU hung", "clock ahead by 5 s", "clock back by 5 s"})
MEASURED_MS = 6_000  # by then the pump has collected and counted
STARVED = "heap exhausted"
MIN_HEAP = 12_000  # bytes; more than this includes garbage since the last collection (tasks/garbage_collection.py)


def no_motion_without_permission(window: Window) -> str | None:
    if window.states & MOVES or window.relieved or window.faults & APART or window.after is None:
        return None
    moved = len(window.motor_steps_ns(window.from_ns + round(LEAD_S * 1e9)))
    return f"{moved} steps in the states {sorted(window.states)}" if moved else None


def off_when_not_needed(window: Window) -> str | None:
    """ENABLE is taken away wherever nothing may move and nothing is held."""
    after = window.after
    if after is None or after.state not in ("idle", "fault") or "enable wire low" in window.faults:
        return None
    if window.to_ns - window.from_ns < LEAD_S * 1e9 or window.states != {after.state}:
        return None
    return None if window.bench.trace.level_at("enable", window.to_ns) else f"ENABLE is low while {after.state}"


def never_past_the_volume(window: Window) -> str | None:
    infusion = window.infusion
    if infusion is None or infusion.vtbi_nl is None or infusion.spoiled:
        return None
    _, volume_nl = window.bench.trace.values("delivered_nl", window.from_ns, window.to_ns)
    if not len(volume_nl):
        return None
    most_nl = float(volume_nl.max()) - infusion.world_nl
    if most_nl <= infusion.vtbi_nl + window.step_nl:
        return None
    return f"{most_nl:.0f} nL of {infusion.vtbi_nl} nL are out, more than a step beyond"


def told_volume_is_true(window: Window) -> str | None:
    """What the pump tells of this infusion is what has left the syringe. It reads its counter every 100 ms."""
    infusion, after = window.infusion, window.after
    if infusion is None or infusion.spoiled or after is None or after.state == "self_test":
        return None
    true_nl = window.bench.trace.value_at("delivered_nl", window.to_ns) - infusion.world_nl
    slack_nl = (
        3 * window.step_nl
        + abs(after.rate_ul_h) / 3.6 * 0.15
        + window.max_hz * window.step_nl * 0.15 * (after.recovery is not None)
    )
    if abs(after.delivered_nl - true_nl) <= slack_nl:
        return None
    return f"the pump tells {after.delivered_nl} nL, {true_nl:.0f} nL are out; {slack_nl:.0f} nL may be between"


def counted_is_commanded(window: Window) -> str | None:
    after = window.after
    if after is None or after.state not in ("idle", "paused") or window.faults & APART or window.infusion is None:
        return None
    if window.infusion.spoiled or window.states != {after.state} or window.to_ns - window.from_ns < LEAD_S * 1e9:
        return None
    if after.steps_counted == after.steps_commanded:
        return None
    return f"{after.steps_commanded} steps commanded, {after.steps_counted} counted, at rest"


def complete_is_true(window: Window) -> str | None:
    infusion = window.infusion
    if not window.told("infusion_complete") or infusion is None or infusion.vtbi_nl is None or infusion.spoiled:
        return None
    true_nl = window.bench.trace.value_at("delivered_nl", window.to_ns) - infusion.world_nl
    if true_nl >= infusion.vtbi_nl - 2 * window.step_nl:
        return None
    return f"it says complete with {true_nl:.0f} of {infusion.vtbi_nl} nL out"


def a_stop_has_a_name(window: Window) -> str | None:
    after = window.after
    if after is None or after.state not in ("alarm_stopped", "fault"):
        return None
    return None if after.alarms else f"{after.state}, and no alarm"


def a_high_alarm_is_seen(window: Window) -> str | None:
    """The red lamp flashes at 1.4 to 2.8 Hz while a HIGH alarm stands; in 3 s it rises three times at least."""
    before, after = window.before, window.after
    if before is None or after is None or "lamp_red wire low" in window.faults or window.shocked:
        return None
    if window.to_ns - window.from_ns < 4e9 or not {"alarm_stopped", "fault"} >= window.states:
        return None
    if before.state != after.state or not set(before.alarms) & set(after.alarms):
        return None
    flashes = _flashes(window)
    return None if flashes >= 3 else f"{after.alarms} stand, and the red lamp rose {flashes} times in 3 s"


def _flashes(window: Window) -> int:
    return window.bench.trace.count("lamp_red", window.to_ns - 3_000_000_000, window.to_ns)


def not_faster_than_the_mechanics(window: Window) -> str | None:
    if window.faults & APART:
        return None
    steps = window.motor_steps_ns()
    if len(steps) < 2:
        return None
    shortest_ns = int((steps[1:] - steps[:-1]).min())
    floor_ns = 1e9 / window.max_hz * 0.9 - 1000  # 10 % of calibration, and two ticks of 200 ns with room
    return None if shortest_ns >= floor_ns else f"two steps {shortest_ns} ns apart; {floor_ns:.0f} ns is the limit"


def tasks_meet_their_deadlines(window: Window) -> str | None:
    if window.after is None or window.shocked or window.faults & LATE:
        return None
    before = 0 if window.before is None else window.before.overruns
    return f"{window.after.overruns - before} tasks were late" if window.after.overruns > before else None


def memory_is_there(window: Window) -> str | None:
    if window.after is None or window.after.uptime_ms < MEASURED_MS or window.after.heap_free >= MIN_HEAP:
        return None
    if STARVED in window.faults:
        return None
    return f"{window.after.heap_free} bytes of heap are free"


def it_answers(window: Window) -> str | None:
    """With its heap taken there may be no room for an answer: then it has an alarm that is seen, and all else runs."""
    if window.after is not None or "host not reading" in window.faults:
        return None
    if STARVED in window.faults and ("lamp_red wire low" in window.faults or _flashes(window) >= 3):
        return None
    return "the pump does not answer, 5 s after the act"


INVARIANTS: tuple[Callable[[Window], str | None], ...] = (
    it_answers,
    no_motion_without_permission,
    off_when_not_needed,
    never_past_the_volume,
    told_volume_is_true,
    counted_is_commanded,
    complete_is_true,
    a_stop_has_a_name,
    a_high_alarm_is_seen,
    not_faster_than_the_mechanics,
    tasks_meet_their_deadlines,
    memory_is_there,
)
