"""What becomes of an alarm that nobody attends to; acknowledge, silence and clear; the reminder of a pause."""

from __future__ import annotations

import pytest

from hil_tests.expect import BOOT_S, alarms_told
from picoinfuse.analysis.alarm_timing import bursts, check, flashes, pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.errors import PumpError
from picoinfuse.messages import AlarmEvent, Ready

pytestmark = [pytest.mark.needs("capture", "virtual_time")]

MAX_UL_H = 1_200_000
LATE_S = 1.1  # the annunciator looks every second
SUSPENDED_S = 900.0


def complete_an_infusion(bench: Bench) -> float:
    """A MEDIUM alarm. Returns when it was first heard."""
    bench.pump.start(MAX_UL_H, vtbi_nl=500_000)
    bench.sleep(3.0)
    assert tuple(bench.pump.active_alarms) == ("infusion_complete",)
    return pulses(bench.trace, BOOT_S)[0].start_s


def escalate_s(bench: Bench) -> float:
    return bench.profile.compiled()["alarms"]["escalate_ms"] / 1000


def told(bench: Bench, name: str) -> list[tuple[str, bool]]:
    return [(event.priority, event.active) for event in alarms_told(bench, name)]


def priority(bench: Bench) -> str:
    return bench.pump.alarms().active[0].priority


def test_a_medium_alarm_that_nobody_attends_to_becomes_high(bench: Bench):
    heard_s = complete_an_infusion(bench)
    bench.sleep(heard_s + escalate_s(bench) - 1.0 - bench.now())
    assert priority(bench) == "medium"
    bench.sleep(1.0 + LATE_S)
    (alarm,) = bench.pump.alarms().active
    assert (alarm.priority, alarm.escalated, alarm.acknowledged) == ("high", True, False)
    assert told(bench, "infusion_complete") == [("medium", True), ("high", True)]
    red_s = float(bench.trace.edges("lamp_red", True, 0)[0]) / 1e9
    assert red_s - heard_s == pytest.approx(escalate_s(bench), abs=LATE_S)
    bench.sleep(30.0)
    assert [row for row in check(bench.trace, "high", red_s - 0.001, bench.now()) if not row.ok] == []


def test_acknowledging_ends_an_escalation_and_leaves_the_sound(bench: Bench):
    complete_an_infusion(bench)
    bench.sleep(escalate_s(bench) + LATE_S)
    assert priority(bench) == "high"
    assert bench.pump.acknowledge() == 1
    bench.sleep(4.0)  # the burst of HIGH that had begun is finished
    acknowledged_s = bench.now()
    bench.sleep(60.0)
    (alarm,) = bench.pump.alarms().active
    assert (alarm.priority, alarm.escalated, alarm.acknowledged) == ("medium", False, True)
    heard = bursts(pulses(bench.trace, acknowledged_s))
    assert {len(burst) for burst in heard[1:-1]} == {3}
    assert len(heard) >= 5


def test_an_acknowledged_alarm_does_not_escalate(bench: Bench):
    complete_an_infusion(bench)
    bench.pump.acknowledge()
    bench.sleep(5 * escalate_s(bench))
    assert priority(bench) == "medium"


def test_acknowledging_nothing_is_told(bench: Bench):
    assert bench.pump.acknowledge() == 0


def test_a_pause_postpones_escalation_and_marks_nothing_as_seen(bench: Bench):
    complete_an_infusion(bench)
    bench.sleep(escalate_s(bench) - 10.0)
    assert bench.pump.silence() == 120_000
    (alarm,) = bench.pump.alarms().active
    assert not alarm.acknowledged
    bench.sleep(120.0 + escalate_s(bench) - 2.0)
    assert priority(bench) == "medium"
    bench.sleep(2.0 + LATE_S)
    assert priority(bench) == "high"


def test_silenced_again_and_again_the_sound_still_comes_back(bench: Bench):
    complete_an_infusion(bench)
    bench.sleep(2.0)
    asked_s = bench.now()
    for _ in range(13):  # 130 s
        bench.pump.silence()
        bench.sleep(10.0)
    sounded = pulses(bench.trace, asked_s)
    assert sounded
    assert sounded[0].start_s - asked_s <= 121.0


