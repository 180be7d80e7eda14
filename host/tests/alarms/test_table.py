"""The table of alarms as people read it: complete, up to date, and what the supervisor really does."""

import importlib
import sys
import types
from pathlib import Path

import pytest

from picoinfuse.alarms.table import alarm_rows, markdown
from picoinfuse.alarms.texts import TEXTS
from picoinfuse.cli import main

if "micropython" not in sys.modules:  # for the firmware's modules, as in firmware/tests/conftest.py
    _module = types.ModuleType("micropython")
    vars(_module)["const"] = lambda value: value
    sys.modules["micropython"] = _module

ROWS = {row.name: row for row in alarm_rows()}
PAGE = Path(__file__).parents[3] / "docs" / "alarms.md"


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "firmware"))
    names = ("pump.core.alarms.table", "pump.core.alarms.manager", "pump.core.supervisor")
    return tuple(importlib.import_module(name) for name in names)


def test_every_alarm_has_its_texts_and_no_text_is_without_an_alarm(core) -> None:
    alarms, _, _ = core
    assert {row[0] for row in alarms.ALARMS} == set(TEXTS) == set(ROWS)
    for text, action in TEXTS.values():
        assert text
        assert action.endswith(".")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_highest_priority_comes_first() -> None:
    order = [("high", "medium", "low").index(row.priority) for row in alarm_rows()]
    assert order == sorted(order)


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["alarms", "--markdown"])
    assert capsys.readouterr().out == markdown()


# How each state is reached, by events of the supervisor from its beginning.
PATHS = {
    "self_test": (),
    "idle": ("TEST_PASSED",),
    "infusing": ("TEST_PASSED", "START"),
    "paused": ("TEST_PASSED", "START", "PAUSE"),
    "alarm_stopped": ("TEST_PASSED", "ALARM_STOP"),
    "fault": ("FAULT_FOUND",),
    "service": ("TEST_PASSED", "SERVICE_ASKED"),
}


@pytest.mark.parametrize("state", PATHS)
@pytest.mark.parametrize("name", ROWS)
def test_delivery_is_what_the_table_says_in_every_state(core, state: str, name: str) -> None:
    _, alarm_manager, sv = core
    supervisor = sv.Supervisor(lambda *change: None)
    for event in PATHS[state]:
        assert supervisor.handle(getattr(sv, event), 0)
    assert sv.STATES[supervisor.state] == state
    flowed = supervisor.permits_motor
    manager = alarm_manager.AlarmManager(lambda *what: None)
    manager.raise_alarm(name, 0)
    if manager.stops_delivery():  # as App.obey_alarms
        supervisor.handle(sv.ALARM_STOP, 0)
    follows = sv.STATES[supervisor.state]
    effect = "falls to KVO" if manager.keeps_open() else "continues"
    seen = "none" if not flowed else effect if supervisor.permits_motor else "stops"
    if follows != state:
        seen += f"; `{follows}`"
    if state == "self_test" and manager.stops_delivery():
        supervisor.handle(sv.TEST_PASSED, 0)
        supervisor.handle(sv.ALARM_STOP, 0)
        seen += f"; `{sv.STATES[supervisor.state]}` after the test"
    assert ROWS[name].in_state[state] == seen


def test_the_table_has_every_state(core) -> None:
    _, _, sv = core
    assert set(PATHS) == set(sv.STATES)
    assert all(set(row.in_state) == set(sv.STATES) for row in ROWS.values())
