"""What is known between two looks at a running pump: what it says, what the wires did, where the volume went."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from picoinfuse.bench.base import Bench
from picoinfuse.client.messages import AlarmEvent, Event, Ready, StateEvent, Status
from picoinfuse.common.errors import PicoinfuseError

LEAD_S = 0.4  # motion is granted 300 ms ahead at most; the rest is the loop's look at its tasks


@dataclass
class Infusion:
    """Since the last `start` that was taken. Cleared by a reset."""

    vtbi_nl: int | None
    began_ns: int
    world_nl: float  # what was out of the syringe by then
    steps: int  # edges that moved the motor by then
    spoiled: bool = False  # a fault has parted the motor from its steps: what the pump says cannot be true


@dataclass
class Window:
    """From the look before to this one. None where the pump does not answer."""

    from_ns: int
    to_ns: int
    before: Status | None
    after: Status | None
    events: list[Event]
    infusion: Infusion | None
    faults: frozenset[str]  # of ACTS' `break`, at any time within
    shocked: bool  # a fault that is over, or a reset
    booted: bool  # it is another boot than at the look before
    step_nl: float
    max_hz: float
    bench: Bench = field(repr=False)

    @property
    def states(self) -> set[str]:
        """Every state that the pump had, as far as told."""
        told = {event.state for event in self.events if isinstance(event, StateEvent)}
        if self.booted or any(isinstance(event, Ready) for event in self.events):
            told.add("self_test")  # it begins with that, and says nothing of it
        return told | {status.state for status in (self.before, self.after) if status is not None}

    @property
    def relieved(self) -> bool:
        """The plunger may have been drawn back."""
        return "alarm_stopped" in self.states

    def told(self, name: str) -> bool:
        return any(isinstance(event, AlarmEvent) and event.name == name and event.active for event in self.events)

    def motor_steps_ns(self, from_ns: int | None = None) -> np.ndarray:
        """Rising edges on STEP while ENABLE is low."""
        return motor_steps_ns(self.bench, self.from_ns if from_ns is None else from_ns, self.to_ns)


def motor_steps_ns(bench: Bench, from_ns: int, to_ns: int) -> np.ndarray:
    steps = bench.trace.edges("step", True, from_ns, to_ns)
    changes, levels = bench.trace.transitions("enable", from_ns, to_ns)
    held = np.concatenate(([bench.trace.level_at("enable", from_ns)], levels))
    return steps[held[np.searchsorted(changes, steps, "right")] == 0]


def ask(bench: Bench) -> Status | None:
    """What the pump says of itself; None when it does not answer."""
    with suppress(PicoinfuseError):
        bench.pump.hello()  # after a reset commands need the new boot number
        return bench.pump.status()
    bench.sleep(3.0)  # the watchdog bites after 2 s, and the pump is up 0.5 s later
    with suppress(PicoinfuseError):
        bench.pump.reconnect(timeout_s=2.0)
        return bench.pump.status()
    return None
