"""One picture of a run: rate, pressure, volume, states and alarms above one time axis.

matplotlib's Figure is used without pyplot, so no figure is kept anywhere. The SVG is the same for the same
run: no date, fixed ids.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from picoinfuse.common.units import UL_PER_ML
from picoinfuse.report import series
from picoinfuse.report.colors import LIGHT, STAND_IN, to_variables
from picoinfuse.report.model import Run
from picoinfuse.report.panels import DASHES, STYLE, dress, head, save
from picoinfuse.report.summary import has_volume, mmhg
from picoinfuse.report.timeline import TimeAxis, draw_markers, draw_timeline, timeline_rows, window

OPENING = r'<svg class="run" role="img" aria-label="rate, pressure, volume, states against time" \1>'
WIDTH_IN = 10.0
RIGHT_IN, TOP_IN, BOTTOM_IN = 0.2, 0.55, 0.5
PANEL_IN, GAP_IN, ROW_IN = 1.7, 0.42, 0.27
LETTER_IN = 0.082  # of a row's name
VOLUMES = {
    "delivered_nl": ("delivered", "out of the syringe"),
    "patient_nl": ("patient", "into the patient"),
}


def svg(run: Run) -> str:
    """The picture as an <svg> element whose colours are CSS variables."""
    out = io.StringIO()
    with mpl.rc_context(STYLE):
        draw(run, STAND_IN).savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    element = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return to_variables(re.sub(r'<svg [^>]*(viewBox="[^"]*")[^>]*>', OPENING, element, count=1))


def png(run: Run, path: Path) -> None:
    """The picture as a file, in light colours."""
    save(lambda: draw(run, LIGHT), path)


def draw(run: Run, ink: Mapping[str, str]) -> Figure:
    """The four panels, from top to bottom."""
    time = TimeAxis(run)
    rows = timeline_rows(run)
    rows_in, left_in = ROW_IN * len(rows), LETTER_IN * max(8, *map(len, rows))
    height_in = TOP_IN + 3 * (PANEL_IN + GAP_IN) + rows_in + BOTTOM_IN
    figure = Figure(figsize=(WIDTH_IN, height_in))
    panels, top_in = [], height_in - TOP_IN
    for panel_in in (PANEL_IN, PANEL_IN, PANEL_IN, rows_in):
        box = (left_in, top_in - panel_in, WIDTH_IN - left_in - RIGHT_IN, panel_in)
        panels.append(figure.add_axes(_fractions(box, height_in)))
        top_in -= panel_in + GAP_IN
    rate, pressure, volume, timeline = panels
    for panel in panels:
        _dress(panel, time, ink)
    _rate(rate, run, time, ink)
    _pressure(pressure, run, time, ink)
    _volume(volume, run, time, ink)
    draw_timeline(timeline, run, time, ink)
    draw_markers(panels, run, time, ink)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    timeline.set_xlabel(f"time, {time.unit}", color=ink["quiet"])
    return figure


def _rate(panel: Axes, run: Run, time: TimeAxis, ink: Mapping[str, str]) -> None:
    curve = series.rate(run)
    highest = 0.0
    if has_volume(run, "delivered_nl") and len(curve.rate_ul_h):
        panel.stairs(
            curve.rate_ul_h / UL_PER_ML,
            time.of(curve.edges_s),
            color=ink["delivered"],
            linewidth=1.6,
            baseline=None,
            label=f"delivered, mean of {window(series.rate_window_s(run))}",
        )
        highest = float(curve.rate_ul_h.max()) / UL_PER_ML
    else:
        _nothing(panel, "no delivery recorded", ink)
    for k, span in enumerate(run.ordered):
        ends = time.of(np.array([span.start_s, run.until_s if span.end_s is None else span.end_s]))
        label = None if k else "ordered"
        rate_ml_h = span.rate_ul_h / UL_PER_ML
        panel.plot(ends, [rate_ml_h] * 2, color=ink["ordered"], linestyle=DASHES, label=label)
        highest = max(highest, rate_ml_h)
    panel.set_ylim(0, 1.15 * highest or 1)
    head(panel, "Rate, mL/h", ink)


def _pressure(panel: Axes, run: Run, time: TimeAxis, ink: Mapping[str, str]) -> None:
    t, pressure = series.pressure_mmhg(run)
    highest, lowest = float(pressure.max()), float(pressure.min())
    for k, span in enumerate(run.closed):
        ends = time.of(np.array([span.start_s, run.until_s if span.end_s is None else span.end_s]))
        label = None if k else "line closed"
        panel.axvspan(*ends, color=ink["resting"], linewidth=0, label=label, zorder=0)
    if has_volume(run, "pressure_pa"):
        panel.plot(time.of(t), pressure, color=ink["pressure"], linewidth=1.6, label="in the line")
    else:
        _nothing(panel, "no pressure recorded", ink)
    if run.limit_pa is not None:
        limit = mmhg(run.limit_pa)
        label = f"alarm limit {limit:.0f} mmHg"
        panel.axhline(limit, color=ink["high"], linewidth=1, linestyle=DASHES, label=label)
        highest = max(highest, limit)
    panel.set_ylim(min(0.0, 1.15 * lowest), 1.15 * highest or 1)
    head(panel, "Pressure, mmHg", ink)


def _volume(panel: Axes, run: Run, time: TimeAxis, ink: Mapping[str, str]) -> None:
    highest = 0.0
    if run.ordered:
        t, ordered = series.ordered_ml(run)
        panel.plot(time.of(t), ordered, color=ink["ordered"], linestyle=DASHES, label="ordered")
        highest = float(ordered.max())
    for signal, (colour, label) in VOLUMES.items():
        if has_volume(run, signal):
            t, volume = series.volume_ml(run, signal)
            panel.plot(time.of(t), volume, color=ink[colour], linewidth=1.6, label=label)
            highest = max(highest, float(volume.max()))
    if not panel.lines:
        _nothing(panel, "no volume recorded", ink)
    panel.set_ylim(0, 1.1 * highest or 1)
    head(panel, "Volume, mL", ink)


def _dress(panel: Axes, time: TimeAxis, ink: Mapping[str, str]) -> None:
    dress(panel, ink)
    panel.set_xlim(0, time.end)
    panel.xaxis.set_major_locator(MultipleLocator(time.tick))


def _nothing(panel: Axes, text: str, ink: Mapping[str, str]) -> None:
    panel.set_yticks([])
    panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center", color=ink["quiet"])


def _fractions(box_in: tuple[float, float, float, float], height_in: float) -> tuple[float, float, float, float]:
    left, bottom, width, height = box_in
    return left / WIDTH_IN, bottom / height_in, width / WIDTH_IN, height / height_in
