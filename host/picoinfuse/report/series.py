"""Curves of a run, thin enough to draw: a run of days becomes no bigger a picture than one of minutes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picoinfuse.analysis.rate import RateCurve, rate_from_volume
from picoinfuse.common.units import NL_PER_ML, PA_PER_MMHG
from picoinfuse.report.model import Run
from picoinfuse.report.summary import ordered_nl

Numbers = NDArray[np.floating]

POINTS = 1200
WINDOWS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_WINDOWS = 60


def rate_window_s(run: Run) -> int:
    """The shortest round window that gives at most MOST_WINDOWS of them."""
    return next((w for w in WINDOWS_S if run.seconds / w <= MOST_WINDOWS), WINDOWS_S[-1])


def rate(run: Run) -> RateCurve:
    """The rate at which volume left the syringe."""
    return rate_from_volume(run.trace, rate_window_s(run), run.start_s, run.until_s)


def pressure_mmhg(run: Run) -> tuple[Numbers, Numbers]:
    """Pressure, held between its changes; of many changes the lowest and the highest of each slice."""
    start_ns, end_ns = round(run.start_s * 1e9), round(run.until_s * 1e9)
    changes = run.trace.values("pressure_pa", start_ns, end_ns)[0]
    slices_ns = np.linspace(start_ns, end_ns, POINTS + 1).astype(np.int64)
    t = np.union1d(slices_ns, changes)
    v = run.trace.values_at("pressure_pa", t) / float(PA_PER_MMHG)
    if len(changes) <= POINTS:
        return np.repeat(t, 2)[1:] / 1e9, np.repeat(v, 2)[:-1]
    first = np.searchsorted(t, slices_ns)
    both = np.column_stack((np.minimum.reduceat(v, first), np.maximum.reduceat(v, first)))
    return np.repeat(slices_ns, 2) / 1e9, both.ravel()


def volume_ml(run: Run, signal: str) -> tuple[Numbers, Numbers]:
    """A recorded volume since the start of the run."""
    t = np.linspace(run.start_s, run.until_s, POINTS)
    v = run.trace.values_at(signal, np.rint(t * 1e9))
    return t, (v - v[0]) / NL_PER_ML


def ordered_ml(run: Run) -> tuple[Numbers, Numbers]:
    """The volume ordered so far: straight lines between the times at which an order began or ended."""
    corners = {run.start_s, run.until_s}
    for span in run.ordered:
        corners |= {span.start_s, run.until_s if span.end_s is None else span.end_s}
    t = sorted(c for c in corners if run.start_s <= c <= run.until_s)
    return np.array(t), np.array([ordered_nl(run, c) / NL_PER_ML for c in t])
