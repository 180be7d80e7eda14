"""What a check of the wiring works with: the pump, the lines, and time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import NoAnswer, NotAPump, PicoinfuseError, PortError, PumpError
from picoinfuse.profile import Profile
from picoinfuse.rig.capture import Capture
from picoinfuse.rig.file import Rig
from picoinfuse.rig.stimuli import Stimuli
from picoinfuse.trace.trace import Trace

LOST = (PortError, NoAnswer, NotAPump)
LOOK_S = 0.1
BACK_S = 15.0  # of wall time, within which a pump answers after a reset
TESTED_S = 6.0  # within which its self-test is over


class Desk:
    """`sleep` lets time pass for the pump, in s. `capture`: what sees edges, ready."""

    def __init__(
        self,
        rig: Rig,
        profile: Profile,
        pump: Pump,
        stimuli: Stimuli,
        sleep: Callable[[float], None],
        capture: Capture | None = None,
    ) -> None:
        self.rig = rig
        self.profile = profile
        self.pump = pump
        self.stimuli = stimuli
        self.sleep = sleep
        self.capture = capture

    @contextmanager
    def captured(self) -> Iterator[Trace]:
        """What the instrument sees meanwhile; whole at the end."""
        assert self.capture is not None  # such a check is left out without one
        trace = Trace()
        self.capture.begin(trace)
        yield trace
        self.capture.catch_up()

    @contextmanager
    def held(self, line: str) -> Iterator[None]:
        """The line is active meanwhile."""
        self.stimuli.drive(line, True)
        try:
            yield
        finally:
            self.stimuli.drive(line, False)

    def answers(self) -> bool:
        """Is there a pump, now?"""
        try:
            self.pump.reconnect(0.0)
        except (*LOST, PumpError):
            return False
        return True

    def comes_back(self) -> bool:
        """Waits for a pump that was reset."""
        try:
            self.pump.reconnect(BACK_S, after_reset=True)
        except (*LOST, PumpError):
            return False
        self.wait_for(lambda: self.pump.status().state != "self_test", TESTED_S)
        return True

    def wait_for(self, seen: Callable[[], bool], limit_s: float) -> bool:
        """Until it is so; False when it is not within `limit_s`."""
        for _ in range(round(limit_s / LOOK_S)):
            if seen():
                return True
            self.sleep(LOOK_S)
        return seen()

    def pressure_pa(self) -> int | None:
        return self.pump.status().pressure_pa

    def settle(self) -> None:
        """Every line inactive, the pump idle and without alarms; by a reset when it must be."""
        for line in self.rig.lines:
            self.stimuli.drive(line, False)
        with suppress(PumpError):  # nothing to stop
            self.pump.stop()
        self.sleep(1.0)  # the ramp, and what was granted ahead
        with suppress(PumpError):
            self.pump.clear_alarms()
        if self.pump.status().state != "idle":
            with suppress(PicoinfuseError):
                self.pump.reset(BACK_S)
            self.wait_for(lambda: self.pump.status().state == "idle", TESTED_S)
