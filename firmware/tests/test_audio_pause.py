"""The audio pause: how long, what breaks it, what ends it."""

import pytest

from pump.core.alarms.manager import AlarmManager
from pump.core.units import MASK


@pytest.fixture
def manager():
    return AlarmManager(lambda *what: None)


def test_an_audio_pause_lasts_two_minutes_and_ends_by_itself(manager):
    manager.raise_alarm("occlusion", 0)
    assert manager.silence(1000) == 120_000
    manager.tick(120_999)
    assert manager.silenced
    assert manager.silenced_ms(120_999) == 1
    manager.tick(121_000)
    assert not manager.silenced


def test_asking_again_does_not_prolong_the_pause(manager):
    manager.raise_alarm("occlusion", 0)
    manager.silence(0)
    assert manager.silence(100_000) == 20_000


def test_without_an_alarm_there_is_nothing_to_pause_and_the_next_one_sounds(manager):
    assert manager.silence(0) == 0
    manager.raise_alarm("task_overrun", 1)
    assert not manager.silenced


def test_a_higher_alarm_breaks_through_the_pause(manager):
    manager.raise_alarm("task_overrun", 0)
    manager.silence(1)
    manager.raise_alarm("occlusion", 2)
    assert not manager.silenced


@pytest.mark.parametrize("name", ["sensor_open", "task_overrun"])
def test_an_equal_or_lower_alarm_does_not_break_through(manager, name):
    manager.raise_alarm("occlusion", 0)
    manager.silence(1)
    manager.raise_alarm(name, 2)
    assert manager.silenced


def test_the_pause_counts_against_the_alarms_that_are_left(manager):
    manager.raise_alarm("task_overrun", 0)
    manager.raise_alarm("occlusion", 0)
    manager.silence(1)
    manager.condition_gone("occlusion", 2)
    manager.clear(2)
    assert manager.silenced
    manager.raise_alarm("sensor_open", 3)  # higher than the task_overrun that is left
    assert not manager.silenced


def test_the_pause_ends_with_the_last_alarm(manager):
    manager.raise_alarm("suspended_reminder", 0)
    manager.silence(1)
    manager.condition_gone("suspended_reminder", 2)
    manager.raise_alarm("suspended_reminder", 3)
    assert not manager.silenced


def test_the_pause_is_right_across_a_wrap_of_the_clock(manager):
    manager.raise_alarm("occlusion", MASK)
    manager.silence(MASK)
    manager.tick(119_998)  # 119 999 ms later
    assert manager.silenced_ms(119_998) == 1
    manager.tick(119_999)
    assert not manager.silenced
