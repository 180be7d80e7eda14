"""Escalation of an unattended alarm; acknowledge, silence and clear; the reminder of a paused infusion."""

from __future__ import annotations

import pytest

from hil_tests.expect import BOOT_S, alarms_reported
from picoinfuse.analysis.alarm_timing import bursts, check, flashes, pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.client.notifications import AlarmEvent, Ready
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("ALM-5"), pytest.mark.needs("capture", "virtual_time")]

MAX_UL_H = 1_200_000
LATE_S = 1.1  # the annunciator checks every second
SUSPENDED_S = 900.0


def complete_an_infusion(bench: Bench, measure: Measure) -> float:
    """A MEDIUM alarm. Returns when it was first heard."""
    bench.pump.start(MAX_UL_H, vtbi_nl=500_000)
    bench.sleep(3.0)
    measure("active alarms", tuple(bench.pump.active_alarms), equal=("infusion_complete",))
    return pulses(bench.trace, BOOT_S)[0].start_s


def escalate_s(bench: Bench) -> float:
    return bench.profile.compiled()["alarms"]["escalate_ms"] / 1000


def reported(bench: Bench, name: str) -> list[tuple[str, bool]]:
    return [(event.priority, event.active) for event in alarms_reported(bench, name)]


def priority(bench: Bench) -> str:
    return bench.pump.alarms().active[0].priority


def test_an_unattended_medium_alarm_becomes_high(bench: Bench, measure: Measure):
    heard_s = complete_an_infusion(bench, measure)
    bench.sleep(heard_s + escalate_s(bench) - 1.0 - bench.now())
    measure("priority before", priority(bench), equal="medium")
    bench.sleep(1.0 + LATE_S)
    (alarm,) = bench.pump.alarms().active
    measure("priority", alarm.priority, equal="high")
    measure("escalated", alarm.escalated, equal=True)
    measure("acknowledged", alarm.acknowledged, equal=False)
    measure(
        "what was reported of the alarm", reported(bench, "infusion_complete"), equal=[("medium", True), ("high", True)]
    )
    red_s = float(bench.trace.edges("lamp_red", True, 0)[0]) / 1e9
    measure("from the first sound to the red lamp", red_s - heard_s, unit="s", near=escalate_s(bench), by=LATE_S)
    bench.sleep(30.0)
    measure(
        "limits of the standard that are not kept",
        [row for row in check(bench.trace, "high", red_s - 0.001, bench.now()) if not row.ok],
        equal=[],
    )


