"""The time axis of a run's picture and what lies along it: bars of states and alarms, marks of commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from picoinfuse.report.model import AlarmSpan, Marker, Run, StateSpan

# (unit, seconds in it, length of run from which it is used, distances of ticks that read well)
TIME_UNITS = (
    ("h", 3600, 3 * 3600, (0.5, 1, 2, 3, 6, 12, 24, 48, 120, 240)),
    ("min", 60, 180, (0.5, 1, 2, 5, 10, 15, 20)),
    ("s", 1, 0, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)),
)
MOST_TICKS = 12
STATE_COLOURS = {"infusing": "working", "alarm_stopped": "stopped", "fault": "stopped"}
CLOSE = 0.03  # of the axis: marks nearer than this share a label
LETTER = 0.009  # of the axis: about one letter of a bar's label


class TimeAxis:
    """Seconds of the trace, turned into a position on the axis, which begins at 0 with the run."""

    def __init__(self, run: Run) -> None:
        self.start_s = run.start_s
        self.unit, self.second, _, ticks = next(unit for unit in TIME_UNITS if run.seconds >= unit[2])
        self.end = max(run.seconds, 1.0) / self.second
        self.tick = next((tick for tick in ticks if self.end / tick <= MOST_TICKS), ticks[-1])

    def of(self, t_s: NDArray[np.floating]) -> NDArray[np.floating]:
        return (t_s - self.start_s) / self.second

    def at(self, t_s: float) -> float:
        return (t_s - self.start_s) / self.second


def window(seconds: int) -> str:
    """A round time in its largest unit: `30 s`, `5 min`, `1 h`."""
    size, unit = next((s, u) for u, s, _, _ in TIME_UNITS if seconds % s == 0)
    return f"{seconds // size} {unit}"


def timeline_rows(run: Run) -> list[str]:
    """The state, then each alarm that sounded, in the order in which they came."""
    return ["state", *dict.fromkeys(alarm.name for alarm in run.alarms)]


def draw_timeline(panel: Axes, run: Run, time: TimeAxis, ink: Mapping[str, str]) -> None:
    rows = timeline_rows(run)
    for span in run.states:
        _bar(
            panel,
            run,
            time,
            0,
            span,
            STATE_COLOURS.get(span.state, "resting"),
            span.state.replace("_", " "),
            ink,
        )
    for alarm in run.alarms:
        _bar(panel, run, time, rows.index(alarm.name), alarm, alarm.priority, "", ink)
    if not run.states:
        panel.text(0.5, 0, "no states told", transform=panel.get_yaxis_transform(), **_middle(ink["quiet"]))
    panel.set_yticks(range(len(rows)), [row.replace("_", " ") for row in rows])
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")
    panel.set_title("State and alarms", loc="left", color=ink["ink"], fontsize=10, fontweight="bold", pad=5)


def draw_markers(panels: Sequence[Axes], run: Run, time: TimeAxis, ink: Mapping[str, str]) -> None:
    """A line for each command, numbered above the first panel as in the list of events."""
    for marker in run.commands:
        for panel in panels:
            panel.axvline(time.at(marker.t_s), color=ink["quiet"], linewidth=0.8, linestyle=":", zorder=0.5)
    for first, last in grouped(run.commands, CLOSE * time.end * time.second):
        middle_s = (run.commands[first].t_s + run.commands[last].t_s) / 2
        label = str(first + 1) if first == last else f"{first + 1}–{last + 1}"
        panels[0].annotate(
            label,
            (time.at(middle_s), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 20),
            textcoords="offset points",
            color=ink["quiet"],
            fontsize=8,
            ha="center",
            va="bottom",
        )


def grouped(markers: Sequence[Marker], close_s: float) -> list[tuple[int, int]]:
    """Numbers of the first and last marker of each run of markers that lie close together."""
    groups: list[tuple[int, int]] = []
    for k, marker in enumerate(markers):
        if groups and marker.t_s - markers[groups[-1][0]].t_s < close_s:
            groups[-1] = (groups[-1][0], k)
        else:
            groups.append((k, k))
    return groups


def _bar(
    panel: Axes,
    run: Run,
    time: TimeAxis,
    row: int,
    span: StateSpan | AlarmSpan,
    colour: str,
    label: str,
    ink: Mapping[str, str],
) -> None:
    start = max(0.0, time.at(span.start_s))
    end = min(time.end, time.at(run.until_s if span.end_s is None else span.end_s))
    if end <= start:
        return
    panel.barh(row, end - start, left=start, height=0.62, color=ink[colour], linewidth=0)
    if label and (end - start) / time.end > LETTER * len(label):
        panel.text((start + end) / 2, row, label, **_middle(ink["ink"]))


def _middle(colour: str) -> dict[str, Any]:
    return {"ha": "center", "va": "center_baseline", "color": colour, "fontsize": 8}
