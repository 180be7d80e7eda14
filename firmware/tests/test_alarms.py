"""The alarm table against the rules it must keep, and the manager against a model of a few lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.alarms import table as al
from pump.core.alarms.manager import AlarmManager
from pump.core.units import MASK

NAMES = [row[0] for row in al.ALARMS]


@pytest.fixture
def reports():
    return []


@pytest.fixture
def manager(reports):
    return AlarmManager(lambda *what: reports.append(what))


def names(found):
    return [alarm.name for alarm in found]


# The table


def test_every_alarm_has_a_priority_an_effect_and_a_way_to_end():
    assert len(set(NAMES)) == len(NAMES)
    for name, priority, effect, latching in al.ALARMS:
        assert name == name.lower()
        assert priority in (al.LOW, al.MEDIUM, al.HIGH)
        assert effect in (al.GO_ON, al.KEEPS_VEIN_OPEN, al.STOPS_DELIVERY)
        assert latching in (al.PASSES, al.LATCHES, al.UNTIL_RESET)


def test_what_stops_delivery_is_high_and_never_ends_on_its_own():
    for name, priority, effect, latching in al.ALARMS:
        if effect == al.STOPS_DELIVERY:
            assert priority == al.HIGH, name
            assert latching != al.PASSES, name


def test_occlusion_and_every_sensor_fault_stop_delivery_with_high_priority():
    for name in ("occlusion", "sensor_open", "sensor_short", "sensor_frozen", "sensor_stale", "motor_fault"):
        row = al.ALARMS[NAMES.index(name)]
        assert row[1:4] == (al.HIGH, al.STOPS_DELIVERY, al.LATCHES)


def test_faults_of_the_pump_itself_last_until_a_reset():
    until_reset = {row[0] for row in al.ALARMS if row[3] == al.UNTIL_RESET}
    assert until_reset >= {"system_fault", "piezo_fault", "profile_fault", "calibration_fault"}


# Raise, end, clear


def test_an_alarm_is_reported_once_however_often_its_condition_is_seen(manager, reports):
    for now_ms in (10, 20, 30):
        manager.raise_alarm("occlusion", now_ms)
    assert reports == [("occlusion", "high", True, 1, 10)]
    assert manager.stops_delivery()


def test_one_that_passes_ends_with_its_condition(manager, reports):
    manager.raise_alarm("suspended_reminder", 0)
    manager.condition_gone("suspended_reminder", 5)
    assert reports == [
        ("suspended_reminder", "medium", True, 1, 0),
        ("suspended_reminder", "medium", False, 2, 5),
    ]
    assert manager.highest() is None


def test_one_that_latches_stays_until_it_is_cleared(manager, reports):
    manager.raise_alarm("occlusion", 0)
    manager.condition_gone("occlusion", 5)
    assert manager.stops_delivery()
    assert manager.highest().is_latched()
    manager.clear(9)
    assert not manager.stops_delivery()
    assert reports[-1] == ("occlusion", "high", False, 2, 9)


def test_a_clear_keeps_what_is_still_present(manager):
    manager.raise_alarm("occlusion", 0)
    manager.raise_alarm("sensor_frozen", 0)
    manager.condition_gone("sensor_frozen", 1)
    manager.clear(2)
    assert names(manager.active()) == ["occlusion"]
    assert manager.stops_delivery()


def test_a_system_fault_is_not_cleared_even_when_its_condition_is_gone(manager):
    manager.raise_alarm("system_fault", 0)
    manager.condition_gone("system_fault", 1)
    manager.clear(2)
    assert names(manager.active()) == ["system_fault"]


def test_a_latched_alarm_whose_condition_returns_is_not_reported_again_and_is_not_cleared(manager, reports):
    manager.raise_alarm("occlusion", 0)
    manager.condition_gone("occlusion", 1)
    manager.raise_alarm("occlusion", 2)
    manager.clear(3)
    assert names(manager.active()) == ["occlusion"]
    assert len(reports) == 1


def test_the_end_of_a_condition_that_never_was_changes_nothing(manager, reports):
    manager.condition_gone("occlusion", 0)
    manager.clear(0)
    assert reports == []


# Who owns sound and light


def test_the_highest_priority_owns_and_the_older_one_among_equals(manager):
    manager.raise_alarm("task_overrun", 0)
    manager.raise_alarm("sensor_open", 1)
    manager.raise_alarm("occlusion", 2)  # first in the table, younger
    assert manager.highest().name == "sensor_open"
    assert names(manager.active()) == ["sensor_open", "occlusion", "task_overrun"]


def test_age_is_right_across_a_wrap_of_the_change_counter(manager):
    manager.seq = MASK - 1
    manager.raise_alarm("sensor_open", 0)  # seq 2**30 - 1
    manager.raise_alarm("occlusion", 0)  # seq 0
    assert manager.seq == 0
    assert names(manager.active()) == ["sensor_open", "occlusion"]


# Against a model

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["raise_alarm", "condition_gone"]), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from(["clear", "silence", "acknowledge", "tick"]), st.none()),
    ),
    max_size=60,
)


@given(OPERATIONS, st.lists(st.integers(0, 90_000), min_size=60, max_size=60))
def test_the_manager_does_what_a_plain_model_does(operations, pauses):
    shown = []  # what a host knows from notifications alone
    rows = {row[0]: row for row in al.ALARMS}
    present, active, silent_until = set(), [], None  # active: oldest first

    def notify(name, priority, is_active, seq, now_ms):
        assert priority == al.PRIORITIES[rows[name][1]]  # without escalation: this manager's never comes
        assert (name in shown) != is_active
        shown.append(name) if is_active else shown.remove(name)

    manager = AlarmManager(notify, 10**9)
    now_ms = 0
    for (operation, name), pause in zip(operations, pauses, strict=False):
        now_ms += pause
        top = max((rows[n][1] for n in active), default=0)
        getattr(manager, operation)(*([name] if name else []), now_ms)
        if operation == "raise_alarm":
            if name not in active:
                active.append(name)
                if rows[name][1] > top:
                    silent_until = None
            present.add(name)
        elif operation == "condition_gone":
            present.discard(name)
            if name in active and rows[name][3] == al.PASSES:
                active.remove(name)
        elif operation == "clear":
            active = [n for n in active if n in present or rows[n][3] != al.LATCHES]
        elif operation == "silence" and active and silent_until is None:
            silent_until = now_ms + 120_000
        elif operation == "tick" and silent_until is not None and now_ms >= silent_until:
            silent_until = None
        if not active:
            silent_until = None

        ordered = sorted(active, key=lambda n: -rows[n][1])  # sorted is stable: age stays
        assert names(manager.active()) == ordered
        assert (manager.highest().name if ordered else manager.highest()) == (ordered[0] if ordered else None)
        assert manager.stops_delivery() == any(rows[n][2] == al.STOPS_DELIVERY for n in active)
        assert manager.silenced == (silent_until is not None)
        assert sorted(shown) == sorted(active)
