"""A plan as a picture: the rate over time, the volume below it, and what boluses may add."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from picoinfuse.common.units import NL_PER_ML, UL_PER_ML
from picoinfuse.regimen.plan import Plan
from picoinfuse.report import panels
from picoinfuse.report.colors import LIGHT

POINTS = 240


def save(planned: Plan, title: str, file: Path) -> None:
    """`file` ends with .png or .svg."""
    panels.save(lambda: _draw(planned, title), file)


def _draw(planned: Plan, title: str) -> Figure:
    unit, size = _unit(planned.lasts_s)
    figure = Figure(figsize=(10, 5), layout="constrained")
    rate, volume = figure.subplots(2, 1, sharex=True)
    t = np.array([time for part in planned.parts for time in (part.begin_s, part.end_s)]) / size
    ul_h = np.array([value for part in planned.parts for value in (part.begin_ul_h, part.end_ul_h)])
    rate.plot(t, ul_h / UL_PER_ML, color=LIGHT["ordered"], linewidth=1.6)
    rate.fill_between(t, ul_h / UL_PER_ML, color=LIGHT["ordered"], alpha=0.12, linewidth=0)
    at_s = np.linspace(0, planned.lasts_s, POINTS)
    corners_s = np.union1d(at_s, t * size)
    given = [planned.given_nl(seconds) / NL_PER_ML for seconds in corners_s]
    volume.plot(corners_s / size, given, color=LIGHT["delivered"], linewidth=1.6, label="by the plan")
    if planned.bolus is not None:
        most = [(planned.at_most_nl(seconds) or 0.0) / NL_PER_ML for seconds in at_s]
        volume.plot(
            at_s / size, most, color=LIGHT["high"], linestyle=panels.DASHES, label="with every bolus that is allowed"
        )
        rate.set_title(_bolus_text(planned.bolus), loc="right", color=LIGHT["quiet"], fontsize=9)
    for panel, what in ((rate, f"{title}: rate, mL/h"), (volume, "Volume, mL")):
        panels.dress(panel, LIGHT)
        panels.head(panel, what, LIGHT)
        panel.set_ylim(bottom=0)
    volume.set_xlim(0, planned.lasts_s / size)
    volume.set_xlabel(
        f"time, {unit}" + ("" if planned.ends else "; it goes on until it is stopped"), color=LIGHT["quiet"]
    )
    return figure


def _bolus_text(bolus: dict[str, int]) -> str:
    ml, minutes = bolus["volume_nl"] / NL_PER_ML, bolus["lockout_s"] / 60
    most_1h, most_4h = bolus["max_1h_nl"] / NL_PER_ML, bolus["max_4h_nl"] / NL_PER_ML
    return f"bolus {ml:g} mL, one in {minutes:g} min; {most_1h:g} mL an hour and {most_4h:g} mL in four at most"


def _unit(seconds: float) -> tuple[str, float]:
    if seconds >= 3 * 86_400:
        return "days", 86_400.0
    return ("h", 3600.0) if seconds >= 2 * 3600 else ("min", 60.0)
