"""The picture of a delivery's accuracy: the start-up curve above, the trumpet below, and what the mechanics allow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from picoinfuse.analysis.trumpet import Trumpet, Window
from picoinfuse.common.units import UL_PER_ML
from picoinfuse.report import panels
from picoinfuse.report.colors import LIGHT

WIDTH_IN, HEIGHT_IN = 8.0, 6.4


def save(curves: Trumpet, path: Path, title: str) -> None:
    panels.save(lambda: draw(curves, title, LIGHT), path)


def draw(curves: Trumpet, title: str, ink: Mapping[str, str]) -> Figure:
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    figure.suptitle(title, color=ink["ink"], fontweight="bold", fontsize=11, x=0.01, ha="left")
    startup, windows = figure.subplots(2, 1)
    for panel in (startup, windows):
        panels.dress(panel, ink)
    _startup(startup, curves, ink)
    _trumpet(windows, curves, ink)
    return figure


def _startup(panel: Axes, curves: Trumpet, ink: Mapping[str, str]) -> None:
    in_hours = curves.scheme.startup_s > 4 * 3600
    t = curves.startup.edges_s / (3600 if in_hours else 60)
    flow_ml_h = curves.startup.rate_ul_h / UL_PER_ML
    label = f"flow, mean of {_duration(curves.scheme.sample_s)}"
    panel.stairs(flow_ml_h, t, baseline=None, color=ink["delivered"], linewidth=1.4, label=label)
    panel.axhline(
        curves.rate_ul_h / UL_PER_ML, color=ink["ordered"], linestyle=panels.DASHES, linewidth=1.2, label="set"
    )
    panel.set_xlim(0, t[-1])
    panel.set_ylim(0, 1.15 * max(float(flow_ml_h.max()), curves.rate_ul_h / UL_PER_ML))
    panel.set_xlabel(f"time from the start, {'h' if in_hours else 'min'}", color=ink["quiet"])
    panels.head(panel, "Start-up: flow, mL/h", ink)


def _trumpet(panel: Axes, curves: Trumpet, ink: Mapping[str, str]) -> None:
    minutes = [window.minutes for window in curves.windows]
    if curves.limit:
        panel.fill_between(
            minutes, *_sides(curves.limit), color=ink["resting"], linewidth=0, label="perfectly even steps"
        )
    for side, name, marker in zip(_sides(curves.windows), ("Ep(min)", "Ep(max)"), "v^", strict=True):
        panel.plot(minutes, side, color=ink["delivered"], marker=marker, markersize=4, linewidth=1.4, label=name)
    label = f"A = {curves.mean_error_percent:+.2f} %"
    panel.axhline(curves.mean_error_percent, color=ink["ordered"], linestyle=panels.DASHES, linewidth=1.2, label=label)
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(FixedLocator(minutes))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.set_xlabel("window P, min", color=ink["quiet"])
    panels.head(panel, "Trumpet: error of the flow, %", ink)


def _sides(windows: tuple[Window, ...]) -> tuple[list[float], list[float]]:
    return [window.lowest_percent for window in windows], [window.highest_percent for window in windows]


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
