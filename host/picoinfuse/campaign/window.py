"""Observations between two queries of a running pump: its reports, the signals on its wires, the true volume."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from picoinfuse.bench.base import Bench
from picoinfuse.client.methods.status import Status
from picoinfuse.client.notifications import AlarmEvent, Event, Ready, StateEvent
from picoinfuse.common.errors import PicoinfuseError

LEAD_S = 0.4  # motion is granted at most 300 ms ahead; 100 ms are for the main loop


@dataclass
class Infusion:
    """The infusion since the last accepted `start`. A reset clears it."""

    vtbi_nl: int | None
    began_ns: int
    world_nl: float  # volume delivered before it
    steps: int  # STEP edges before it
    volume_unknown: bool = False  # a fault separated the motor from its steps: the pump cannot know the volume


@dataclass
class Window:
    """The time between the previous query and this one. `before`, `after`: None when the pump did not answer."""

    from_ns: int
    to_ns: int
    before: Status | None
    after: Status | None
    events: list[Event]
    infusion: Infusion | None
    faults: frozenset[str]  # faults present at any time within
    disturbed: bool  # a passing fault or a reset occurred
    booted: bool  # the pump has started since the previous query
    step_nl: float
    max_hz: float
    bench: Bench = field(repr=False)

    @property
    def states(self) -> set[str]:
        """All states of the pump, as far as reported."""
        reported = {event.state for event in self.events if isinstance(event, StateEvent)}
        if self.booted or any(isinstance(event, Ready) for event in self.events):
            reported.add("self_test")  # the first state after a start; not reported
        return reported | {status.state for status in (self.before, self.after) if status is not None}

    @property
    def relieved(self) -> bool:
        """True when the plunger may have been drawn back."""
        return "alarm_stopped" in self.states

    def raised(self, name: str) -> bool:
        """True when the alarm was raised within the window."""
        return any(isinstance(event, AlarmEvent) and event.name == name and event.active for event in self.events)

    def motor_steps_ns(self, from_ns: int | None = None) -> np.ndarray:
        """Times (ns) of rising edges on STEP while ENABLE is low."""
        return motor_steps_ns(self.bench, self.from_ns if from_ns is None else from_ns, self.to_ns)


def motor_steps_ns(bench: Bench, from_ns: int, to_ns: int) -> np.ndarray:
    """Times (ns) of rising edges on STEP while ENABLE is low."""
    steps = bench.trace.edges("step", True, from_ns, to_ns)
    changes, levels = bench.trace.transitions("enable", from_ns, to_ns)
    held = np.concatenate(([bench.trace.level_at("enable", from_ns)], levels))
    return steps[held[np.searchsorted(changes, steps, "right")] == 0]


def ask(bench: Bench) -> Status | None:
    """The pump's status; None when it does not answer, even after a watchdog reset."""
    with suppress(PicoinfuseError):
        bench.pump.hello()  # after a reset commands need the new boot number
        return bench.pump.status()
    bench.sleep(3.0)  # the watchdog resets it after 2 s, and it is up 0.5 s later
    with suppress(PicoinfuseError):
        bench.pump.reconnect(timeout_s=2.0)
        return bench.pump.status()
    return None
