"""The invariants: what must hold between any two queries of a pump, whatever is done to it.

Each function takes a Window and returns a description of the violation, or None. Each names the faults under which its
claim does not apply: for example, counting edges on the pin cannot detect a slipping motor.
"""

from __future__ import annotations

from collections.abc import Callable

from picoinfuse.campaign.window import LEAD_S, Window

MOVES = frozenset({"infusing", "self_test"})
# Faults that move the motor, or separate it from the counted pin: the counted steps are then not the volume.
APART = frozenset({"motor stalled", "motor slipping", "step wire low", "step wire high", "motor runaway"})
LATE = frozenset({"loop slow", "CPU hung", "clock ahead by 5 s", "clock back by 5 s"})
MEASURED_MS = 6_000  # uptime by which the pump has collected garbage and measured its heap
STARVED = "heap exhausted"
MIN_HEAP = 12_000  # bytes; more than this includes garbage since the last collection (tasks/garbage_collection.py)


def no_motion_without_permission(window: Window) -> str | None:
    """The motor moves only in the states that permit it."""
    if window.states & MOVES or window.relieved or window.faults & APART or window.after is None:
        return None
    moved = len(window.motor_steps_ns(window.from_ns + round(LEAD_S * 1e9)))
    return f"{moved} steps in the states {sorted(window.states)}" if moved else None


def off_when_not_needed(window: Window) -> str | None:
    """ENABLE is off in the states in which the motor neither moves nor holds."""
    after = window.after
    if after is None or after.state not in ("idle", "fault") or "enable wire low" in window.faults:
        return None
    if window.to_ns - window.from_ns < LEAD_S * 1e9 or window.states != {after.state}:
        return None
    return None if window.bench.trace.level_at("enable", window.to_ns) else f"ENABLE is low while {after.state}"


def never_past_the_volume(window: Window) -> str | None:
    """The delivered volume exceeds the VTBI by at most one step."""
    infusion = window.infusion
    if infusion is None or infusion.vtbi_nl is None or infusion.volume_unknown:
        return None
    _, volume_nl = window.bench.trace.values("delivered_nl", window.from_ns, window.to_ns)
    if not len(volume_nl):
        return None
    most_nl = float(volume_nl.max()) - infusion.world_nl
    if most_nl <= infusion.vtbi_nl + window.step_nl:
        return None
    return f"{most_nl:.0f} nL of {infusion.vtbi_nl} nL were delivered, more than a step too much"


def reported_volume_is_true(window: Window) -> str | None:
    """The reported volume is the volume that has left the syringe, but for steps since the last reading of the counter
    (every 100 ms).
    """
    infusion, after = window.infusion, window.after
    if infusion is None or infusion.volume_unknown or after is None or after.state == "self_test":
        return None
    true_nl = window.bench.trace.value_at("delivered_nl", window.to_ns) - infusion.world_nl
    slack_nl = (
        3 * window.step_nl
        + abs(after.rate_ul_h) / 3.6 * 0.15
        + window.max_hz * window.step_nl * 0.15 * (after.recovery is not None)
    )
    if abs(after.delivered_nl - true_nl) <= slack_nl:
        return None
    return f"the pump reports {after.delivered_nl} nL, delivered are {true_nl:.0f} nL; {slack_nl:.0f} nL are allowed"


def counted_is_commanded(window: Window) -> str | None:
    """At rest, as many steps are counted as were commanded."""
    after = window.after
    if after is None or after.state not in ("idle", "paused") or window.faults & APART or window.infusion is None:
        return None
    if window.infusion.volume_unknown or window.states != {after.state} or window.to_ns - window.from_ns < LEAD_S * 1e9:
        return None
    if after.steps_counted == after.steps_commanded:
        return None
    return f"{after.steps_commanded} steps commanded, {after.steps_counted} counted, at rest"


def complete_is_true(window: Window) -> str | None:
    """The alarm `infusion_complete` comes only when the VTBI is delivered, to two steps."""
    infusion = window.infusion
    if (
        not window.raised("infusion_complete")
        or infusion is None
        or infusion.vtbi_nl is None
        or infusion.volume_unknown
    ):
        return None
    true_nl = window.bench.trace.value_at("delivered_nl", window.to_ns) - infusion.world_nl
    if true_nl >= infusion.vtbi_nl - 2 * window.step_nl:
        return None
    return f"infusion_complete with {true_nl:.0f} of {infusion.vtbi_nl} nL delivered"


def a_stop_has_a_name(window: Window) -> str | None:
    """A pump stopped by an alarm names the alarm."""
    after = window.after
    if after is None or after.state not in ("alarm_stopped", "fault"):
        return None
    return None if after.alarms else f"{after.state}, and no alarm"


def a_high_alarm_is_seen(window: Window) -> str | None:
    """While a HIGH alarm is active the red lamp flashes at 1.4 to 2.8 Hz (IEC 60601-1-8): at least 3 times in 3 s."""
    before, after = window.before, window.after
    if before is None or after is None or "lamp_red wire low" in window.faults or window.disturbed:
        return None
    if window.to_ns - window.from_ns < 4e9 or not {"alarm_stopped", "fault"} >= window.states:
        return None
    if before.state != after.state or not set(before.alarms) & set(after.alarms):
        return None
    flashes = _flashes(window)
    return None if flashes >= 3 else f"{after.alarms} are active, but the red lamp flashed {flashes} times in 3 s"


def _flashes(window: Window) -> int:
    return window.bench.trace.count("lamp_red", window.to_ns - 3_000_000_000, window.to_ns)


def not_faster_than_the_mechanics(window: Window) -> str | None:
    """No two steps are closer than the highest rate of the profile permits."""
    if window.faults & APART:
        return None
    steps = window.motor_steps_ns()
    if len(steps) < 2:
        return None
    shortest_ns = int((steps[1:] - steps[:-1]).min())
    floor_ns = 1e9 / window.max_hz * 0.9 - 1000  # 10 % for calibration, and more than two ticks of 200 ns
    return None if shortest_ns >= floor_ns else f"two steps are {shortest_ns} ns apart; the limit is {floor_ns:.0f} ns"


def tasks_meet_their_deadlines(window: Window) -> str | None:
    """No task misses its deadline without a fault that delays it."""
    if window.after is None or window.disturbed or window.faults & LATE:
        return None
    before = 0 if window.before is None else window.before.overruns
    return f"{window.after.overruns - before} tasks were late" if window.after.overruns > before else None


def memory_is_there(window: Window) -> str | None:
    """The pump has at least MIN_HEAP bytes of free heap."""
    if window.after is None or window.after.uptime_ms < MEASURED_MS or window.after.heap_free >= MIN_HEAP:
        return None
    if STARVED in window.faults:
        return None
    return f"{window.after.heap_free} bytes of heap are free"


def it_answers(window: Window) -> str | None:
    """The pump answers. With an exhausted heap it may not be able to; then it shows an alarm instead."""
    if window.after is not None or "host not reading" in window.faults:
        return None
    if STARVED in window.faults and ("lamp_red wire low" in window.faults or _flashes(window) >= 3):
        return None
    return "the pump does not answer 5 s after the act"


INVARIANTS: tuple[Callable[[Window], str | None], ...] = (
    it_answers,
    no_motion_without_permission,
    off_when_not_needed,
    never_past_the_volume,
    reported_volume_is_true,
    counted_is_commanded,
    complete_is_true,
    a_stop_has_a_name,
    a_high_alarm_is_seen,
    not_faster_than_the_mechanics,
    tasks_meet_their_deadlines,
    memory_is_there,
)