def test_acknowledging_ends_an_escalation_and_leaves_the_sound(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    bench.sleep(escalate_s(bench) + LATE_S)
    measure("priority", priority(bench), equal="high")
    measure("acknowledge", bench.pump.acknowledge(), equal=1)
    bench.sleep(4.0)  # the HIGH burst in progress is finished
    acknowledged_s = bench.now()
    bench.sleep(60.0)
    (alarm,) = bench.pump.alarms().active
    measure("priority", alarm.priority, equal="medium")
    measure("escalated", alarm.escalated, equal=False)
    measure("acknowledged", alarm.acknowledged, equal=True)
    heard = bursts(pulses(bench.trace, acknowledged_s))
    measure("pulses of each burst", {len(burst) for burst in heard[1:-1]}, equal={3})
    measure("bursts heard", len(heard), at_least=5)


def test_an_acknowledged_alarm_does_not_escalate(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    bench.pump.acknowledge()
    bench.sleep(5 * escalate_s(bench))
    measure("priority", priority(bench), equal="medium")


def test_acknowledge_without_an_alarm_reports_zero(bench: Bench, measure: Measure):
    measure("acknowledge", bench.pump.acknowledge(), equal=0)


def test_an_audio_pause_postpones_escalation_and_acknowledges_nothing(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    bench.sleep(escalate_s(bench) - 10.0)
    measure("pause", bench.pump.silence(), equal=120_000)
    (alarm,) = bench.pump.alarms().active
    assert not alarm.acknowledged
    bench.sleep(120.0 + escalate_s(bench) - 2.0)
    measure("priority", priority(bench), equal="medium")
    bench.sleep(2.0 + LATE_S)
    measure("priority", priority(bench), equal="high")


def test_repeated_silencing_does_not_extend_the_pause(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    bench.sleep(2.0)
    asked_s = bench.now()
    for _ in range(13):  # 130 s
        bench.pump.silence()
        bench.sleep(10.0)
    sounded = pulses(bench.trace, asked_s)
    assert sounded
    measure("from the request to the sound", sounded[0].start_s - asked_s, unit="s", at_most=121.0)


def test_silencing_delays_no_escalation_of_a_new_alarm(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    with pytest.raises(PumpError) as refused:
        bench.pump.call("silence", minutes=10)
    measure("refused with", refused.value.code, equal="extra_parameter")
    measure("data of the refusal", refused.value.data, equal={"parameter": "minutes"})
    measure("pause left", bench.pump.status().silenced_ms, unit="ms", equal=0)


@pytest.mark.parametrize("word", ["urgent", "HIGH", "", "none"])
def test_an_unknown_priority_is_refused_by_name(bench: Bench, measure: Measure, word: str):
    with pytest.raises(PumpError) as refused:
        bench.pump.alarm_test(word)
    measure("refused with", refused.value.code, equal="out_of_range")
    measure(
        "data of the refusal", refused.value.data, equal={"parameter": "priority", "choices": ["low", "medium", "high"]}
    )


@pytest.mark.parametrize("word", ["highest", "MEDIUM", ""])
def test_an_unknown_occlusion_level_is_refused_by_name(bench: Bench, measure: Measure, word: str):
    with pytest.raises(PumpError) as refused:
        bench.pump.occlusion_level(word)
    measure("refused with", refused.value.code, equal="out_of_range")
    measure(
        "data of the refusal", refused.value.data, equal={"parameter": "level", "choices": ["low", "medium", "high"]}
    )


# ---- the reminder ----


def pause_an_infusion(bench: Bench) -> float:
    bench.pump.start(100_000)
    bench.sleep(1.0)
    bench.pump.pause()
    return bench.now()


def test_a_reminder_sounds_when_an_infusion_is_paused_for_15_minutes(bench: Bench, measure: Measure):
    paused_s = pause_an_infusion(bench)
    bench.sleep(SUSPENDED_S - 1.0)
    measure("reminders reported", reported(bench, "suspended_reminder"), equal=[])
    bench.sleep(1.0 + LATE_S)
    measure("reminders reported", reported(bench, "suspended_reminder"), equal=[("medium", True)])
    sounded = pulses(bench.trace, paused_s)
    measure("from the pause to the reminder", sounded[0].start_s - paused_s, unit="s", near=SUSPENDED_S, by=LATE_S)
    measure(
        "duty of the yellow lamp", flashes(bench.trace, "lamp_yellow", sounded[0].start_s, bench.now()).duty, above=0
    )
    measure("state", bench.pump.resume(), equal="infusing")
    bench.sleep(0.1)
    measure("reminders reported", reported(bench, "suspended_reminder"), equal=[("medium", True), ("medium", False)])


def test_a_command_restarts_the_15_minutes_and_a_query_does_not(bench: Bench, measure: Measure):
    pause_an_infusion(bench)
    bench.sleep(600.0)
    bench.pump.set_rate(120_000)
    set_s = bench.now()
    bench.sleep(600.0)
    bench.pump.status()
    bench.pump.telemetry(hz=1)
    bench.sleep(set_s + SUSPENDED_S - 1.0 - bench.now())
    measure("reminders reported", reported(bench, "suspended_reminder"), equal=[])
    bench.sleep(1.0 + LATE_S)
    measure("reminders reported", reported(bench, "suspended_reminder"), equal=[("medium", True)])


def test_the_reminder_repeats_15_minutes_after_it_was_acknowledged(bench: Bench, measure: Measure):
    pause_an_infusion(bench)
    bench.sleep(SUSPENDED_S + LATE_S)
    bench.pump.acknowledge()
    bench.sleep(SUSPENDED_S - 5.0)
    measure(
        "reminders that came and went",
        [active for _, active in reported(bench, "suspended_reminder")],
        equal=[True, False],
    )
    bench.sleep(5.0 + LATE_S)
    measure(
        "reminders that came and went",
        [active for _, active in reported(bench, "suspended_reminder")],
        equal=[True, False, True],
    )


def test_an_unattended_reminder_escalates(bench: Bench, measure: Measure):
    pause_an_infusion(bench)
    bench.sleep(SUSPENDED_S + escalate_s(bench) + 2 * LATE_S)
    measure("reminders reported", reported(bench, "suspended_reminder"), equal=[("medium", True), ("high", True)])
    assert isinstance(bench.pump.events[-1], AlarmEvent)


# ---- service left open ----


@pytest.mark.needs("reset")
def test_service_without_a_keystroke_ends_after_15_minutes(bench: Bench, measure: Measure):
    boot = bench.pump.boot
    enter_repl(bench)
    bench.sleep(898.0)
    assert not [event for event in bench.pump.events if isinstance(event, Ready) and event.boot != boot]
    bench.sleep(5.0)
    bench.pump.reconnect(after_reset=True)
    assert bench.pump.boot != boot
    measure("state", bench.pump.status().state, equal="idle")


@pytest.mark.needs("reset")
def test_service_in_use_does_not_end(bench: Bench, measure: Measure):
    enter_repl(bench)
    measure("the REPL answers", run_in_repl(bench, "print(6 * 7)"), equal="42")
    bench.sleep(2000.0)
    measure("the REPL answers", run_in_repl(bench, "print(6 * 8)"), equal="48")
