"""A port in memory, and a pump behind it that keeps to the protocol as far as the client can see.

Methods, kinds and parameters are those of the firmware's table, and replies are made from the client's shapes: what the
fake accepts and answers is what the pump does.
"""

import errno
import threading
from collections.abc import Callable
from typing import Any

from picoinfuse.client.frame import FROM_PUMP_BYTES, decode, encode
from picoinfuse.client.pump import methods
from picoinfuse.common.errors import FrameError
from picoinfuse.common.firmware_tables import pure_module
from tests.client.examples import example

SCHEMA = pure_module("pump.link.schema")

# What the tests rely on, over the examples that are made from the shapes.
_TOLD: dict[str, dict[str, Any]] = {
    "hello": {"version": "0.1.0", "commit": "unknown", "profile": "syringe-50ml", "calibration": "1/1"},
    "status": {
        "state": "infusing",
        "rate_ul_h": 4990,
        "target_ul_h": 5000,
        "delivered_nl": 1_234_567,
        "pressure_pa": 2000,
        "occlusion_level": "medium",
        "limit_pa": 68927,
        "calibration": "1/1",
        "steps_commanded": 3528,
        "steps_counted": 3527,
        "heap_free": 90000,
        "uptime_ms": 889_000,
    },
    "alarms": {
        "active": [
            {"name": "occlusion", "priority": "high", "latched": True, "acknowledged": False, "escalated": False}
        ],
        "count": 1,
    },
    "tasks": {
        "loops": 9,
        "overruns": 1,
        "count": 1,
        "tasks": [{"name": "feed", "runs": 9, "overruns": 1, "late_ms": 12}],
    },
    "calibration": {"factor": "1/1", "step_pl": "44790997/128"},
    "last_therapy": {
        "outcome": "interrupted",
        "number": 7,
        "rate_ul_h": 5000,
        "vtbi_nl": 20_000_000,
        "regimen": {"kind": "continuous", "segments": [[5000, 5000, 0, 0]], "vtbi_nl": 20_000_000},
        "delivered_nl": 1_234_567,
        "unsure_nl": 23_130,
    },
    "bolus": {"volume_nl": 1_000_000, "rate_ul_h": 100_000},
    "request_bolus": {"given": True},
    "test_report": {
        "parts": [{"name": "memory", "result": "passed"}, {"name": "lamp", "result": "absent"}],
        "periodic": 3,
    },
    "battery": {"millivolts": 3950, "rest_mv": 4010, "percent": 81, "minutes_left": 211, "capacity_mah": 2000},
    "reservoir": {"left_nl": 20_000_000, "empty_s": 3600, "capacity_nl": 50_000_000},
    "refill": {"reservoir_nl": 50_000_000},
    "library": {"fault": "missing: it cannot be read, error 2"},
    "telemetry": {"period_ms": 500},
    "start": {"state": "infusing"},
    "set_rate": {"rate_ul_h": 7000},
    "pause": {"state": "paused"},
    "resume": {"state": "infusing"},
    "stop": {"state": "idle"},
    "silence": {"silenced_ms": 120_000},
    "acknowledge": {"acknowledged": 1},
    "clear_alarms": {"state": "alarm_stopped", "alarms": ["occlusion"]},
    "alarm_test": {"priority": "low", "duration_ms": 450},
    "occlusion_level": {"level": "high", "limit_pa": 103_325},
    "calibrate": {"factor": "103/100"},
    "uncalibrate": {"factor": "1/1"},
    "service": {"state": "service"},
    "reset": {"state": "idle"},
}
RESULTS: dict[str, dict[str, Any]] = {
    name: {**example(method.reply), **_TOLD.get(name, {})} for name, method in methods().items()
}
del RESULTS["hello"]["boot"]  # the pump's own, see FakePump
STATUS = RESULTS["status"]
CHANGES: dict[str, Any] = {"rate_ul_h": [0, 5000], "vtbi_nl": [None, None]}


def line(message: dict[str, Any]) -> bytes:
    return encode(message, FROM_PUMP_BYTES)


