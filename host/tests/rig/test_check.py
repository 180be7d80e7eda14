"""`picoinfuse rig check` drives each line of a rig around the board in software, and names the one that is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.rig.checks import ABSENT, CHECKS, OK, WRONG, Finding, check
from picoinfuse.rig.file import Rig
from picoinfuse.rig.hardware import CONVERTERS, LINES
from picoinfuse.rig.stimuli import AdapterMissing, Stimuli
from picoinfuse.rig.wiring_check import Desk
from picoinfuse.trace.trace import WIRES, Trace

from .stub_rig import PROFILE, RIG, StubRig

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def bench() -> Iterator[StubBench]:
    with StubBench(PROFILE) as bench:
        bench.pump.timeout_s = 0.3
        yield bench


class Instrument:
    """Sees the edges of the board in software, but for the wire `off`, which is low to it."""

    def __init__(self, bench: StubBench, off: str = "") -> None:
        self._bench = bench
        self._off = off
        self._trace = Trace()
        self._began_ns = 0

    def start(self) -> None:
        pass

    def begin(self, trace: Trace) -> None:
        self._trace, self._began_ns = trace, self._bench.trace.end_ns

    def now(self) -> float:
        return (self._bench.trace.end_ns - self._began_ns) / 1e9

    def catch_up(self) -> None:
        for wire in set(WIRES) - {self._off}:
            self._trace.level(wire, 0, self._bench.trace.level_at(wire, self._began_ns))
            for t_ns, level in zip(*self._bench.trace.transitions(wire, self._began_ns + 1), strict=True):
                self._trace.level(wire, int(t_ns) - self._began_ns, int(level))

    def close(self) -> None:
        pass


def found(bench: StubBench, rig_file: Rig = RIG, off: str = "") -> list[Finding]:
    with Stimuli(rig_file) as stimuli:
        capture = None if rig_file.instrument is None else Instrument(bench, off)
        return list(check(Desk(rig_file, PROFILE, bench.pump, stimuli, bench.sleep, capture)))


@pytest.mark.parametrize("wire", WIRES)
def test_a_wire_to_the_instrument_that_is_off_is_named(
    bench: StubBench, monkeypatch: pytest.MonkeyPatch, wire: str
) -> None:
    StubRig(bench, monkeypatch)
    bare = dataclasses.replace(RIG, lines={}, converters={})
    (wrong,) = (finding for finding in found(bench, bare, off=wire) if finding.outcome == WRONG)
    assert wrong.line == wire
    assert f"the wire {wire} does not" in wrong.told


def test_a_rig_that_is_wired_right_is_all_right(bench: StubBench, monkeypatch: pytest.MonkeyPatch) -> None:
    StubRig(bench, monkeypatch)
    assert {finding.line: finding.outcome for finding in found(bench)} == dict.fromkeys((r.line for r in CHECKS), OK)
    assert bench.pump.status().state == "idle"


def test_every_wire_has_a_check() -> None:
    """But sensor_switch, without which the check of sensor_dac finds the sensor."""
    assert {row.line for row in CHECKS} == {"pump", *WIRES} | (LINES.keys() | CONVERTERS.keys()) - {"sensor_switch"}


# (line, fault of its wire, line of the finding, message)
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
    with pytest.raises(AdapterMissing, match=r"ft232h\.toml:11: the adapter ft232h cannot be used: .*0x60"):
        found(bench)


def test_what_the_file_does_not_name_is_not_wired(bench: StubBench, monkeypatch: pytest.MonkeyPatch) -> None:
    StubRig(bench, monkeypatch)
    small = dataclasses.replace(RIG, lines={"valve": RIG.lines["valve"]}, converters={}, instrument=None)
    outcomes = {finding.line: finding.outcome for finding in found(bench, small)}
    assert outcomes.pop("pump") == outcomes.pop("valve") == OK
    assert set(outcomes.values()) == {ABSENT}
