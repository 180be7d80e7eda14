"""The picture of a trend: each test's values of one measurement, run by run, between their limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from picoinfuse.evidence.history import Point
from picoinfuse.report import panels
from picoinfuse.report.colors import LIGHT

WIDTH_IN, PANEL_IN = 8.0, 2.0
MOST_PANELS = 12


def save(points: Sequence[Point], path: Path) -> int:
    """As SVG or PNG, by the name of the file; a panel for each test. Returns how many tests found no room."""
    by_test: dict[str, list[Point]] = {}
    for point in points:
        by_test.setdefault(point.test, []).append(point)
    drawn = list(by_test.items())[:MOST_PANELS]
    panels.save(lambda: _draw(f"{points[0].name}, {points[0].unit}".rstrip(", "), drawn), path)
    return len(by_test) - len(drawn)


def _draw(title: str, drawn: list[tuple[str, list[Point]]]) -> Figure:
    figure = Figure(figsize=(WIDTH_IN, PANEL_IN * len(drawn) + 0.6), layout="constrained")
    figure.suptitle(title, fontweight="bold", fontsize=11)
    for panel, (test, of_test) in zip(figure.subplots(len(drawn), squeeze=False)[:, 0], drawn, strict=True):
        panels.dress(panel, LIGHT)
        runs = [point.run for point in of_test]
        panel.plot(runs, [point.value for point in of_test], "o-", color=LIGHT["delivered"], markersize=4)
        for limit in ("at_least", "at_most", "above", "below"):
            asked = of_test[-1].limits.get(limit)
            if isinstance(asked, int | float):
                panel.axhline(asked, color=LIGHT["high"], linewidth=1, linestyle=panels.DASHES)
        panel.set_title(test.partition("::")[2], loc="left", fontsize=8, color=LIGHT["quiet"])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
