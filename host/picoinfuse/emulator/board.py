"""An emulated Pico with the models of `world`, for a bench or a person; in granted time or with the wall clock.

Granted: time passes in `sleep` and while a request is answered, as on the stub. With the wall clock, for other programs
on its serial port: a thread runs it at real time, or slower if the computer is too slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from picoinfuse.emulator.device import Pico
from picoinfuse.emulator.world import World
from picoinfuse.image import uf2
from picoinfuse.trace.trace import Trace

MS = 1_000_000
_ANSWER_MS = 250  # time granted after a line, at most, until its answer
_NUDGE_MS = 10  # time granted after other bytes: one turn of the firmware's loop
_SLICE_MS = 2  # with the wall clock
_REPLY = b'{"id":'
_READY = b'{"method":"ready"'
_PROMPTS = (b">>> ", b"raw REPL; CTRL-B to exit\r\n>")
_START_MS = 8000  # a start takes less


class EmulatedBoard:
    """The board. All methods may be called from any thread.

    `world`: as from `Profile.world()`. `image`: the MicroPython image. `flash`: file of the filesystem's part of the
    flash. `on_serial`: receives the board's output. `trace`: records its signals. `seed`: of all randomness.
    """

    def __init__(
        self,
        world: dict[str, Any],
        image: uf2.Uf2,
        flash: Path,
        on_serial: Callable[[bytes], None],
        *,
        trace: Trace | None = None,
        seed: int = 1,
    ) -> None:
        self._wiring = world["wiring"]
        self._on_serial = on_serial
        self._lock = threading.RLock()
        self._tail = b""  # of an unfinished line
        self._tail_of = 0  # number of the start that it belongs to
        self._answered = False
        self._up_since = 0  # number of the start after which it was last up
        self._pacer: threading.Thread | None = None
        self._paced = False
        self._failure: BaseException | None = None
        self.pico = Pico(image, flash, self._take, seed=seed)
        self.world = World(self.pico, world, seed=seed, trace=trace or Trace())

    # ---- time ----

    @property
    def now_ns(self) -> int:
        """Virtual time since power-on."""
        return self.pico.now_ns

    def sleep(self, seconds: float) -> None:
        """Lets virtual time pass. The trace gets a sample at the end, as on the stub."""
        if self._paced:
            time.sleep(seconds)
            self.check()
        else:
            self._run(round(seconds * 1e9))
            self.update()

    def run_until(self, done: Callable[[], bool], limit_ms: int) -> bool:
        """Lets virtual time pass, ms by ms, until `done()`. False when it is not done after `limit_ms`."""
        for _ in range(limit_ms):
            if done():
                return True
            self._run(MS)
        return done()

    def keep_pace(self, paced: bool) -> None:
        """Switches between the wall clock (True) and granted time."""
        self._paced = paced
        if paced and self._pacer is None:
            self._pacer = threading.Thread(target=self._keep_pace, name="emulated Pico", daemon=True)
            self._pacer.start()
        elif not paced and self._pacer is not None:
            self._pacer.join()
            self._pacer = None

    def check(self) -> None:
        """Raises the exception that ended the thread, if any."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Stops the board and writes its flash file."""
        self.keep_pace(False)
        self.pico.close()

    # ---- the line ----

    def write_serial(self, data: bytes) -> None:
        """Sends bytes to the board and grants it the time to take them, and to answer if they end a line. A board that
        is starting is first granted the time to start, as a host sees its port only then.
        """
        with self._lock:
            if not self._paced:
                self.run_until(lambda: self.up, _START_MS)
            self.pico.usb.send(data)
            if self._paced:
                return
            self._answered = False
            whole = data.endswith(b"\n")
            self.run_until(lambda: whole and self._answered, _ANSWER_MS if whole else _NUDGE_MS)

    def host_reads(self, reads: bool) -> None:
        """Sets whether the host reads from the serial port."""
        with self._lock:
            self.pico.usb.set_reads(reads)

    # ---- actions and faults ----

    def update(self) -> None:
        """Records the current pressure and volumes in the trace."""
        with self._lock:
            self.world.update()

    def reset(self) -> None:
        """Pulls the RUN pin low briefly."""
        with self._lock:
            self.pico.reset()

    def power_cut(self, off_s: float) -> None:
        """Switches the supply off for `off_s`."""
        with self._lock:
            self.pico.power_cut(off_s * 1e9)

    def cut_at_flash_operation(self, left: int, torn: str, seed: int) -> None:
        """As `Bench.cut_at_flash_operation`."""
        with self._lock:
            self.pico.flash_cut.arm(left, torn, seed)

    def hang(self) -> None:
        """Stops the CPU."""
        with self._lock:
            self.pico.hang()

    def hold_bootsel(self) -> None:
        """Resets the board with BOOTSEL held."""
        with self._lock:
            self.pico.bootsel_held = True
            self.pico.reset()

    def flash_uf2(self, image: uf2.Uf2) -> None:
        """Programs an image as the boot ROM does. Raises PicoStopped when the board is not in BOOTSEL."""
        with self._lock:
            self.pico.flash_uf2(image)

    def occlude(self, closed: bool) -> None:
        """Closes or opens the valve in the line."""
        with self._lock:
            self.world.occlude(closed)

    def patient(self, pressure_pa: float) -> None:
        """Sets the pressure on the patient's side."""
        with self._lock:
            self.world.patient(pressure_pa)

    def battery(self, values: dict[str, Any]) -> float:
        """Sets values as `world.battery.Battery.set` does. Returns the voltage at the terminals in mV."""
        with self._lock:
            return self.world.battery(values)

    def drive(self, wire: str, level: int | None) -> None:
        """Drives a wire of the profile's wiring from outside; None releases it."""
        with self._lock:
            self.pico.nets[self._wiring[wire]].drive(level)

    def _run(self, duration_ns: int) -> None:
        with self._lock:
            self.pico.run(duration_ns)

    @property
    def up(self) -> bool:
        """True when it has reported ready or shown a prompt since its last start, or is in BOOTSEL."""
        return self._up_since == len(self.pico.starts) or self.pico.in_bootsel

    def _take(self, data: bytes) -> None:
        if self._tail_of != len(self.pico.starts):  # drops the REPL prompt from before the reset
            self._tail, self._tail_of = b"", len(self.pico.starts)
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        if self._tail.endswith(_PROMPTS) or any(line.startswith(_READY) for line in lines):
            self._up_since = len(self.pico.starts)
        self._answered = self._answered or any(line.startswith(_REPLY) for line in lines)
        self._on_serial(data)

    def _keep_pace(self) -> None:
        """Runs at real time. A board that falls behind the wall clock does not catch up."""
        start_s, start_ns = time.monotonic(), self.now_ns
        try:
            while self._paced:
                ahead_s = (self.now_ns - start_ns) / 1e9 - (time.monotonic() - start_s)
                if ahead_s > 0:
                    time.sleep(ahead_s)
                else:
                    start_s, start_ns = time.monotonic(), self.now_ns
                self._run(_SLICE_MS * MS)
        except Exception as error:
            self._failure = error
