"""Each invariant sees what it is there for, and is silent about what is right."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from picoinfuse.campaign import invariants as law
from picoinfuse.campaign.window import Infusion, Window
from picoinfuse.client.notifications import AlarmEvent, StateEvent
from picoinfuse.trace.trace import Trace

S = 1_000_000_000
STEP_NL = 350.0


def status(state: str = "idle", **changes: Any) -> Any:
    base = {
        "state": state,
        "alarms": (),
        "rate_ul_h": 0,
        "delivered_nl": 0,
        "recovery": None,
        "steps_counted": 0,
        "steps_commanded": 0,
        "overruns": 0,
        "heap_free": 100_000,
        "uptime_ms": 60_000,
    }
    return SimpleNamespace(**{**base, **changes})


def window(before: Any = None, after: Any = None, **changes: Any) -> Window:
    """Ten seconds of a pump at rest."""
    trace = Trace()
    trace.level("enable", 0, 1)
    made = Window(
        from_ns=10 * S,
        to_ns=20 * S,
        before=before or status(),
        after=after or status(),
        events=[],
        infusion=None,
        faults=frozenset(),
        disturbed=False,
        booted=False,
        step_nl=STEP_NL,
        max_hz=953.0,
        bench=SimpleNamespace(trace=trace),  # pyright: ignore[reportArgumentType]
    )
    return replace(made, **changes)


def moved(made: Window, count: int = 5, period_ns: int = S // 10) -> Window:
    made.bench.trace.level("enable", 11 * S, 0)
    made.bench.trace.pulses("step", 12 * S, period_ns, period_ns // 2, count)
    return made


def given(vtbi_nl: int | None, out_nl: float, **changes: Any) -> tuple[Window, Infusion]:
    """An infusion that began at 5 s; at 15 s so much was out."""
    infusion = Infusion(vtbi_nl, 5 * S, 0.0, 0)
    made = window(infusion=infusion, **changes)
    made.bench.trace.real("delivered_nl", 15 * S, out_nl)
    return made, infusion


def test_a_pump_at_rest_keeps_them_all() -> None:
    assert [law.__name__ for law in law.INVARIANTS if law(window()) is not None] == []


def test_motion_in_idle_is_seen_and_in_an_infusion_it_is_right() -> None:
    assert law.no_motion_without_permission(moved(window())) == "5 steps in the states ['idle']"
    assert law.no_motion_without_permission(moved(window(status("infusing"), status("infusing")))) is None
    between = moved(window(events=[StateEvent("infusing", "start", 1)]))
    assert law.no_motion_without_permission(between) is None


def test_what_was_granted_before_a_stop_may_run_out() -> None:
    late = window()
    late.bench.trace.level("enable", 10 * S, 0)
    late.bench.trace.pulses("step", 10 * S, S // 10, S // 20, 3)  # the last 0.2 s after the look
    assert law.no_motion_without_permission(late) is None


def test_enable_that_stays_on_is_seen() -> None:
    made = window()
    made.bench.trace.level("enable", 11 * S, 0)
    assert law.off_when_not_needed(made) == "ENABLE is low while idle"


def test_more_than_the_volume_and_a_step_is_seen() -> None:
    assert law.never_past_the_volume(given(10_000, 10_000 + STEP_NL)[0]) is None
    assert "more than a step" in (law.never_past_the_volume(given(10_000, 10_001 + STEP_NL)[0]) or "")


def test_a_wrong_reported_volume_is_detected() -> None:
    right, _ = given(None, 50_000, after=status("paused", delivered_nl=50_000))
    assert law.reported_volume_is_true(right) is None
    wrong, infusion = given(None, 50_000, after=status("paused", delivered_nl=47_000))
    assert "reports 47000 nL, delivered are 50000 nL" in (law.reported_volume_is_true(wrong) or "")
    infusion.volume_unknown = True  # the motor slipped
    assert law.reported_volume_is_true(wrong) is None


def test_a_count_that_is_off_at_rest_is_seen() -> None:
    after = status("paused", steps_counted=99, steps_commanded=100)
    made, _ = given(None, 0, before=after, after=after)
    assert law.counted_is_commanded(made) == "100 steps commanded, 99 counted, at rest"


def test_a_false_complete_is_seen() -> None:
    told = [AlarmEvent("infusion_complete", "medium", True, 1, 1)]
    assert law.complete_is_true(given(10_000, 9_500, events=told)[0]) is None
    assert "infusion_complete with" in (law.complete_is_true(given(10_000, 9_000, events=told)[0]) or "")


def test_a_stop_without_a_name_is_seen() -> None:
    assert law.a_stop_has_a_name(window(after=status("alarm_stopped"))) == "alarm_stopped, and no alarm"
    assert law.a_stop_has_a_name(window(after=status("alarm_stopped", alarms=("occlusion",)))) is None


def test_a_high_alarm_without_a_lamp_is_seen() -> None:
    stopped = status("alarm_stopped", alarms=("occlusion",))
    dark = window(stopped, stopped)
    assert "flashed 0 times" in (law.a_high_alarm_is_seen(dark) or "")
    dark.bench.trace.pulses("lamp_red", 10 * S, S // 2, S // 4, 19)
    assert law.a_high_alarm_is_seen(dark) is None


def test_steps_that_come_too_fast_are_seen() -> None:
    assert law.not_faster_than_the_mechanics(moved(window(), period_ns=S // 953)) is None
    assert "ns apart" in (law.not_faster_than_the_mechanics(moved(window(), period_ns=S // 1200)) or "")


def test_a_late_task_is_seen_unless_the_fault_made_it_late() -> None:
    late = window(status(overruns=1), status(overruns=3))
    assert law.tasks_meet_their_deadlines(late) == "2 tasks were late"
    assert law.tasks_meet_their_deadlines(replace(late, faults=frozenset({"loop slow"}))) is None


def test_a_heap_that_runs_out_is_seen() -> None:
    assert law.memory_is_there(window(after=status(heap_free=law.MIN_HEAP - 1))) is not None


def test_an_unreported_boot_has_had_its_self_test() -> None:
    """Seed 1065 of 2 h: after the third crash the supply was taken away, and the port was closed as it came back."""
    assert "self_test" not in window().states
    assert "self_test" in window(booted=True).states


def test_a_pump_that_does_not_answer_is_seen() -> None:
    silent = replace(window(), after=None)
    assert law.it_answers(silent) is not None


def test_a_pump_without_memory_for_an_answer_has_an_alarm_that_is_seen() -> None:
    silent = replace(window(), after=None, faults=frozenset({law.STARVED}))
    assert law.it_answers(silent) is not None
    silent.bench.trace.pulses("lamp_red", 10 * S, S // 2, S // 4, 19)
    assert law.it_answers(silent) is None


@pytest.mark.parametrize("invariant", law.INVARIANTS)
def test_none_of_them_needs_an_answer(invariant: Any) -> None:
    if invariant is not law.it_answers:
        assert invariant(replace(window(), before=None, after=None)) is None
