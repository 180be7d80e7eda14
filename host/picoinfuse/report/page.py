"""The report of a run: one HTML file that needs nothing else, to be sent to a colleague or kept as evidence.

The same run gives the same bytes: nothing on the page comes from the clock of the machine that wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from picoinfuse.common.units import duration
from picoinfuse.report.colors import css_variables
from picoinfuse.report.events import MOST_EVENTS, events
from picoinfuse.report.figure import svg
from picoinfuse.report.model import AlarmSpan, ClosedSpan, Marker, OrderedSpan, Run, StateSpan
from picoinfuse.report.summary import summary
from picoinfuse.trace.trace import Trace


def write_run_report(
    path: Path,
    *,
    title: str,
    facts: Mapping[str, str],
    trace: Trace,
    alarms: Sequence[AlarmSpan] = (),
    commands: Sequence[Marker] = (),
    states: Sequence[StateSpan] = (),
    ordered: Sequence[OrderedSpan] = (),
    closed: Sequence[ClosedSpan] = (),
    limit_pa: int | None = None,
    counted_nl: int | None = None,
    notes: Sequence[str] = (),
    start_s: float = 0.0,
    end_s: float | None = None,
) -> None:
    """Write the page of a run; the arguments are the fields of `Run`."""
    run = Run(
        title=title,
        facts=facts,
        trace=trace,
        alarms=alarms,
        commands=commands,
        states=states,
        ordered=ordered,
        closed=closed,
        limit_pa=limit_pa,
        counted_nl=counted_nl,
        notes=notes,
        start_s=start_s,
        end_s=end_s,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(run), encoding="utf-8", newline="\n")


def render(run: Run) -> str:
    """The page as text."""
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    told = events(run)
    return environment.get_template("page.html.j2").render(
        run=run,
        summary=summary(run),
        lasted=duration(run.seconds),
        picture=Markup(svg(run)),
        events=told[:MOST_EVENTS],
        more_events=max(0, len(told) - MOST_EVENTS),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )
