"""A board in software: starts its process anew at each boot, grants it time, and carries bytes and traces.

One thread reads the board's messages and handles serial output, trace records and resets. Grants of time and control
requests wait for their answers.
"""

from __future__ import annotations

import contextlib
import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.stub.engine import Engine
from picoinfuse.stub.process import BoardProcess

SIGNALS = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow", "pressure_pa", "delivered_nl", "patient_nl")
_FLASH = struct.Struct("<QHHB3x")
_RECORD = struct.Struct("<BIqqd")
_WIRES = 6
_RX_CREDIT = 512


class StubFailed(PicoinfuseError):
    """The board in software stopped working: a fault of the stub, not of the firmware."""


@dataclass(frozen=True)
class FlashOperation:
    """The beginning of a write of a page, or of an erase of a block (`data` is None)."""

    t_ns: int
    block: int
    offset: int
    data: bytes | None


class TraceSink(Protocol):
    """Receives the trace: the writing methods of Trace."""

    def level(self, signal: str, t_ns: int, level: int) -> None: ...
    def pulses(self, signal: str, t_ns: int, period_ns: int, high_ns: int, count: int) -> None: ...
    def real(self, signal: str, t_ns: int, value: float) -> None: ...


class StubBoard:
    """The board; a context manager.

    `world`: as from `Profile.world()`. `image`: its flash image. `engine`: interpreter of the firmware. `on_serial`:
    receives the board's output, in the reading thread. `sink`: receives the trace. `pace`: "stepped" (time is granted),
    "fast" or "real". `real_grid_ms`: sampling interval of pressure and volumes. `flash_takes_time`: whether flash
    operations do. `patience_s`: wall time without a message of the board after which it counts as failed.
    """

    def __init__(
        self,
        world: dict[str, Any],
        image: Path,
        *,
        engine: Engine,
        on_serial: Callable[[bytes], None],
        sink: TraceSink | None = None,
        seed: int = 1,
        pace: str = "stepped",
        real_grid_ms: int = 250,
        flash_takes_time: bool = True,
        patience_s: float = 120.0,
    ) -> None:
        self._setup: dict[str, Any] = {
            "image": str(image),
            "world": world,
            "seed": seed,
            "pace": pace,
            "real_grid_ms": real_grid_ms,
            "flash": {} if flash_takes_time else {"erase_ns": 0, "page_ns": 0},
            "unique_id": f"{0xE6_60_00_00_00_00_00_00 + seed:016x}",
        }
        self._engine = engine
        self._on_serial = on_serial
        self._sink = sink
        self._patience_s = patience_s
        self._state: dict[str, Any] | None = None
        self._changed = threading.Condition()
        self._held_sequence = 0
        self._sequence = 0
        self._answers: list[Any] = []
        self._asked: tuple[bytes, bytes] | None = None  # message whose effect is awaited
        self._heard_s = 0.0  # time of the board's last message
        self._off = threading.Event()
        self._failure: str | None = None
        self._closing = False
        self._credit = _RX_CREDIT
        self._pending = bytearray()
        self.now_ns = 0
        self.resets: list[str] = []
        self.flash_operations: list[FlashOperation] = []  # after `control("flash", {"reported": True})`
        self._process = self._boot(raw=False)
        self._thread = threading.Thread(target=self._listen, name="stub board", daemon=True)
        self._thread.start()

    # ---- for the bench ----

    @property
    def pid(self) -> int:
        """Id of the board's current process."""
        return self._process.pid

    def sleep(self, seconds: float) -> None:
        """Grants the board `seconds` and waits until they have passed (pace "stepped"). Ignores less than a ns, because
        a board that is granted no time sends no answer.
        """
        duration_ns = round(seconds * 1e9)
        if duration_ns <= 0:
            return
        with self._changed:
            self._sequence += 1
            self._ask(b"g", {"seq": self._sequence, "ns": duration_ns})
        self._wait(lambda: self._held_sequence == self._sequence)

    def control(self, op: str, args: Any = None) -> dict[str, Any]:
        """Performs a control operation of `vm/_controls.py` on the board or its world. Returns their state after it."""
        self._answers.clear()
        self._ask(b"c", {"op": op, "args": args})
        self._wait(lambda: bool(self._answers))
        return self._answers.pop()

    def post(self, op: str, args: Any = None) -> None:
        """As `control`, without waiting for the answer; for threads that must not block."""
        self._process.send(b"c", json.dumps({"op": op, "args": args, "quiet": True}).encode())

    def check(self) -> None:
        """Raises StubFailed when the board has ended."""
        if self._failure is not None:
            raise StubFailed(self._failure)

    def reset(self) -> None:
        """Pulls the RUN pin low."""
        self._reset_by("reset")

    def power_cycle(self, off_s: float) -> None:
        """Cuts the supply at once, lets `off_s` pass, and starts the board again."""
        self._off.set()
        self._reset_by("power_off")
        assert self._state is not None
        off_ns = round(off_s * 1e9)
        self._state["now_ns"] += off_ns
        self._state["granted_ns"] = max(self._state["granted_ns"], self._state["now_ns"])
        self._state["scratch"] = [0] * 8
        self._off.clear()
        self._process = self._boot(raw=False)
        self._thread = threading.Thread(target=self._listen, name="stub board", daemon=True)
        self._thread.start()

    def write_serial(self, data: bytes) -> None:
        """Sends bytes to the board. It buffers 512; more wait here, as in a USB host."""
        with self._changed:
            announced = bool(self._pending)  # the last message was an "m"
            self._pending += data
            if self._credit:
                self._feed()
            elif self._pending and not announced:
                self._process.send(b"m", b"")

    def close(self) -> None:
        """Ends the board's process."""
        self._closing = True
        self._process.end()
        self._thread.join()

    # ---- the board's side ----

    def _boot(self, raw: bool) -> BoardProcess:
        with self._changed:
            self._credit = _RX_CREDIT
            self._pending.clear()
        return BoardProcess({**self._setup, "state": self._state, "raw": raw}, self._engine)

    def _ask(self, kind: bytes, value: Any) -> None:
        with self._changed:
            self._asked = kind, json.dumps(value).encode()
            self._process.send(*self._asked)

    def _reset_by(self, op: str) -> None:
        count = len(self.resets)
        self._process.send(b"c", json.dumps({"op": op, "args": None}).encode())
        self._wait(lambda: len(self.resets) > count)

    def _wait(self, done: Callable[[], bool]) -> None:
        """Waits while the board makes progress. StubFailed after `patience_s` of wall time without a message of it."""
        with self._changed:
            self._heard_s = time.monotonic()
            while not done() and self._failure is None:
                left_s = self._heard_s + self._patience_s - time.monotonic()
                if left_s <= 0:
                    raise StubFailed(f"the board in software gave no sign of life for {self._patience_s:.0f} s")
                self._changed.wait(left_s)
            self.check()

    def _feed(self) -> None:
        """Sends as much as the board has room for. An "m" announces that more is waiting."""
        while self._pending and self._credit:
            part = bytes(self._pending[: self._credit])
            del self._pending[: len(part)]
            self._credit -= len(part)
            self._process.send(b"m" if self._pending else b"i", part)

    def _listen(self) -> None:
        try:
            self._take_messages()
        except Exception as error:
            self._fail(f"the stub could not handle a message of its board: {error!r}")
            raise

    def _take_messages(self) -> None:
        while True:
            message = self._process.receive()
            if message is None:
                if not self._closing:
                    self._fail(f"the board in software ended: {self._process.log() or 'it printed no reason'}")
                return
            self._heard_s = time.monotonic()
            kind, payload = message
            if kind == b"t":
                self._record(payload)
            elif kind == b"o":
                self._on_serial(payload)
            elif kind == b"f":
                t_ns, block, offset, erase = _FLASH.unpack_from(payload)
                data = None if erase else bytes(payload[_FLASH.size :])
                self.flash_operations.append(FlashOperation(t_ns, block, offset, data))
            elif kind == b"p":
                continue
            elif kind == b"x":
                if not self._restart(json.loads(payload)):
                    return
            else:
                self._answer(kind, json.loads(payload))

    def _answer(self, kind: bytes, value: Any) -> None:
        with self._changed:
            if kind == b"h":
                self._held_sequence = value["seq"]
                self.now_ns = value["now_ns"]
            elif kind == b"q":
                self._credit += value
                self._feed()
            else:
                self._asked = None
                self._answers.append(value)
            self._changed.notify_all()

    def _restart(self, state: dict[str, Any]) -> bool:
        """Boots the board again after a reset. False when it has lost power and stays off."""
        self._process.end()
        self._state = state
        off = self._off.is_set()
        with self._changed:
            if not off:
                self._process = self._boot(raw=state["raw"])
                if self._asked is not None and (self._asked[0] == b"c" or state["seq"] != self._sequence):
                    self._process.send(*self._asked)  # the ended process did not handle it
            self.resets.append(state["cause"])
            self.now_ns = state["now_ns"]
            self._changed.notify_all()
        return not off

    def _fail(self, reason: str) -> None:
        with self._changed:
            self._failure = reason
            self._changed.notify_all()

    def _record(self, payload: bytes) -> None:
        sink = self._sink
        if sink is None:
            return
        for signal, count, t_ns, period_ns, value in _RECORD.iter_unpack(payload):
            if signal >= _WIRES:
                sink.real(SIGNALS[signal], t_ns, value)
            elif count:
                sink.pulses(SIGNALS[signal], t_ns, period_ns, int(value), count)
            else:
                sink.level(SIGNALS[signal], t_ns, int(value))

    def __enter__(self) -> StubBoard:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(StubFailed):
            self.close()
