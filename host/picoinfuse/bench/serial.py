"""A real board at a serial port, with nothing wired around it: what needs no bench can be tested on it.

Time is the wall clock's. Before each test the pump is stopped and reset by its link, so that each begins with a pump
that has just started. A rig (`rig_bench`) is the same with wires.
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
LOST = (PortError, NoBoard, NoAnswer, NotAPump)  # what a board that is gone, hung or without power looks like
RESET_TIMEOUT_S = 15.0
TESTED_S = 1.0  # after a reset: the self-test is over
STAND_S = 1.0  # after a stop: the ramp, and what was granted ahead


class NotWired(PicoinfuseError):
    """A test asks a bench for something that it has no wire for, and did not say that it needs it."""


class BoardLost(PicoinfuseError):
    """The board does not answer, and what the bench can do about it did not help."""


def lacking(cls: type[Any]) -> type[Any]:
    """Makes every method of Bench that the class has not got refuse by name, instead of doing nothing."""

    def refusal(name: str) -> Callable[..., Any]:
        def refuse(self: Any, *_: object, **__: object) -> Any:
            raise NotWired(f"bench {self.name} has no {name}(): nothing is wired for it")

        return refuse

    shared = inspect.getmro(Bench)
    own = {name for base in inspect.getmro(cls) if base not in shared for name in vars(base)}
    for name, member in vars(Bench).items():
        if callable(member) and not name.startswith("_") and name not in own:
            setattr(cls, name, refusal(name))
    return cls


@lacking
class SerialBench(Bench):
    """A context manager. `port`: what pyserial opens."""

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
        with suppress(PicoinfuseError):  # it may be lost; the next test's beginning finds out
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
        """Once more from the beginning, for a board that came back by itself; there is no wire to do more with."""
        try:
            self._fresh()
        except LOST as again:
            self.pump.close()
            raise BoardLost(f"the board at {self._port} is lost: {again}") from lost

    def _fresh(self) -> None:
        """A pump that has just started, idle."""
        self.pump.reconnect(RESET_TIMEOUT_S)
        with suppress(PumpError):  # there may be nothing to stop
            self.pump.stop()
            self.sleep(STAND_S)
        self.pump.reset(RESET_TIMEOUT_S)
        self.sleep(TESTED_S)
        with suppress(PumpError):
            self.pump.clear_alarms()  # of the test before
