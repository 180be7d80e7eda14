"""What a rig's bench wants of whatever captures its edges, and the one that its file names."""

from __future__ import annotations

from typing import Protocol

from picoinfuse.rig.file import Rig
from picoinfuse.rig.instrument.pico import PicoInstrument
from picoinfuse.rig.instrument.sigrok import SigrokInstrument
from picoinfuse.rig.port_lookup import port_at
from picoinfuse.trace.trace import Trace


class Capture(Protocol):
    """Errors are InstrumentErrors."""

    def start(self) -> None:
        """Makes it ready, again when something was lost."""
        ...

    def begin(self, trace: Trace) -> None:
        """From here on edges go there; the time is 0."""
        ...

    def now(self) -> float:
        """In s since `begin`."""
        ...

    def catch_up(self) -> None:
        """Waits until all that happened until now is in the trace."""
        ...

    def close(self) -> None: ...


def capture_of(rig: Rig) -> Capture | None:
    wired = rig.instrument
    if wired is None:
        return None
    if wired.analyser is not None:
        return SigrokInstrument(wired.analyser)
    return PicoInstrument(port_at(rig.file, wired.port, wired.location))
