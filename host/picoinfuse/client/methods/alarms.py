"""Alarms: which are active, acknowledging, silencing and clearing them, and trying their sound."""

from dataclasses import dataclass, replace
from typing import Annotated

from picoinfuse.client.caller import Caller, Proposal
from picoinfuse.client.method import Command, Query, TwoStep
from picoinfuse.client.wire import Index, Name, OcclusionLevelName, PressurePa, Priority, Range, State
from picoinfuse.common.errors import BadReply


@dataclass(frozen=True)
class Alarm:
    """An active alarm."""

    name: Name
    """The alarm; see [alarms.md](alarms.md)."""
    priority: Priority
    """Its priority now: `high` while it is escalated."""
    latched: bool
    """Its cause is gone; it waits for `clear_alarms`."""
    acknowledged: bool
    """An operator has acknowledged it, so it does not escalate."""
    escalated: bool
    """It was raised to `high` because it was not acknowledged in time."""


@dataclass(frozen=True)
class Alarms:
    """The active alarms. A reply has at most 7 of them."""

    active: tuple[Alarm, ...]
    """From `first` on, highest priority first."""
    count: Index
    """How many alarms are active."""
    silenced_ms: Annotated[int, Range(0, 120_000)]
    """Time left of the audio pause."""


@dataclass(frozen=True)
class Acknowledged:
    """The result of `acknowledge`."""

    acknowledged: Index
    """How many alarms were marked as acknowledged."""


@dataclass(frozen=True)
class Silenced:
    """The audio pause."""

    silenced_ms: Annotated[int, Range(0, 120_000)]
    """Time left of the audio pause; 0 when there is nothing to silence."""


@dataclass(frozen=True)
class Cleared:
    """The result of `clear_alarms`."""

    state: State
    """State now."""
    alarms: tuple[Name, ...]
    """Alarms still active, highest first, at most 8."""


@dataclass(frozen=True)
class AlarmTest:
    """A test of an alarm's signals."""

    priority: Priority
    """Priority that sounds."""
    duration_ms: Annotated[int, Range(1, 60_000)]
    """How long it lasts."""


@dataclass(frozen=True)
class OcclusionLevel:
    """The occlusion level in force."""

    level: OcclusionLevelName
    """The level."""
    limit_pa: PressurePa
    """Pressure at which the pump stops."""


ALARMS = Query("alarms", Alarms, {"first": "First row to report; a reply has at most 7"})
ACKNOWLEDGE = Command("acknowledge", Acknowledged)
SILENCE = Command("silence", Silenced)
CLEAR_ALARMS = Command("clear_alarms", Cleared)
ALARM_TEST = Command("alarm_test", AlarmTest, {"priority": "Priority to sound and show"})
OCCLUSION_LEVEL = TwoStep("occlusion_level", OcclusionLevel, {"level": "New level"})


class AlarmMethods(Caller):
    """Alarms and the occlusion level."""

    def alarms(self) -> Alarms:
        """Lists the active alarms."""
        page = whole = self.query(ALARMS)
        while len(whole.active) < whole.count and page.active:
            page = self.query(ALARMS, first=len(whole.active))
            whole = replace(whole, active=whole.active + page.active)
        if len(whole.active) < whole.count:  # an alarm that comes meanwhile is no error, one that is missing is
            raise BadReply("alarms", "active", f"{whole.count} rows in all", str(len(whole.active)))
        return whole

    def acknowledge(self) -> int:
        """Marks the active alarms as seen: they do not escalate. Their sound goes on.

        Returns how many were marked.
        """
        return self.command(ACKNOWLEDGE).acknowledged

    def silence(self) -> int:
        """Pauses the alarm sound for 2 min. Repeating it does not make the pause longer.

        Returns how long the audio pause still lasts, in ms.
        """
        return self.command(SILENCE).silenced_ms

    def clear_alarms(self) -> Cleared:
        """Ends the alarms whose cause is gone, and leaves `alarm_stopped` when none stops delivery any more."""
        return self.command(CLEAR_ALARMS)

    def alarm_test(self, priority: str) -> AlarmTest:
        """Sounds and shows the signals of a priority once. Refused while an alarm or another test sounds."""
        return self.command(ALARM_TEST, priority=priority)

    def occlusion_level(self, level: str) -> OcclusionLevel:
        """Sets the pressure at which the pump stops: low, medium or high."""
        return self.confirm(self.propose_occlusion_level(level))

    def propose_occlusion_level(self, level: str) -> Proposal[OcclusionLevel]:
        """The first step of `occlusion_level`."""
        return self.propose(OCCLUSION_LEVEL, level=level)
