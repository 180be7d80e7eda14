"""What the pump reports without being asked. Each is a JSON object with `method` and `params`, and has no id."""

from dataclasses import dataclass
from typing import Literal

from picoinfuse.client.wire import (
    BootNumber,
    Count,
    Index,
    Name,
    PressurePa,
    Priority,
    SignedRateUlH,
    SignedVolumeNl,
    State,
    Word,
)


@dataclass(frozen=True)
class Ready:
    """The pump has booted."""

    boot: BootNumber
    """The new boot number."""
    version: Word
    """Version of the firmware."""
    reset_cause: Literal["power_on", "reset", "watchdog", "crash"]
    """Why it booted."""


@dataclass(frozen=True)
class AlarmEvent:
    """An alarm was raised, has ended, or has changed its priority."""

    name: Name
    """The alarm; see [alarms.md](alarms.md)."""
    priority: Priority
    """Its priority now."""
    active: bool
    """False: it has ended."""
    seq: Count
    """Counts all changes of all alarms since boot. A gap means that changes were not reported."""
    t_ms: Index
    """Clock of the pump, from boot."""


@dataclass(frozen=True)
class StateEvent:
    """The state has changed."""

    state: State
    """The new state."""
    event: Name
    """What changed it, such as `start` or `alarm_stop`."""
    t_ms: Index
    """Clock of the pump, from boot."""


@dataclass(frozen=True)
class Telemetry:
    """Sent at the interval that the command `telemetry` has set."""

    seq: Count
    """Counts the reports since boot."""
    t_ms: Index
    """Clock of the pump, from boot."""
    state: State
    """State."""
    rate_ul_h: SignedRateUlH
    """Rate now."""
    delivered_nl: SignedVolumeNl
    """Delivered since `start`."""
    pressure_pa: PressurePa | None
    """Pressure; null when there is no valid reading."""
    dropped: Count
    """Reports dropped since boot because the host did not read."""


NOTIFICATIONS = {"ready": Ready, "alarm": AlarmEvent, "state": StateEvent, "telemetry": Telemetry}


@dataclass(frozen=True)
class Lost:
    """Not from the pump: the port vanished."""

    reason: str


Event = AlarmEvent | StateEvent | Ready | Lost
