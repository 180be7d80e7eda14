"""A real board with a test rig, as described by a rig file: lines driven through Blinka, edges from an instrument."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from picoinfuse.bench.base import battery_values
from picoinfuse.bench.battery_source import BatterySource
from picoinfuse.bench.serial import LOST, BoardLost, NotWired, SerialBench, refuse_missing
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import NoBoard, PicoinfuseError
from picoinfuse.deploy import deploy
from picoinfuse.profile import Profile
from picoinfuse.rig.capture import Capture
from picoinfuse.rig.file import Rig
from picoinfuse.rig.port_lookup import port_of
from picoinfuse.rig.stimuli import Stimuli

RUN_LOW_S = 0.01
OFF_S = 2.0  # discharges the capacitors of a Pico
BACK_S = 10.0  # a board is on USB again within it
_SENSOR_MV = {"open": 3300.0, "short": 0.0}  # an open input is pulled up


@refuse_missing
class RigBench(SerialBench):
    """A Bench with a test rig; a context manager that releases the lines at its end.

    `stimuli`: drives the rig's lines and converters. `capture`: records edges, None without an instrument.
    """

    def __init__(
        self, profile: Profile, rig: Rig, stimuli: Stimuli, capture: Capture | None = None, *, seed: int = 1
    ) -> None:
        super().__init__(profile, rig.port or "", seed=seed, name=f"rig:{rig.file}")
        self.capabilities = rig.capabilities
        self._rig = rig
        self._stimuli = stimuli
        self._capture = capture
        self._battery_source = BatterySource(profile) if "battery_dac" in rig.converters else None

    def __enter__(self) -> Self:
        if self._battery_source is not None:
            self.battery(permille=1000)
        if self._capture is not None:
            self._capture.start()
            self._capture.begin(self.trace)
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        super().__exit__()
        for line in self._rig.lines:
            self._stimuli.drive(line, False)
        if self._capture is not None and kind is None:
            self._capture.catch_up()  # raises if edges are missing: such a test has not passed

    def now(self) -> float:
        return super().now() if self._capture is None else self._capture.now()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._capture is not None:
            self._capture.catch_up()

    def occlude(self, closed: bool = True) -> None:
        self._drive("valve", closed)

    def reset(self) -> None:
        self._drive("run", True)
        time.sleep(RUN_LOW_S)
        self._drive("run", False)
        self.pump.reconnect(BACK_S, after_reset=True)
        self.sleep(1.0)

    def power_cycle(self, off_s: float = OFF_S) -> None:
        self._drive("supply_off", True)
        time.sleep(max(off_s, OFF_S))
        self._drive("supply_off", False)
        self.pump.reconnect(BACK_S, after_reset=True)
        self.sleep(1.0)

    def press(self, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
        """As `Bench.press`. The adapter needs a few ms for each change, so the bounce is slower than asked for."""
        for closed, pause_s in enumerate(bounce, start=1):
            self._drive(name, closed % 2 == 1)
            time.sleep(pause_s)
        self._drive(name, True)
        time.sleep(seconds)
        self._drive(name, False)

    def sensor_fault(self, kind: str | None) -> None:
        """Replaces the sensor with a converter. The Pico's ADC adds noise, so a frozen sensor is not possible."""
        if kind is not None:
            if kind not in _SENSOR_MV:
                raise NotWired(f"bench {self.name} has the sensor faults {' and '.join(_SENSOR_MV)}, not {kind}")
            self._put_out("sensor_dac", _SENSOR_MV[kind])
        self._drive("sensor_switch", kind is not None)

    def battery(
        self,
        *,
        permille: float | None = None,
        capacity_mah: float | None = None,
        resistance_mohm: float | None = None,
        charger_ma: float | None = None,
    ) -> float:
        """As `Bench.battery`, under the idle pump's load. The charge stays at the set value."""
        if self._battery_source is None:
            raise NotWired(f"{self._rig.file}: there is no [battery_dac]")
        self._battery_source.set(battery_values(permille, capacity_mah, resistance_mohm, charger_ma))
        self._put_out("battery_dac", self._battery_source.pin_mv)
        return self._battery_source.millivolts

    def battery_fault(self, kind: str | None) -> None:
        if self._battery_source is None:
            raise NotWired(f"{self._rig.file}: there is no [battery_dac]")
        if kind not in (None, "open"):
            raise NotWired(f"bench {self.name} has only the battery fault open, not {kind}")
        self._put_out("battery_dac", 0.0 if kind == "open" else self._battery_source.pin_mv)

    def recover(self, lost: Exception) -> None:
        """Restarts the board by its supply or RUN, waits for it, and deploys to it if it runs no pump. Raises
        BoardLost.
        """
        self._restart()
        problem = self._comes_back()
        if problem is not None and not isinstance(problem, NoBoard):
            with suppress(PicoinfuseError):
                deploy(port_of(self._rig), self.profile)
            problem = self._comes_back()
        if problem is not None:
            text = f"the board of {self._rig.file} is lost ({lost}) and did not recover: {problem}"
            raise BoardLost(text) from lost

    def _comes_back(self) -> PicoinfuseError | None:
        """Waits for the board. Returns None, or the reason why it does not come back."""
        deadline_s = time.monotonic() + BACK_S
        while True:
            try:
                self._fresh()
                return None
            except LOST as again:
                self.pump.close()
                if time.monotonic() > deadline_s:
                    return again
            time.sleep(0.5)

    def _fresh(self) -> None:
        """As SerialBench, at the board's current port: its name may change with a reset."""
        port = port_of(self._rig)
        if port != self._port:
            self.pump.close()
            traffic = self.pump.traffic  # one log for the test
            self._port, self.pump = port, Pump(port)
            self.pump.traffic = traffic
        super()._fresh()

    def _restart(self) -> None:
        line, low_s = ("supply_off", OFF_S) if "supply_off" in self._rig.lines else ("run", RUN_LOW_S)
        if line in self._rig.lines:
            self._stimuli.drive(line, True)
            time.sleep(low_s)
            self._stimuli.drive(line, False)

    def _put_out(self, converter: str, millivolts: float) -> None:
        if converter not in self._rig.converters:
            raise NotWired(f"{self._rig.file}: there is no [{converter}]")
        self._stimuli.put_out(converter, millivolts)

    def _drive(self, line: str, active: bool) -> None:
        if line not in self._rig.lines:
            raise NotWired(f"{self._rig.file}: [lines] has no {line}")
        self._stimuli.drive(line, active)
