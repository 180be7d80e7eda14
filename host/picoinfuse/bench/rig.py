"""A real board with wires around it, as a rig file says: valve, supply, RUN and buttons, driven through Blinka."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from picoinfuse.bench.serial import LOST, BoardLost, NotWired, SerialBench, lacking
from picoinfuse.deploy import deploy
from picoinfuse.errors import NoBoard, PicoinfuseError
from picoinfuse.profile import Profile
from picoinfuse.rig.file import Rig
from picoinfuse.rig.place import port_of
from picoinfuse.rig.stimuli import Stimuli

RUN_LOW_S = 0.01
OFF_S = 2.0  # until the capacitors of a Pico are empty
BACK_S = 10.0  # within which a board is on USB again


@lacking
class RigBench(SerialBench):
    """A context manager; the lines are let go at its end. `stimuli` is what drives them."""

    def __init__(self, profile: Profile, rig: Rig, stimuli: Stimuli, *, seed: int = 1) -> None:
        super().__init__(profile, port_of(rig), seed=seed, name=f"rig:{rig.file}")
        self.capabilities = rig.capabilities
        self._rig = rig
        self._stimuli = stimuli

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for line in self._rig.lines:
            self._stimuli.drive(line, False)

    def occlude(self, closed: bool = True) -> None:
        self._drive("valve", closed)

    def reset(self) -> None:
        self._drive("run", True)
        time.sleep(RUN_LOW_S)
        self._drive("run", False)
        self.pump.reconnect(BACK_S, after_reset=True)
        self.sleep(1.0)

    def power_cycle(self, off_s: float = OFF_S) -> None:
        self._drive("supply_off", True)
        time.sleep(max(off_s, OFF_S))
        self._drive("supply_off", False)
        self.pump.reconnect(BACK_S, after_reset=True)
        self.sleep(1.0)

    def press(self, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
        """`bounce` as of every bench; the adapter takes a few ms for each change, so it bounces more slowly."""
        for closed, pause_s in enumerate(bounce, start=1):
            self._drive(name, closed % 2 == 1)
            time.sleep(pause_s)
        self._drive(name, True)
        time.sleep(seconds)
        self._drive(name, False)

    def recover(self, lost: Exception) -> None:
        """The supply away for a while, or RUN low; then the board is looked for, and deployed to when it must be."""
        self._restart()
        deadline_s = time.monotonic() + BACK_S
        while True:
            try:
                self._at(port_of(self._rig))
                self._fresh()
                return
            except NoBoard as again:
                problem: PicoinfuseError = again
            except LOST as again:
                problem = again
                self.pump.close()
                with suppress(PicoinfuseError):
                    deploy(port_of(self._rig), self.profile)
            if time.monotonic() > deadline_s:
                raise BoardLost(f"the board of {self._rig.file} is lost, and did not come back: {problem}") from lost
            time.sleep(0.5)

    def _restart(self) -> None:
        line, low_s = ("supply_off", OFF_S) if "supply_off" in self._rig.lines else ("run", RUN_LOW_S)
        if line in self._rig.lines:
            self._stimuli.drive(line, True)
            time.sleep(low_s)
            self._stimuli.drive(line, False)

    def _drive(self, line: str, active: bool) -> None:
        if line not in self._rig.lines:
            raise NotWired(f"{self._rig.file}: [lines] has no {line}")
        self._stimuli.drive(line, active)
