"""How often a pump goes on after the same alarm."""

import pytest

from pump.core.occlusion.restarts import _WINDOW_MS, Restarts
from pump.core.units import MASK


@pytest.mark.parametrize("start_ms", [0, MASK - 300_000])
def test_the_third_stop_by_the_same_alarm_in_ten_minutes_is_for_good(start_ms):
    restarts = Restarts(0)
    times_ms = [start_ms, start_ms + 200_000, start_ms + _WINDOW_MS - 1]
    assert [restarts.stopped_by("occlusion", t & MASK) for t in times_ms] == [False, False, True]


def test_a_third_stop_after_ten_minutes_is_not():
    restarts = Restarts(0)
    assert [restarts.stopped_by("occlusion", t) for t in (0, 1_000, _WINDOW_MS)] == [False] * 3


def test_other_alarms_do_not_count():
    restarts = Restarts(0)
    names = ("occlusion", "sensor_open", "occlusion", "sensor_open", "motor_fault")
    assert [restarts.stopped_by(name, 1_000 * i) for i, name in enumerate(names)] == [False] * 5


@pytest.mark.parametrize("allowed", [0, 1, 9])
def test_it_restarts_as_often_as_the_profile_allows_in_any_ten_minutes(allowed):
    restarts = Restarts(allowed)
    for k in range(allowed):
        assert restarts.may_restart()
        restarts.restarted(1_000 * k)
    assert not restarts.may_restart()
    restarts.forget_old(_WINDOW_MS)  # the first is ten minutes old now
    assert restarts.may_restart() == (allowed > 0)


def test_nine_restarts_do_not_push_a_stop_out_of_memory():
    restarts = Restarts(9)
    restarts.stopped_by("occlusion", 0)
    restarts.stopped_by("occlusion", 1)
    for k in range(9):
        restarts.restarted(k + 2)
    assert restarts.stopped_by("occlusion", 100)