def test_silencing_takes_no_time_of_a_caller(bench: Bench):
    complete_an_infusion(bench)
    with pytest.raises(PumpError) as refused:
        bench.pump.command("silence", minutes=10)
    assert (refused.value.code, refused.value.data) == ("extra_parameter", {"parameter": "minutes"})
    assert bench.pump.status().silenced_ms == 0


@pytest.mark.parametrize("word", ["urgent", "HIGH", "", "none"])
def test_a_priority_that_there_is_not_is_refused_by_name(bench: Bench, word: str):
    with pytest.raises(PumpError) as refused:
        bench.pump.alarm_test(word)
    assert refused.value.code == "out_of_range"
    assert refused.value.data == {"parameter": "priority", "choices": ["low", "medium", "high"]}


@pytest.mark.parametrize("word", ["highest", "MEDIUM", ""])
def test_an_occlusion_level_that_there_is_not_is_refused_by_name(bench: Bench, word: str):
    with pytest.raises(PumpError) as refused:
        bench.pump.occlusion_level(word)
    assert refused.value.code == "out_of_range"
    assert refused.value.data == {"parameter": "level", "choices": ["low", "medium", "high"]}


# ---- the reminder ----


def pause_an_infusion(bench: Bench) -> float:
    bench.pump.start(100_000)
    bench.sleep(1.0)
    bench.pump.pause()
    return bench.now()


def test_an_infusion_that_is_paused_for_15_minutes_reminds_of_itself(bench: Bench):
    paused_s = pause_an_infusion(bench)
    bench.sleep(SUSPENDED_S - 1.0)
    assert told(bench, "suspended_reminder") == []
    bench.sleep(1.0 + LATE_S)
    assert told(bench, "suspended_reminder") == [("medium", True)]
    sounded = pulses(bench.trace, paused_s)
    assert sounded[0].start_s - paused_s == pytest.approx(SUSPENDED_S, abs=LATE_S)
    assert flashes(bench.trace, "lamp_yellow", sounded[0].start_s, bench.now()).duty > 0
    assert bench.pump.resume() == "infusing"
    bench.sleep(0.1)
    assert told(bench, "suspended_reminder") == [("medium", True), ("medium", False)]


def test_a_command_begins_the_15_minutes_anew_and_a_query_does_not(bench: Bench):
    pause_an_infusion(bench)
    bench.sleep(600.0)
    bench.pump.set_rate(120_000)
    set_s = bench.now()
    bench.sleep(600.0)
    bench.pump.status()
    bench.pump.telemetry(hz=1)
    bench.sleep(set_s + SUSPENDED_S - 1.0 - bench.now())
    assert told(bench, "suspended_reminder") == []
    bench.sleep(1.0 + LATE_S)
    assert told(bench, "suspended_reminder") == [("medium", True)]


def test_the_reminder_comes_again_15_minutes_after_somebody_acknowledged_it(bench: Bench):
    pause_an_infusion(bench)
    bench.sleep(SUSPENDED_S + LATE_S)
    bench.pump.acknowledge()
    bench.sleep(SUSPENDED_S - 5.0)
    assert [active for _, active in told(bench, "suspended_reminder")] == [True, False]
    bench.sleep(5.0 + LATE_S)
    assert [active for _, active in told(bench, "suspended_reminder")] == [True, False, True]


def test_a_reminder_that_nobody_heeds_escalates(bench: Bench):
    pause_an_infusion(bench)
    bench.sleep(SUSPENDED_S + escalate_s(bench) + 2 * LATE_S)
    assert told(bench, "suspended_reminder") == [("medium", True), ("high", True)]
    assert isinstance(bench.pump.events[-1], AlarmEvent)


# ---- service left open ----


@pytest.mark.needs("reset")
def test_a_service_that_nobody_uses_ends_after_15_minutes(bench: Bench):
    boot = bench.pump.boot
    enter_repl(bench)
    bench.sleep(898.0)
    assert not [event for event in bench.pump.events if isinstance(event, Ready) and event.boot != boot]
    bench.sleep(5.0)
    bench.pump.reconnect(after_reset=True)
    assert bench.pump.boot != boot
    assert bench.pump.status().state == "idle"


@pytest.mark.needs("reset")
def test_a_service_that_somebody_uses_stays(bench: Bench):
    enter_repl(bench)
    assert run_in_repl(bench, "print(6 * 7)") == "42"
    bench.sleep(2000.0)
    assert run_in_repl(bench, "print(6 * 8)") == "48"
