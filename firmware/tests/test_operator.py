"""What a person can do at the pump, with the parts that it acts on replaced by recorders."""

import types

import pytest

from pump import operator as module
from pump.core.alarms.manager import AlarmManager
from pump.core.supervisor import INFUSING, PAUSED, START, TEST_PASSED, Supervisor
from pump.link.schema import Refused
from pump.operator import Operator


class Pump:
    def __init__(self, monkeypatch, therapy=None):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(ticks_ms=lambda: 5))
        self.calls = []
        note = lambda name: lambda *what: self.calls.append(name)  # noqa: E731
        self.alarms = AlarmManager(lambda *what: None)
        self.supervisor = Supervisor(lambda *what: None)
        reminder = types.SimpleNamespace(note_user_activity=note("activity"))
        confirmation = types.SimpleNamespace(void=note("void"))
        recovery = types.SimpleNamespace(cancel_restart=note("cancel_restart"))
        self.operator = Operator(
            self.supervisor, self.alarms, None, reminder, confirmation, note("wake"), therapy, recovery
        )

    def infuse(self):
        self.supervisor.handle(TEST_PASSED, 0)
        self.supervisor.handle(START, 0)
        assert self.supervisor.state == INFUSING


@pytest.fixture
def pump(monkeypatch):
    return Pump(monkeypatch)


def test_a_stop_ends_the_proposal_and_the_restart_that_wait(pump):
    pump.infuse()
    assert pump.operator.stop() == {"state": "idle"}
    assert pump.calls == ["void", "cancel_restart", "activity"]


def test_a_pause_is_taken_while_infusing_and_refused_while_idle(pump):
    with pytest.raises(Refused, match="pause is refused while self_test"):
        pump.operator.pause()
    pump.infuse()
    pump.operator.pause()
    assert pump.supervisor.state == PAUSED


def test_the_silence_button_silences_and_then_sounds_again(pump):
    pump.alarms.raise_alarm("occlusion", 0)
    pump.operator.toggle_silence()
    assert pump.alarms.silenced
    pump.operator.toggle_silence()
    assert not pump.alarms.silenced
    assert pump.calls == ["activity", "wake", "wake"]


def test_clear_leaves_an_alarm_that_is_present(pump):
    pump.supervisor.handle(TEST_PASSED, 0)
    pump.alarms.raise_alarm("occlusion", 0)
    pump.alarms.raise_alarm("task_overrun", 0)
    pump.alarms.condition_gone("task_overrun", 0)
    assert pump.operator.clear_alarms()["alarms"] == ["occlusion"]
    assert pump.operator.acknowledge() == {"acknowledged": 1}


def test_a_bolus_request_says_why_it_is_not_given(monkeypatch):
    assert Pump(monkeypatch).operator.request_bolus() == {"given": False, "why": "not_infusing"}
    therapy = types.SimpleNamespace(request_bolus=lambda now_ms: None)
    assert Pump(monkeypatch, therapy).operator.request_bolus() == {"given": True, "why": None}
