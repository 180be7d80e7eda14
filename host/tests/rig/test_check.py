"""`picoinfuse rig check` drives each line of a rig around the board in software, and names the one that is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.rig.checks import ABSENT, CHECKS, OK, WRONG, Finding, check
from picoinfuse.rig.desk import Desk
from picoinfuse.rig.file import Rig
from picoinfuse.rig.schema import CONVERTERS, LINES
from picoinfuse.rig.stimuli import AdapterMissing, Stimuli

from .stub_rig import PROFILE, RIG, StubRig

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def bench() -> Iterator[StubBench]:
    with StubBench(PROFILE) as bench:
        bench.pump.timeout_s = 0.3
        yield bench


def found(bench: StubBench, rig_file: Rig = RIG) -> list[Finding]:
    with Stimuli(rig_file) as stimuli:
        return list(check(Desk(rig_file, PROFILE, bench.pump, stimuli, bench.sleep)))


def test_a_rig_that_is_wired_right_is_all_right(bench: StubBench, monkeypatch: pytest.MonkeyPatch) -> None:
    StubRig(bench, monkeypatch)
    assert {finding.line: finding.outcome for finding in found(bench)} == dict.fromkeys((r.line for r in CHECKS), OK)
    assert bench.pump.status().state == "idle"


def test_every_wire_has_a_check() -> None:
    """But sensor_switch, without which the check of sensor_dac finds the sensor."""
    assert {row.line for row in CHECKS} == {"pump"} | (LINES.keys() | CONVERTERS.keys()) - {"sensor_switch"}


# (line, what is wrong with its wire, the finding's line, what is told)
FAULTS = [
    ("valve", "open", "valve", "valve line toggles, pressure does not follow"),
    ("valve", "inverted", "valve", "valve line toggles, pressure does not follow"),
    ("valve", "stuck", "valve", "valve line toggles, pressure does not follow"),
    ("supply_off", "open", "supply_off", "it answers without its supply"),
    ("supply_off", "stuck", "pump", "the pump is silent while every line is inactive"),
    ("supply_off", "inverted", "pump", "supply_off is the wrong way round"),
    ("run", "open", "run", "run toggles, the pump does not reset"),
    ("run", "inverted", "pump", "run is the wrong way round"),
    ("bootsel", "open", "bootsel", "its firmware starts as if nobody held it"),
    ("button_stop", "open", "button_stop", "button_stop toggles, the pump does not stop: the infusion goes on"),
    ("button_stop", "stuck", "button_stop", "its self-test failed at buttons"),
    ("button_request", "open", "button_request", "it knows of no request"),
    ("sensor_switch", "open", "sensor_dac", "pressure does not follow"),
    ("sensor_dac", "open", "sensor_dac", "which are 38 mmHg, and it reads"),
    ("battery_dac", "open", "battery_dac", "the battery's does not follow"),
]


@pytest.mark.parametrize(("line", "fault", "where", "told"), FAULTS)
def test_a_wire_that_is_wrong_is_named(
    bench: StubBench, monkeypatch: pytest.MonkeyPatch, line: str, fault: str, where: str, told: str
) -> None:
    StubRig(bench, monkeypatch, line, fault)
    wrong = [finding for finding in found(bench) if finding.outcome == WRONG]
    assert wrong[0].line == where
    assert told in wrong[0].told
    assert [finding.line for finding in wrong] == [where]


def test_a_converter_that_is_not_on_the_bus_is_refused_before_anything_is_driven(
    bench: StubBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    StubRig(bench, monkeypatch, "sensor_dac", "absent")
    with pytest.raises(AdapterMissing, match=r"ft232h\.toml:10: the adapter ft232h cannot be used: .*0x60"):
        found(bench)


def test_what_the_file_does_not_name_is_not_wired(bench: StubBench, monkeypatch: pytest.MonkeyPatch) -> None:
    StubRig(bench, monkeypatch)
    small = dataclasses.replace(RIG, lines={"valve": RIG.lines["valve"]}, converters={})
    outcomes = {finding.line: finding.outcome for finding in found(bench, small)}
    assert outcomes.pop("pump") == outcomes.pop("valve") == OK
    assert set(outcomes.values()) == {ABSENT}