class ScriptedPort:
    """`answer(data)` is called with each write and says what comes back. Times out after 10 ms, so closing is quick."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda data: b"") -> None:
        self.timeout: float | None = 0.01
        self.answer = answer
        self.written: list[bytes] = []
        self.on_read: Callable[[], None] = lambda: None  # called at the beginning of each read
        self.closed = False
        self._coming = bytearray()
        self._vanished = False
        self._changed = threading.Condition()

    def say(self, data: bytes) -> None:
        """Bytes from the other side."""
        with self._changed:
            self._coming += data
            self._changed.notify_all()

    def vanish(self) -> None:
        with self._changed:
            self._vanished = True
            self._changed.notify_all()

    @property
    def in_waiting(self) -> int:
        return len(self._coming)

    def read(self, size: int, /) -> bytes:
        self.on_read()
        with self._changed:
            self._changed.wait_for(lambda: self._coming or self._vanished, self.timeout)
            if self._vanished and not self._coming:
                raise OSError(errno.EIO, "Input/output error")
            data = bytes(self._coming[:size])
            del self._coming[:size]
        return data

    def write(self, data: bytes, /) -> int | None:
        if self._vanished:
            raise OSError(errno.EIO, "Input/output error")
        self.written.append(data)
        self.say(self.answer(data))
        return len(data)

    def close(self) -> None:
        self.closed = True


class FakePump(ScriptedPort):
    """Executes commands at most once. What it answers can be changed by method: `results`, `refusals`."""

    def __init__(self, boot: int = 41) -> None:
        super().__init__(self._take)
        self.boot = boot
        self.results = dict(RESULTS)
        self.refusals: dict[str, dict[str, Any]] = {}
        # Commands and their parameters; those of two steps once they are confirmed.
        self.executed: list[tuple[str, dict[str, Any]]] = []
        self.proposed: list[tuple[str, dict[str, Any]]] = []  # the token is the place in the list, from 1
        self.lose_replies = 0  # so many are executed, but their reply is lost
        self.after: dict[str, bytes] = {}  # said right after the reply to a method
        self.at_enter = b""  # a pump ignores an empty line
        self.confirmed: list[dict[str, Any]] = []
        self.soft_limits: list[dict[str, Any]] = []
        self._kept: dict[int, tuple[bytes, bytes]] = {}

    def notify(self, method: str, **params: Any) -> None:
        self.say(line({"method": method, "params": params}))

    def restart(self, boot: int) -> None:
        self.boot = boot
        self._kept.clear()
        self.notify("ready", boot=boot, version="0.1.0", reset_cause="watchdog")

    def _take(self, data: bytes) -> bytes:
        if data == b"\r":
            return self.at_enter
        try:
            request = decode(data)
        except FrameError as error:
            return line({"id": None, "error": {"code": error.code, "message": str(error), "data": {}}})
        kept = self._kept.get(request["id"])
        reply = kept[1] if kept is not None and kept[0] == data else self._answer(request)
        if SCHEMA.kind(request["method"]) != SCHEMA.QUERY:
            self._kept[request["id"]] = (data, reply)
        if self.lose_replies:
            self.lose_replies -= 1
            return b""
        return reply + self.after.get(request["method"], b"")

    def _answer(self, request: dict[str, Any]) -> bytes:
        try:
            return line({"id": request["id"], "result": self._execute(params=request.pop("params", {}), **request)})
        except SCHEMA.Refused as refused:
            error = {"code": refused.code, "message": refused.message, "data": refused.data or {}}
            return line({"id": request["id"], "error": error})

    def _execute(self, id: int, method: str, params: dict[str, Any], boot: int | None = None) -> Any:
        kind = SCHEMA.kind(method)
        if kind != SCHEMA.QUERY and boot != self.boot:
            raise SCHEMA.Refused("other_boot", "the pump was reset")
        SCHEMA.check(method, params)
        if method in self.refusals:
            raise SCHEMA.Refused(**self.refusals[method])
        if method == "hello":
            return {**self.results["hello"], "boot": self.boot}
        if kind == SCHEMA.QUERY:
            return self.results[method]
        if kind == SCHEMA.TWO_STEP:
            return self._propose(method, params)
        if method == "confirm":
            self.confirmed.append(params)
            method, params = self.proposed[params["token"] - 1]
        self.executed.append((method, params))
        return self.results[method]

    def _propose(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.proposed.append((method, params))
        return {
            "token": len(self.proposed),
            "changes": CHANGES,
            "soft_limits": self.soft_limits,
            "expires_ms": 30_000,
        }
