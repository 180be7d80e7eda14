"""The bench in software: the board stub with the models of `world`, in virtual time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from picoinfuse.bench.base import CAPABILITIES, battery_values
from picoinfuse.bench.buttons import press
from picoinfuse.bench.wire import Wire
from picoinfuse.client.pump import Pump
from picoinfuse.profile import Profile
from picoinfuse.stub import flash_image
from picoinfuse.stub.board import StubBoard
from picoinfuse.stub.engine import Engine, default_engine
from picoinfuse.stub.image import deployed_image
from picoinfuse.stub.pty_port import PtyPort
from picoinfuse.trace.trace import Trace

CAPABILITIES_OF_STUB = frozenset(CAPABILITIES)
CAPABILITIES_OF_FOLDER = CAPABILITIES_OF_STUB - {"flash", "flash_cut", "heap"}  # without the MicroPython VM
# After power-on and the RUN pin the pump tests its watchdog: within this time it was reset, or gave up waiting for it.
_WATCHDOG_RESET_S = 0.3
_READY_S = 1.0  # the pump is ready within this time after a reset


class StubBench:
    """A Bench with a board in software; a context manager.

    `deployed`: whether the flash holds this firmware; otherwise it is empty, as from the factory. `real_grid_ms`:
    sampling interval of pressure and volumes in the trace. `world`: deviations from `profile.world()`, for example
    `{"step_nl": 360.4}`. `engine`: interpreter of the firmware, by default `default_engine()`.
    `flash_takes_time`: False makes erases and writes of the flash take no time, so that all engines start alike.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        seed: int = 1,
        deployed: bool = True,
        real_grid_ms: int = 250,
        world: Mapping[str, Any] | None = None,
        engine: Engine | None = None,
        flash_takes_time: bool = True,
    ) -> None:
        self.profile = profile
        self.seed = seed
        self.name = "stub" if engine is None else f"stub:{engine.name}"
        self.engine = engine or default_engine()
        self.capabilities = CAPABILITIES_OF_STUB if self.engine.has_flash else CAPABILITIES_OF_FOLDER
        self._flash_takes_time = flash_takes_time
        self.trace = Trace()
        self._deployed = deployed
        self._real_grid_ms = real_grid_ms
        self._world = {**profile.world(), **(world or {})}
        self._folder = Path(tempfile.mkdtemp(prefix="picoinfuse-"))
        self._pty: PtyPort | None = None
        self._wall_clock = False  # True while another program uses `port`

    def __enter__(self) -> StubBench:
        image = self._folder / "flash.img"
        if self._deployed:
            flash_image.copy(deployed_image(self.profile, self.engine), image)
        else:
            flash_image.erase(image)
        self._wire = Wire(self._to_board)
        self.board = StubBoard(
            self._world,
            image,
            engine=self.engine,
            flash_takes_time=self._flash_takes_time,
            on_serial=self._from_board,
            sink=self.trace,
            seed=self.seed,
            real_grid_ms=self._real_grid_ms,
        )
        self.pump = Pump(self._wire)
        self.pump.traffic.clock = lambda: self.trace.end_ns / 1e9
        if self._deployed:
            self._wire.open()
            self.board.sleep(_WATCHDOG_RESET_S)
            self.pump.connect()
            self.sleep(_READY_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.pump.close()
        if self._pty is not None:
            self._pty.close()
        self.board.close()
        shutil.rmtree(self._folder)

    # ---- time ----

    def now(self) -> float:
        return self.board.control("snapshot")["now_ns"] / 1e9  # requests let some time pass too

    def sleep(self, seconds: float) -> None:
        if self._wall_clock:
            time.sleep(seconds)
        else:
            self.board.sleep(seconds)
        self._wire.drained()

    # ---- the board ----

    def reset(self) -> None:
        self.board.reset()
        self.sleep(_WATCHDOG_RESET_S)
        self._come_back()

    def power_cycle(self, off_s: float = 2.0) -> None:
        self.board.power_cycle(off_s)
        self.sleep(_WATCHDOG_RESET_S)
        self._come_back()

    def _come_back(self) -> None:
        self.pump.reconnect(after_reset=True)
        self.sleep(_READY_S)

    def hang_cpu(self) -> None:
        self.board.control("hang")

    def slow_cpu(self, delay_ms: int) -> None:
        self.board.control("slow", delay_ms * 1_000_000)

    def break_task(self, name: str) -> None:
        module, cls = name.rsplit(".", 1)
        self.board.control("break_task", {"module": module, "cls": cls})

    def exhaust_heap(self, left_bytes: int) -> None:
        self.board.control("eat_heap", left_bytes)

    def clock_jump(self, ms: int) -> None:
        self.board.control("clock_jump", ms)

    def soft_reset(self) -> None:
        self.board.control("soft_reset")

    def flash_fault(self, dead: bool) -> None:
        self.board.control("flash", {"dead": dead})

    def fill_flash(self, full: bool) -> None:
        self.board.control("fill_flash", full)

    def flash_erase_s(self, seconds: float) -> None:
        self.board.control("flash", {"erase_ns": round(seconds * 1e9)})

    def cut_at_flash_operation(self, left: int, torn: str = "before", seed: int = 1) -> None:
        self.board.control("flash", {"left": left, "torn": torn, "seed": seed})

    # ---- the world ----

    def occlude(self, closed: bool = True) -> None:
        self.board.control("valve", closed)

    def sensor_fault(self, kind: str | None) -> None:
        self.board.control("sensor", kind)

    def patient(self, pressure_pa: float) -> None:
        self.board.control("patient", pressure_pa)

    def sensor_drift(self, millivolts: float) -> None:
        self.board.control("drift", millivolts)

    def upstream(self, pressure_pa: float) -> None:
        self.board.control("upstream", pressure_pa)

    def upstream_fault(self, kind: str | None) -> None:
        self.board.control("upstream_sensor", kind)

    def motor_fault(self, kind: str | None) -> None:
        self.board.control("motor", kind)

    def battery(
        self,
        *,
        permille: float | None = None,
        capacity_mah: float | None = None,
        resistance_mohm: float | None = None,
        charger_ma: float | None = None,
    ) -> float:
        named = battery_values(permille, capacity_mah, resistance_mohm, charger_ma)
        return self.board.control("battery", named)["battery_mv"]

    def battery_fault(self, kind: str | None) -> None:
        self.board.control("battery", {"fault": kind})

    def drive_pin(self, name: str, level: int | None) -> None:
        self.board.control("drive", {"pin": self.profile.world()["wiring"][name], "level": level})

    def watchdog_fault(self, kind: str | None) -> None:
        self.board.control("watchdog", kind)

    def press(self, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
        press(self, name, seconds, bounce)

    # ---- the line ----

    def host_reading(self, reading: bool) -> None:
        self.board.control("host_reads", reading)

    def usb_cable(self, plugged: bool) -> None:
        self.board.control("usb", plugged)

    def write_raw(self, data: bytes) -> None:
        self.pump.write_raw(data)

    @property
    def port(self) -> str:
        """A pseudo-terminal. From here until `grant_time` the board runs with the wall clock, for the other program."""
        if self._pty is None:
            self._pty = PtyPort(self.board.write_serial, lambda reading: self.board.post("host_reads", reading))
        if not self._wall_clock:
            self.board.control("pace", "real")
            self._wall_clock = True
        return self._pty.path

    def grant_time(self) -> None:
        """Returns to granted time, after another program has used `port`."""
        self.board.control("pace", "stepped")
        self._wall_clock = False

    def _to_board(self, data: bytes) -> None:
        self.board.write_serial(data)

    def _from_board(self, data: bytes) -> None:
        if self._pty is not None:
            self._pty.send(data)
        self._wire.arrive(data)
