"""The bench with the emulated Pico: the real MicroPython with PIO, USB and flash, and the models of `world`.

The bench grants the board its time. Missing capabilities: `slow` (the CPU has one speed), `virtual_time` (it is only
some three times as fast as the wall clock) and `replay` (code takes time, and request ids differ from run to run).
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from picoinfuse.bench.base import battery_values
from picoinfuse.bench.buttons import press
from picoinfuse.bench.wire import Wire
from picoinfuse.client.pump import Pump
from picoinfuse.emulator.board import EmulatedBoard
from picoinfuse.emulator.deployed import deployed_flash, erased
from picoinfuse.emulator.errors import EmulatorError
from picoinfuse.emulator.image import find_image
from picoinfuse.image import uf2
from picoinfuse.profile import Profile
from picoinfuse.stub.pty_port import PtyPort
from picoinfuse.trace.trace import Trace

CAPABILITIES_OF_EMULATOR = frozenset(
    {
        "capture",
        "exact",
        "pressure",
        "occlude",
        "patient",
        "sensor",
        "upstream",
        "converter",
        "motor",
        "reset",
        "power",
        "flash_cut",
        "hang",
        "pin",
        "buttons",
        "battery",
        "host_reading",
        "deploy",
        "any_profile",
    }
)
_READY = b'{"method":"ready"'
_READY_LIMIT_MS = 8000
_TEST_LIMIT_MS = 6000  # the self-test is over in 3 s
# Ends of the self-test; of several states in quick succession the pump reports only the newest.
_TESTED = b'"event":"test_', b'"state":"fault"', b'"state":"alarm_stopped"'


class EmulatorBench:
    """A Bench with an emulated Pico; a context manager.

    `uf2_file`: the MicroPython image to run, by default the one that `emulator.image.find_image` finds. `deployed`:
    whether the flash holds this firmware; otherwise it is empty, as from the factory.
    """

    name = "emulator"

    def __init__(self, profile: Profile, *, uf2_file: Path | None = None, seed: int = 1, deployed: bool = True) -> None:
        self.profile = profile
        self.seed = seed
        self.capabilities = CAPABILITIES_OF_EMULATOR
        self.trace = Trace()
        self._image = uf2.read(find_image(uf2_file))
        self._deployed = deployed
        self._folder = Path(tempfile.mkdtemp(prefix="picoinfuse-"))
        self._is_on = False
        self._pty: PtyPort | None = None
        self._output = b""

    def switch_on(self) -> None:
        """Starts the board and runs it until its self-test is over. Starts no client and no thread, so that the
        process can still be forked.
        """
        flash = self._folder / "flash.img"
        if self._deployed:
            shutil.copyfile(deployed_flash(self.profile, self._image), flash)
        else:
            flash.write_bytes(erased())
        self._wire = Wire(self._to_board)
        self.board = EmulatedBoard(
            self.profile.world(), self._image, flash, self._from_board, trace=self.trace, seed=self.seed
        )
        self._is_on = True
        if self._deployed:
            self._wire.open()
            self._wait_for_ready()
            self._run_tested()

    def copied(self) -> EmulatorBench:
        """Gives the board a flash file of its own; called in a fork of the process that switched it on."""
        self._folder = Path(tempfile.mkdtemp(prefix="picoinfuse-"))
        self.board.pico.keep_flash_in(self._folder / "flash.img")
        return self

    def __enter__(self) -> EmulatorBench:
        if not self._is_on:
            self.switch_on()
        self.pump = Pump(self._wire)
        self.pump.traffic.clock = lambda: self.trace.end_ns / 1e9
        if self._deployed:
            self.pump.connect()
            self._wait_for_test()
        return self

    def __exit__(self, *_: object) -> None:
        self.pump.close()
        if self._pty is not None:
            self._pty.close()
        self.switch_off()

    def switch_off(self) -> None:
        self.board.close()
        shutil.rmtree(self._folder)
        gc.collect()  # a board is a reference cycle of 17 MB, and a run of the suite makes hundreds

    # ---- time ----

    def now(self) -> float:
        self.board.update()
        return self.board.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        self.board.sleep(seconds)
        self._wire.drained()

    # ---- the board ----

    def reset(self) -> None:
        self._output = b""
        self.board.reset()
        self._come_back()

    def power_cycle(self, off_s: float = 2.0) -> None:
        self._output = b""
        self.board.power_cut(off_s)
        self._come_back()

    def hang_cpu(self) -> None:
        self.board.hang()

    def slow_cpu(self, delay_ms: int) -> None:
        raise EmulatorError("the emulated Pico's CPU has one speed; request the capability slow")

    def break_task(self, name: str) -> None:
        raise _no_damage()

    def exhaust_heap(self, left_bytes: int) -> None:
        raise _no_damage()

    def clock_jump(self, ms: int) -> None:
        raise _no_damage()

    def soft_reset(self) -> None:
        raise _no_damage()

    # ---- the world ----

    def occlude(self, closed: bool = True) -> None:
        self.board.occlude(closed)

    def sensor_fault(self, kind: str | None) -> None:
        self.board.world.sensor.fault = kind

    def patient(self, pressure_pa: float) -> None:
        self.board.patient(pressure_pa)

    def sensor_drift(self, millivolts: float) -> None:
        self.board.world.sensor.drift(millivolts)

    def upstream(self, pressure_pa: float) -> None:
        self.board.world.upstream_pa = pressure_pa

    def upstream_fault(self, kind: str | None) -> None:
        self.board.world.upstream.fault = kind

    def motor_fault(self, kind: str | None) -> None:
        self.board.world.motor.fault = kind

    def battery(
        self,
        *,
        permille: float | None = None,
        capacity_mah: float | None = None,
        resistance_mohm: float | None = None,
        charger_ma: float | None = None,
    ) -> float:
        return self.board.battery(battery_values(permille, capacity_mah, resistance_mohm, charger_ma))

    def battery_fault(self, kind: str | None) -> None:
        self.board.battery({"fault": kind})

    def drive_pin(self, name: str, level: int | None) -> None:
        self.board.drive(name, level)

    def watchdog_fault(self, kind: str | None) -> None:
        raise EmulatorError("the emulated Pico's watchdog cannot fail; request the capability watchdog")

    def press(self, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
        press(self, name, seconds, bounce)

    def flash_fault(self, dead: bool) -> None:
        raise EmulatorError("the emulated Pico's flash cannot fail; request the capability flash")

    def fill_flash(self, full: bool) -> None:
        raise EmulatorError("the emulated Pico's flash cannot be filled; request the capability flash")

    def flash_erase_s(self, seconds: float) -> None:
        raise EmulatorError("the emulated Pico's flash takes no time; request the capability flash")

    def cut_at_flash_operation(self, left: int, torn: str = "before", seed: int = 1) -> None:
        self.board.cut_at_flash_operation(left, torn, seed)

    # ---- the line ----

    def host_reading(self, reading: bool) -> None:
        self.board.host_reads(reading)

    def usb_cable(self, plugged: bool) -> None:
        raise EmulatorError("the emulated Pico's cable cannot be unplugged; request the capability usb")

    def write_raw(self, data: bytes) -> None:
        self.pump.write_raw(data)

    @property
    def port(self) -> str:
        """A pseudo-terminal. From its first use on the board runs with the wall clock, for the other program."""
        if self._pty is None:
            self._pty = PtyPort(self.board.write_serial, self.board.host_reads)
            self.board.keep_pace(True)
        return self._pty.path

    def grant_time(self) -> None:
        """Returns to granted time, after another program has used `port`."""
        self.board.keep_pace(False)

    # ---- start ----

    def _come_back(self) -> None:
        self._wait_for_ready()
        self.pump.reconnect(after_reset=True)
        self._wait_for_test()

    def _wait_for_ready(self) -> None:
        """Runs until the firmware reports `ready`; MicroPython may have to compile it first."""
        self.board.run_until(lambda: _READY in self._output, _READY_LIMIT_MS)

    def _wait_for_test(self) -> None:
        """Runs until the self-test is over. Its duration depends on whether it reads an image or files."""
        if self.pump.status().state == "self_test":
            self._run_tested()

    def _run_tested(self) -> None:
        self.board.run_until(lambda: any(word in self._output for word in _TESTED), _TEST_LIMIT_MS)

    def _to_board(self, data: bytes) -> None:
        self.board.write_serial(data)

    def _from_board(self, data: bytes) -> None:
        self._output = (self._output + data)[-4096:]
        if self._pty is not None:
            self._pty.send(data)
        self._wire.arrive(data)


def _no_damage() -> EmulatorError:
    return EmulatorError("the emulated Pico's program cannot be damaged; request the capability damage")
