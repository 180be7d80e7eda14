"""An emulated Pico with the world around it, for a bench or a person: time is granted, or goes with the wall clock.

Granted: time passes in `sleep`, and while a request is answered, as on the stub. With the wall clock, a thread of
its own runs it, as fast as it can and no faster; for other programs on its serial port.
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
_ANSWER_MS = 250  # bytes that end a line buy at most so much time, until an answer has come
_NUDGE_MS = 10  # other bytes: one turn of the firmware's loop
_SLICE_MS = 2  # with the wall clock
_REPLY = b'{"id":'
_READY = b'{"method":"ready"'
_PROMPTS = (b">>> ", b"raw REPL; CTRL-B to exit\r\n>")
_START_MS = 8000  # a start takes no longer


class EmulatedBoard:
    """`on_serial` gets what the board sends to the host. All methods may be called from any thread."""

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
        self._tail = b""  # of a line that has not ended
        self._tail_of = 0  # the start that it is of
        self._answered = False
        self._up_since = 0  # how many starts there had been when it was last seen to be up
        self._pacer: threading.Thread | None = None
        self._paced = False
        self._failure: BaseException | None = None
        self.pico = Pico(image, flash, self._take, seed=seed)
        self.world = World(self.pico, world, seed=seed, trace=trace or Trace())

    # ---- time ----

    @property
    def now_ns(self) -> int:
        return self.pico.now_ns

    def sleep(self, seconds: float) -> None:
        """Lets so much virtual time pass. The trace has a sample where it stops, as on the stub."""
        if self._paced:
            time.sleep(seconds)
            self.check()
        else:
            self._run(round(seconds * 1e9))
            self.look()

    def run_until(self, done: Callable[[], bool], limit_ms: int) -> bool:
        """Lets virtual time pass, ms by ms, until `done()`."""
        for _ in range(limit_ms):
            if done():
                return True
            self._run(MS)
        return done()

    def keep_pace(self, paced: bool) -> None:
        """With the wall clock, or granted again."""
        self._paced = paced
        if paced and self._pacer is None:
            self._pacer = threading.Thread(target=self._keep_pace, name="emulated Pico", daemon=True)
            self._pacer.start()
        elif not paced and self._pacer is not None:
            self._pacer.join()
            self._pacer = None

    def check(self) -> None:
        """Raises what ended the thread, if something did."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        self.keep_pace(False)
        self.pico.close()

    # ---- the line ----

    def write_serial(self, data: bytes) -> None:
        """Bytes to the board, which gets the time to take them, and to answer when they end a line. One that is just
        starting gets the time to start: a host would not see its port before that.
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
        with self._lock:
            self.pico.usb.set_reads(reads)

    # ---- what happens to it ----

    def look(self) -> None:
        """Pressure and volumes of this moment go into the trace."""
        with self._lock:
            self.world.look()

    def reset(self) -> None:
        with self._lock:
            self.pico.reset()

    def power_cut(self, off_s: float) -> None:
        with self._lock:
            self.pico.power_cut(off_s * 1e9)

    def cut_at_flash_operation(self, left: int, torn: str, seed: int) -> None:
        with self._lock:
            self.pico.flash_cut.arm(left, torn, seed)

    def hang(self) -> None:
        with self._lock:
            self.pico.hang()

    def hold_bootsel(self) -> None:
        """A reset with the button held."""
        with self._lock:
            self.pico.bootsel_held = True
            self.pico.reset()

    def flash_uf2(self, image: uf2.Uf2) -> None:
        with self._lock:
            self.pico.flash_uf2(image)

    def occlude(self, closed: bool) -> None:
        with self._lock:
            self.world.occlude(closed)

    def patient(self, pressure_pa: float) -> None:
        with self._lock:
            self.world.patient(pressure_pa)

    def battery(self, values: dict[str, Any]) -> float:
        with self._lock:
            return self.world.battery(values)

    def drive(self, wire: str, level: int | None) -> None:
        with self._lock:
            self.pico.nets[self._wiring[wire]].drive(level)

    # ---- inside ----

    def _run(self, duration_ns: int) -> None:
        with self._lock:
            self.pico.run(duration_ns)

    @property
    def up(self) -> bool:
        """It has said that it is ready, or shown a prompt, since its last start."""
        return self._up_since == len(self.pico.starts) or self.pico.in_bootsel

    def _take(self, data: bytes) -> None:
        if self._tail_of != len(self.pico.starts):  # the prompt of a REPL before the reset is not part of a line
            self._tail, self._tail_of = b"", len(self.pico.starts)
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        if self._tail.endswith(_PROMPTS) or any(line.startswith(_READY) for line in lines):
            self._up_since = len(self.pico.starts)
        self._answered = self._answered or any(line.startswith(_REPLY) for line in lines)
        self._on_serial(data)

    def _keep_pace(self) -> None:
        """A board that is slower than the wall clock runs as fast as it can, and never makes up for it."""
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
