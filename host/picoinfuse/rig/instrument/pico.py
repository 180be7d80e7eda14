"""The instrument that is a second Pico: its code is pushed at the start, its frames are taken by a thread.

Wiring: GP2 to GP7 of the instrument on STEP, DIR, ENABLE, PIEZO, red and yellow lamp of the pump, ground on ground.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import serial

from picoinfuse.client.port import Port, open_port
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.rig.instrument.frames import Frames, InstrumentError
from picoinfuse.rig.instrument.recorder import Recorder
from picoinfuse.trace.trace import Trace

ON_PICO = Path(__file__).parent / "on_pico.py"
PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
PROMPT_S = 3.0
START_S = 10.0  # until the code is compiled and the first frames came
BEHIND_S = 2.0  # a frame comes every 20 ms
CHUNK_BYTES = 256  # MicroPython's ring for what it has not read holds 512
_DRIFT = 200e-6  # two crystals: 100 ppm each are more than any


class NoInstrument(InstrumentError):
    """No MicroPython answers there, or it does not run the instrument's code."""


def push(port: Port) -> bytes:
    """Starts the instrument's code in a freshly reset interpreter, over its raw REPL; returns what it already sent."""
    port.write(b"\r\x03\x03\x01")
    _until(port, PROMPT, PROMPT_S)
    port.write(b"\x04")  # a soft reset, for a heap in one piece
    _until(port, PROMPT, PROMPT_S)
    code = ON_PICO.read_bytes()
    for at in range(0, len(code), CHUNK_BYTES):
        port.write(code[at : at + CHUNK_BYTES])
    port.write(b"\x04")
    return _until(port, b"OK", START_S)


def _until(port: Port, wanted: bytes, limit_s: float) -> bytes:
    """Reads up to `wanted`; returns what came after it."""
    said = b""
    deadline_s = time.monotonic() + limit_s
    while wanted not in said:
        if time.monotonic() > deadline_s:
            raise NoInstrument(f"the instrument shows no MicroPython prompt; it said {said[-60:]!r}")
        said += port.read(max(port.in_waiting, 1))
    return said.partition(wanted)[2]


class PicoInstrument:
    """A capture: `start` once, `begin` for each test. `port`: what pyserial opens, or an open one. `clock`: in s."""

    def __init__(self, port: str | Port, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = port
        self._clock = clock
        self._recorder = Recorder()
        self._frames = Frames()
        self._port: Port | None = None
        self._ahead_s = 0.0  # the instrument's clock, of this computer's
        self._compared_s = 0.0  # when
        self._failure: PicoinfuseError | None = None
        self._changed = threading.Condition()
        self._reader: threading.Thread | None = None
        self._closing = False

    def start(self) -> None:
        """Runs its code; nothing when it runs already and nothing was lost."""
        if self._reader is not None and self._failure is None:
            return
        self.close()
        self._recorder, self._frames, self._failure, self._closing = Recorder(), Frames(), None, False
        try:
            self._port = open_port(self._where) if isinstance(self._where, str) else self._where
            first = push(self._port)
        except (OSError, serial.SerialException) as error:
            raise NoInstrument(f"the instrument cannot be used: {error}") from error
        self._reader = threading.Thread(target=self._read, args=(self._port, first), name="instrument", daemon=True)
        self._reader.start()
        with self._changed:
            told = self._changed.wait_for(lambda: self._recorder.complete_us > 0 or self._failure is not None, START_S)
        self.check()
        if not told:
            raise NoInstrument(f"the instrument sends nothing within {START_S:g} s")

    def begin(self, trace: Trace) -> None:
        """From here on edges go there; the time is 0."""
        with self._changed:
            self._recorder.begin(trace)

    def now(self) -> float:
        """In s since `begin`, by the instrument's clock, to a ms or two."""
        with self._changed:
            return self._recorder.elapsed_ns(round((self._clock() + self._ahead_s) * 1e6)) / 1e9

    def catch_up(self) -> None:
        """Waits until all that happened until now is in the trace."""
        now_us = round((self._clock() + self._ahead_s) * 1e6)
        with self._changed:
            came = self._changed.wait_for(
                lambda: self._recorder.complete_us >= now_us or self._failure is not None, BEHIND_S
            )
        self.check()
        if not came:
            raise InstrumentError(f"the instrument has sent nothing for {BEHIND_S:g} s")

    def check(self) -> None:
        """Raises what went wrong since `start`."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Ends its code."""
        self._closing = True
        if self._port is not None:
            try:
                self._port.write(b"\x03")
                self._port.close()
            except (OSError, serial.SerialException):
                pass  # it is gone, and its code with it
            self._port = None
        if self._reader is not None:
            self._reader.join()
            self._reader = None

    def _read(self, port: Port, first: bytes) -> None:
        try:
            self._take(first)
            while not self._closing:
                self._take(port.read(max(port.in_waiting, 1)))
        except (OSError, TypeError, serial.SerialException) as error:  # TypeError: pyserial's, of a port just closed
            self._fail(InstrumentError(f"the instrument is gone: {error}"))
        except PicoinfuseError as error:
            self._fail(error)

    def _take(self, data: bytes) -> None:
        arrived_s = self._clock()
        with self._changed:
            for frame in self._frames.feed(data):
                self._recorder.take(frame)
                self._compare(arrived_s)
            self._changed.notify_all()

    def _compare(self, arrived_s: float) -> None:
        """What was sent arrives late, never early: the frame that was fastest tells the time best."""
        ahead_s = self._recorder.now_us / 1e6 - arrived_s
        first = self._compared_s == 0.0
        oldest_s = self._ahead_s - _DRIFT * (arrived_s - self._compared_s)
        if first or ahead_s >= oldest_s:
            self._ahead_s, self._compared_s = ahead_s, arrived_s

    def _fail(self, error: PicoinfuseError) -> None:
        with self._changed:
            if not self._closing and self._failure is None:
                self._failure = error
            self._changed.notify_all()
