"""What a rig's bench puts on its wires and reads from its instrument, with devices that only take it down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from picoinfuse.bench.rig import RigBench
from picoinfuse.bench.serial import NotWired
from picoinfuse.profile import load_profile
from picoinfuse.rig.file import Converter, Line, Rig
from picoinfuse.rig.instrument.recorder import EdgesLost
from picoinfuse.trace.trace import Trace

PROFILE = load_profile("ambulatory-10ml")  # has a battery: 3.0 to 4.2 V at rest, halved at the pin
LINES = {"sensor_switch": Line("C0", False), "valve": Line("C1", False)}
CONVERTERS = {"sensor_dac": Converter(0x60, 3300), "battery_dac": Converter(0x61, 3300)}


class Wires:
    """Stands for `Stimuli`: everything that was put on a wire, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []

    def drive(self, line: str, active: bool) -> None:
        self.done.append((line, active))

    def put_out(self, name: str, millivolts: float) -> None:
        self.done.append((name, round(millivolts)))


class Instrument:
    """Stands for `Capture`: an edge a second, and at some time it loses one."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.seconds = 0
        self.lost = False

    def start(self) -> None: ...

    def begin(self, trace: Trace) -> None:
        self.trace = trace
        self.seconds = 0

    def now(self) -> float:
        return float(self.seconds)

    def catch_up(self) -> None:
        if self.lost:
            raise EdgesLost("the instrument lost 3 edges of step")
        self.seconds += 1
        self.trace.level("step", self.seconds * 1_000_000_000, self.seconds % 2)

    def close(self) -> None: ...


def bench(wires: Wires, capture: Instrument | None = None, **parts: Any) -> RigBench:
    made = {"lines": LINES, "converters": CONVERTERS, **parts}
    rig = Rig(Path("bench.toml"), "bench", "none", None, "software", 1, made["lines"], made["converters"],
              frozenset({"sensor", "battery"}), None)  # fmt: skip
    return RigBench(PROFILE, rig, wires, capture)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("kind", "millivolts"), [("open", 3300), ("short", 0)])
def test_a_sensor_fault_is_a_voltage_in_the_sensors_place(kind: str, millivolts: int) -> None:
    wires = Wires()
    rig = bench(wires)
    rig.sensor_fault(kind)
    rig.sensor_fault(None)
    assert wires.done == [("sensor_dac", millivolts), ("sensor_switch", True), ("sensor_switch", False)]


def test_a_sensor_fault_that_no_voltage_makes_is_refused_and_nothing_is_driven() -> None:
    wires = Wires()
    with pytest.raises(NotWired, match="open and short, not frozen"):
        bench(wires).sensor_fault("frozen")
    assert wires.done == []


def test_the_battery_is_the_voltage_of_a_cell_behind_the_divider() -> None:
    """60 mA through 150 mΩ are 9 mV: a full cell of 4200 mV has 4191, and half of that at the pin."""
    wires = Wires()
    assert bench(wires).battery(permille=1000) == pytest.approx(4191, abs=1)
    assert wires.done == [("battery_dac", pytest.approx(4191 / 2, abs=1))]


def test_a_battery_fault_that_there_is_not_is_refused() -> None:
    wires = Wires()
    with pytest.raises(NotWired, match="open, not stuck"):
        bench(wires).battery_fault("stuck")
    assert wires.done == []


def test_less_charge_is_less_voltage_and_a_wire_that_is_off_is_none() -> None:
    wires = Wires()
    rig = bench(wires)
    full_mv, empty_mv = rig.battery(permille=1000), rig.battery(permille=0)
    assert empty_mv < full_mv
    rig.battery_fault("open")
    rig.battery_fault(None)
    put_out = [value for _, value in wires.done]
    assert put_out == pytest.approx([full_mv / 2, empty_mv / 2, 0, empty_mv / 2], abs=1)


@pytest.mark.parametrize("act", [lambda rig: rig.battery(permille=500), lambda rig: rig.battery_fault("open")])
def test_a_rig_without_its_converter_says_what_its_file_lacks(act: Any) -> None:
    with pytest.raises(NotWired, match=r"bench.toml: there is no \[battery_dac\]"):
        act(bench(Wires(), converters={}))


def test_what_the_instrument_saw_is_there_when_sleep_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.bench.serial.SerialBench.sleep", lambda rig, seconds: None)
    monkeypatch.setattr("picoinfuse.bench.serial.SerialBench.__enter__", lambda rig: rig)  # no board here
    monkeypatch.setattr("picoinfuse.bench.serial.SerialBench.__exit__", lambda *_: None)
    capture = Instrument()
    with bench(Wires(), capture) as rig:
        rig.sleep(1.0)
        assert rig.trace.edges("step", True).tolist() == [1_000_000_000]
        assert rig.now() == 1.0
        rig.sleep(1.0)
        assert rig.trace.count("step") == 1


def test_a_test_whose_edges_got_lost_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.bench.serial.SerialBench.__enter__", lambda rig: rig)
    monkeypatch.setattr("picoinfuse.bench.serial.SerialBench.__exit__", lambda *_: None)
    capture = Instrument()
    wires = Wires()
    with pytest.raises(EdgesLost), bench(wires, capture):
        capture.lost = True
    assert ("valve", False) in wires.done  # and the lines are let go all the same
