"""A bench of wires around the board in software: what each line of boards/rigs/ft232h.toml does to its world."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.common import paths
from picoinfuse.profile import load_profile
from picoinfuse.rig.file import Rig, load_rig

from .fake_blinka import Effect, install

PROFILE = load_profile("ambulatory-10ml")  # it has buttons and a battery
RIG = load_rig(paths.boards() / "rigs" / "ft232h.toml")
SENSOR, BATTERY = 0x60, 0x61
_STEP_MV = 3300 / 4096
_CHARGE_MV = ((3000, 0), (3450, 50), (3680, 100), (3740, 200), (3770, 300), (3790, 400), (3820, 500), (3870, 600),
              (3920, 700), (3980, 800), (4060, 900), (4200, 1000))  # fmt: skip


class StubRig:
    """`fault`: what is wrong with the wire of `line`: "open", "stuck" (always active) or "inverted"."""

    def __init__(
        self, bench: StubBench, monkeypatch: pytest.MonkeyPatch, line: str = "", fault: str = "", rig: Rig = RIG
    ) -> None:
        self._bench = bench
        self._off = self._low = self._bootsel = False
        self._replaced = False  # the sensor, by its converter
        self._sensor_mv = 0.0
        acts: dict[str, Effect] = {
            "valve": bench.occlude,
            "supply_off": self._supply_off,
            "run": self._run,
            "bootsel": self._hold_bootsel,
            "button_stop": lambda pressed: bench.drive_pin("button_stop", 0 if pressed else None),
            "button_request": lambda pressed: bench.drive_pin("button_request", 0 if pressed else None),
            "sensor_switch": self._switch,
        }
        if fault == "stuck":
            acts[line](True)
        wires = {rig.lines[name].pin: _wire(act, fault if name == line else "") for name, act in acts.items()}
        outputs: dict[int, Callable[[int], None]] = {SENSOR: self._sensor, BATTERY: self._battery}
        for address, name in ((SENSOR, "sensor_dac"), (BATTERY, "battery_dac")):
            if name == line and fault == "open":
                outputs[address] = lambda step: None
            elif name == line and fault == "absent":
                del outputs[address]
        install(monkeypatch, wires, outputs)

    def _supply_off(self, off: bool) -> None:
        self._off = off
        if off:
            self._silent()
        else:
            self._start(lambda: self._bench.board.power_cycle(0.1))

    def _run(self, low: bool) -> None:
        self._low = low
        if low:
            self._silent()
        else:
            self._start(self._bench.board.reset)

    def _hold_bootsel(self, held: bool) -> None:
        self._bootsel = held

    def _start(self, start: Callable[[], None]) -> None:
        if self._off or self._low:
            return
        start()
        self._bench.watchdog_fault(None)
        if self._bootsel:
            self._silent()
        self._bench.board.sleep(0.3)

    def _silent(self) -> None:
        """Without a CPU, and without the watchdog that would wake it: dead from its next feeding on."""
        self._bench.watchdog_fault("dead")
        if not self._bootsel:
            self._bench.board.sleep(0.1)
        self._bench.hang_cpu()

    def _switch(self, replaced: bool) -> None:
        self._replaced = replaced
        self._show()

    def _sensor(self, step: int) -> None:
        self._sensor_mv = step * _STEP_MV
        self._show()

    def _show(self) -> None:
        """At rest the line has no pressure: the sensor's own voltage is its offset, and the rest is the converter's."""
        self._bench.sensor_drift(self._sensor_mv - PROFILE.values["sensor"]["offset_mv"] if self._replaced else 0.0)

    def _battery(self, step: int) -> None:
        whole, part = PROFILE.values["battery"]["divider"]
        pole_mv = step * _STEP_MV * whole / part
        mv, permille = zip(*_CHARGE_MV, strict=True)
        self._bench.battery(permille=float(np.interp(pole_mv, mv, permille)))


def _wire(act: Effect, fault: str) -> Effect:
    known: list[bool] = [False]  # what the pump's world is at: every line begins inactive

    def set_level(level: bool) -> None:
        active = not level if fault == "inverted" else level
        if fault not in ("open", "stuck") and known[0] is not active:
            known[0] = active
            act(active)

    return set_level
