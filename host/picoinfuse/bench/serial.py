"""A real board at a serial port with nothing else connected: for tests that need no capability.

Time is the wall clock. Before each test the pump is stopped and reset through its link, so that each test begins with a
freshly started pump. A rig (bench/rig.py) adds wiring to it.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from picoinfuse.bench.base import Bench
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import NoAnswer, NoBoard, NotAPump, PicoinfuseError, PortError, PumpError
from picoinfuse.profile import Profile
from picoinfuse.trace.trace import Trace

CAPABILITIES_OF_SERIAL: frozenset[str] = frozenset()
LOST = (PortError, NoBoard, NoAnswer, NotAPump)  # errors of a board that is unplugged, hung or without power
RESET_TIMEOUT_S = 15.0
TESTED_S = 1.0  # after a reset: the self-test is over
STAND_S = 1.0  # after a stop: the motor has stopped; it ramps down and makes the steps granted ahead


class NotWired(PicoinfuseError):
    """A test used a function of the bench that is not wired, without naming the capability that it needs."""


class BoardLost(PicoinfuseError):
    """The board does not answer, and the bench could not recover it."""


def refuse_missing(cls: type[Any]) -> type[Any]:
    """Class decorator: every method of Bench that the class does not define raises NotWired."""

    def refusal(name: str) -> Callable[..., Any]:
        def refuse(self: Any, *_: object, **__: object) -> Any:
            raise NotWired(f"bench {self.name} has no wiring for {name}()")

        return refuse

    shared = inspect.getmro(Bench)
    own = {name for base in inspect.getmro(cls) if base not in shared for name in vars(base)}
    for name, member in vars(Bench).items():
        if callable(member) and not name.startswith("_") and name not in own:
            setattr(cls, name, refusal(name))
    return cls


@refuse_missing
class SerialBench(Bench):
    """A Bench with a board at `port`, a name or URL that pyserial opens; a context manager."""

    def __init__(self, profile: Profile, port: str, *, seed: int = 1, name: str = "serial") -> None:
        self.name = name
        self.profile = profile
        self.seed = seed
        self.capabilities = CAPABILITIES_OF_SERIAL
        self.trace = Trace()
        self.pump = Pump(port)
        self._port = port
        self._began_s = time.monotonic()
        self.pump.traffic.clock = self.now

    def __enter__(self) -> Self:
        try:
            self._fresh()
        except LOST as lost:
            self.pump.close()
            self.recover(lost)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(PicoinfuseError):  # it may be lost; the next test detects that
            self.pump.stop()
        self.pump.close()

    @property
    def port(self) -> str:
        return self._port

    def now(self) -> float:
        return time.monotonic() - self._began_s

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        self.pump.check_port()

    def write_raw(self, data: bytes) -> None:
        self.pump.write_raw(data)

    def recover(self, lost: Exception) -> None:
        """Tries once more, in case the board recovered by itself. Raises BoardLost."""
        try:
            self._fresh()
        except LOST as again:
            self.pump.close()
            raise BoardLost(f"the board at {self._port} is lost: {again}") from lost

    def _fresh(self) -> None:
        """Stops and resets the pump, and waits until it is idle."""
        self.pump.reconnect(RESET_TIMEOUT_S)
        with suppress(PumpError):  # it may not be infusing
            self.pump.stop()
            self.sleep(STAND_S)
        self.pump.reset(RESET_TIMEOUT_S)
        self.sleep(TESTED_S)
        with suppress(PumpError):
            self.pump.clear_alarms()  # of the previous test
