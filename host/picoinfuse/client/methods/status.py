"""What the pump is doing: identity, status, telemetry, the tasks of its loop."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from picoinfuse.client.caller import Caller
from picoinfuse.client.hello import Hello
from picoinfuse.client.method import Command, Query
from picoinfuse.client.wire import (
    Count,
    DrugName,
    Index,
    LibraryId,
    Name,
    OcclusionLevelName,
    PressurePa,
    Range,
    Ratio,
    SignedMs,
    SignedRateUlH,
    SignedVolumeNl,
    State,
    TotalS,
    VolumeNl,
)
from picoinfuse.common.errors import BadReply


@dataclass(frozen=True)
class Status:
    """Everything that a display shows at once."""

    state: State
    """State."""
    rate_ul_h: SignedRateUlH
    """Rate now, ramps included; negative while the plunger is drawn back."""
    target_ul_h: SignedRateUlH
    """Rate that the motor ramps to."""
    delivered_nl: SignedVolumeNl
    """Delivered since `start`, from the step counter."""
    vtbi_nl: VolumeNl | None
    """Volume to be infused; null when there is no limit."""
    kvo: bool
    """Only the KVO rate flows, or less: the regimen is complete, or an alarm holds it."""
    pressure_pa: PressurePa | None
    """Pressure; null when there is no valid reading."""
    occlusion_level: OcclusionLevelName | None
    """Occlusion level that is set."""
    limit_pa: PressurePa | None
    """Its pressure limit."""
    alarms: tuple[Name, ...]
    """Active alarms, highest first, at most 8; `alarms` reports all."""
    silenced_ms: Annotated[int, Range(0, 120_000)]
    """Time left of the audio pause."""
    calibration: Ratio | None
    """Calibration factor in force; null when it is not known."""
    library: LibraryId | None
    """Drug library in force."""
    drug: DrugName | None
    """Drug of the infusion."""
    reservoir_nl: VolumeNl | None
    """Left in the reservoir; null when no refill was reported. See [reservoir.md](reservoir.md)."""
    empty_s: TotalS | None
    """Time until the reservoir is empty; null when unknown, or when the therapy ends before."""
    steps_commanded: Count
    """Motor steps commanded in this infusion, in either direction."""
    steps_counted: Count
    """Motor steps counted on the STEP pin in this infusion, in either direction."""
    recovery: Literal["relieving", "checking"] | None
    """After an occlusion: the plunger is drawn back, or the 15 s before an automatic restart."""
    overruns: Count
    """Missed deadlines of tasks since boot."""
    heap_free: Count
    """Bytes free after a garbage collection, at most 5 s ago."""
    uptime_ms: SignedMs
    """Time since boot."""
    telemetry_dropped: Count
    """Telemetry reports dropped since boot because the host did not read."""


@dataclass(frozen=True)
class Task:
    """A task of the firmware's scheduler."""

    name: Name
    """Name of the task."""
    runs: Count
    """How often it ran."""
    overruns: Count
    """How often it missed its deadline."""
    late_ms: SignedMs
    """Its largest lateness."""


@dataclass(frozen=True)
class Tasks:
    """The tasks of the firmware's scheduler, and how late they were. A reply has at most 10 of them."""

    loops: Count
    """Turns of the main loop."""
    overruns: Count
    """Missed deadlines of all tasks."""
    count: Index
    """How many tasks there are."""
    tasks: tuple[Task, ...]
    """From `first` on."""


@dataclass(frozen=True)
class TelemetryPeriod:
    """The interval in force."""

    period_ms: Annotated[int, Range(0, 10_000)]
    """Interval; 0: none are sent."""


STATUS = Query("status", Status)
TASKS = Query("tasks", Tasks, {"first": "First row to report; a reply has at most 10"})
TELEMETRY = Command("telemetry", TelemetryPeriod, {"period_ms": "Interval; 0 ends telemetry"})


class StatusMethods(Caller):
    """Status, telemetry, tasks."""

    def hello(self) -> Hello:
        """Identifies the pump: version, board, profile, boot number."""
        return self._hello(self.timeout_s)

    def status(self) -> Status:
        """Reports what the pump is doing now."""
        return self.query(STATUS)

    def tasks(self) -> Tasks:
        """Lists the tasks of the firmware's scheduler, and how late they were."""
        page = whole = self.query(TASKS)
        while len(whole.tasks) < whole.count and page.tasks:
            page = self.query(TASKS, first=len(whole.tasks))
            whole = replace(whole, tasks=whole.tasks + page.tasks)
        if len(whole.tasks) != whole.count:
            raise BadReply("tasks", "tasks", f"{whole.count} rows in all", str(len(whole.tasks)))
        return whole

    def telemetry(self, hz: float) -> int:
        """Sets how often the pump sends telemetry.

        `hz`: reports per second, 0 for none. Returns the interval in ms.
        """
        return self.command(TELEMETRY, period_ms=round(1000 / hz) if hz else 0).period_ms
