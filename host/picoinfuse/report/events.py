"""What happened in a run, as one list in time order: commands, states, alarms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from picoinfuse.report.model import Run

MOST_EVENTS = 300  # on the page; the rest is counted
PUMP_TICK_S = 0.002  # the pump tells times in ms, counted from a boot that is known to 1 ms


@dataclass(frozen=True)
class ReportEvent:
    """`number` is that of a command's mark in the picture, `kind` its colour in the list."""

    t_s: float  # since the start of the run
    kind: str  # command, state, high, medium, low, cleared
    text: str
    number: int | None = None

    @property
    def clock(self) -> str:
        minutes, seconds = divmod(self.t_s, 60)
        hours, minutes = divmod(int(minutes), 60)
        return f"{hours}:{minutes:02d}:{seconds:04.1f}"


def events(run: Run) -> list[ReportEvent]:
    """In time order; a command comes before what it caused at once."""
    within = (event for event in _all(run) if 0 <= event.t_s <= run.seconds)
    return sorted(within, key=lambda event: event.t_s - PUMP_TICK_S * (event.kind == "command"))


def _all(run: Run) -> Iterator[ReportEvent]:
    for number, marker in enumerate(run.commands, start=1):
        yield ReportEvent(marker.t_s - run.start_s, "command", marker.text, number)
    for alarm in run.alarms:
        name = alarm.name.replace("_", " ")
        yield ReportEvent(alarm.start_s - run.start_s, alarm.priority, f"alarm: {name} ({alarm.priority})")
        if alarm.end_s is not None:
            yield ReportEvent(alarm.end_s - run.start_s, "cleared", f"alarm over: {name}")
    for span in run.states:
        yield ReportEvent(span.start_s - run.start_s, "state", f"state: {span.state.replace('_', ' ')}")
