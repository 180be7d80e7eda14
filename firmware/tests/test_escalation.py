"""Acknowledged and unattended alarms."""

import pytest

from pump.core.alarms import table as al
from pump.core.alarms.manager import _AUDIO_PAUSE_MS, AlarmManager
from pump.core.units import MASK

ESCALATE_MS = 90_000


@pytest.fixture
def reports():
    return []


@pytest.fixture
def manager(reports):
    return AlarmManager(lambda *what: reports.append(what))


@pytest.fixture
def patient(reports):
    """A manager that escalates after 90 s: not the length of an audio pause."""
    return AlarmManager(lambda *what: reports.append(what), ESCALATE_MS)


def test_an_acknowledgement_marks_what_is_active_and_nothing_that_comes_later_and_leaves_the_sound(manager):
    manager.raise_alarm("occlusion", 0)
    assert manager.acknowledge(1) == 1
    manager.raise_alarm("sensor_open", 2)
    assert [alarm.acknowledged for alarm in manager.active()] == [True, False]
    assert not manager.silenced


def test_a_pause_marks_nothing_as_seen(manager):
    manager.raise_alarm("occlusion", 0)
    manager.silence(1)
    assert not manager.highest().acknowledged


def test_an_alarm_that_happens_anew_has_not_been_seen(manager):
    manager.raise_alarm("task_overrun", 0)
    manager.acknowledge(1)
    manager.condition_gone("task_overrun", 2)
    manager.raise_alarm("task_overrun", 3)
    assert not manager.highest().acknowledged


def test_acknowledging_without_an_alarm_is_reported(manager):
    assert manager.acknowledge(0) == 0


def test_an_unattended_medium_alarm_becomes_high(patient, reports):
    patient.raise_alarm("infusion_complete", 0)
    patient.tick(ESCALATE_MS - 1)
    assert patient.highest().priority == al.MEDIUM
    patient.tick(ESCALATE_MS)
    assert patient.highest().priority == al.HIGH
    patient.tick(ESCALATE_MS + 1)
    assert reports == [
        ("infusion_complete", "medium", True, 1, 0),
        ("infusion_complete", "high", True, 2, ESCALATE_MS),
    ]


def test_escalation_stops_nothing(patient):
    patient.raise_alarm("task_overrun", 0)
    patient.tick(ESCALATE_MS)
    assert not patient.stops_delivery()


def test_a_high_alarm_does_not_escalate(patient, reports):
    patient.raise_alarm("occlusion", 0)
    patient.tick(10 * ESCALATE_MS)
    assert len(reports) == 1


def test_acknowledged_it_never_escalates(patient):
    patient.raise_alarm("infusion_complete", 0)
    patient.acknowledge(ESCALATE_MS - 1)
    for now_ms in range(0, 100 * ESCALATE_MS, ESCALATE_MS):
        patient.tick(now_ms)
    assert patient.highest().priority == al.MEDIUM


def test_acknowledged_after_it_has_escalated_it_is_medium_again(patient, reports):
    patient.raise_alarm("infusion_complete", 0)
    patient.tick(ESCALATE_MS)
    patient.acknowledge(ESCALATE_MS + 1)
    assert patient.highest().priority == al.MEDIUM
    assert reports[-1] == ("infusion_complete", "medium", True, 3, ESCALATE_MS + 1)


def test_a_pause_postpones_escalation_by_its_own_length_and_what_it_takes(patient):
    patient.raise_alarm("infusion_complete", 0)
    patient.silence(80_000)
    end_ms = 80_000 + _AUDIO_PAUSE_MS + ESCALATE_MS
    for now_ms in range(80_000, end_ms, 1_000):
        patient.tick(now_ms)
        assert patient.highest().priority == al.MEDIUM
    patient.tick(end_ms)
    assert patient.highest().priority == al.HIGH


def test_a_pause_takes_an_escalation_back(patient):
    patient.raise_alarm("infusion_complete", 0)
    patient.tick(ESCALATE_MS)
    patient.silence(ESCALATE_MS + 1)
    assert patient.highest().priority == al.MEDIUM
    assert patient.silenced


def test_what_comes_during_a_pause_does_not_break_it_by_escalating(patient):
    patient.raise_alarm("infusion_complete", 0)
    patient.silence(0)
    patient.raise_alarm("task_overrun", 10_000)
    patient.tick(110_000)  # 100 s after it came
    assert patient.silenced
    assert [alarm.priority for alarm in patient.active()] == [al.MEDIUM, al.MEDIUM]


def test_an_alarm_that_is_high_of_itself_owns_before_one_that_escalated(patient):
    patient.raise_alarm("infusion_complete", 0)
    patient.tick(ESCALATE_MS)
    patient.raise_alarm("occlusion", ESCALATE_MS + 1)
    assert [alarm.name for alarm in patient.active()] == ["occlusion", "infusion_complete"]
    assert patient.highest().name == "occlusion"


def test_an_escalated_alarm_that_passes_begins_anew_as_medium(patient):
    patient.raise_alarm("suspended_reminder", 0)
    patient.tick(ESCALATE_MS)
    patient.condition_gone("suspended_reminder", ESCALATE_MS + 1)
    patient.raise_alarm("suspended_reminder", ESCALATE_MS + 2)
    assert patient.highest().priority == al.MEDIUM


def test_escalation_is_right_across_a_wrap_of_the_clock(patient):
    patient.raise_alarm("infusion_complete", MASK)
    patient.tick(ESCALATE_MS - 2)
    assert patient.highest().priority == al.MEDIUM
    patient.tick(ESCALATE_MS - 1)
    assert patient.highest().priority == al.HIGH
