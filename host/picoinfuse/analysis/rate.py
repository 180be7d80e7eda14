"""Delivered rate against time, from step edges or from the volume that left the syringe.

Steps are exact and need the volume of one (`step_nl`, from the profile); `delivered_nl` is what the model, or
the balance, saw. Volumes in nL, rates in µL/h, times in seconds of the trace.

A window holds a whole number of steps, one more or one less: at 4 steps a second, 30 s are good to 1/120.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picoinfuse.trace.trace import Trace

Numbers = NDArray[np.floating]

UL_H_PER_NL_S = 3.6  # 1 nL/s = 3600 nL/h = 3.6 µL/h


@dataclass(frozen=True)
class RateCurve:
    """The mean rate of each of a row of equal windows. `edges_s` has one entry more than `rate_ul_h`."""

    edges_s: Numbers
    rate_ul_h: Numbers


def stepped_nl(trace: Trace, step_nl: float, start_s: float, end_s: float) -> float:
    """The volume of the steps in the window. They count as given: the pump never drives back."""
    return trace.count("step", _ns(start_s), _ns(end_s)) * step_nl


def delivered_nl(trace: Trace, start_s: float, end_s: float) -> float:
    """The volume that left the syringe in the window."""
    end_s = max(start_s, end_s)  # a window that ends before it begins is empty
    return trace.value_at("delivered_nl", _ns(end_s)) - trace.value_at("delivered_nl", _ns(start_s))


def mean_ul_h(volume_nl: float, seconds: float) -> float:
    """The rate that gives this volume in this time."""
    return volume_nl / seconds * UL_H_PER_NL_S


def rate_from_steps(trace: Trace, step_nl: float, window_s: float, start_s: float, end_s: float) -> RateCurve:
    """The rate that the steps make, in windows of window_s; a rest shorter than a window is left out."""
    edges_s = _edges(window_s, start_s, end_s)
    volumes = trace.count_before("step", np.rint(edges_s * 1e9)) * step_nl
    return RateCurve(edges_s, np.diff(volumes) / window_s * UL_H_PER_NL_S)


def rate_from_volume(
    trace: Trace, window_s: float, start_s: float, end_s: float, signal: str = "delivered_nl"
) -> RateCurve:
    """The rate at which a recorded volume grows, in windows of window_s; a shorter rest is left out.

    A change is spread over the time since the change before, but over one window at most: so windows do not
    beat with the steps, and a jump after a rest stays a jump.
    """
    edges_s = _edges(window_s, start_s, end_s)
    volumes = volume_at(trace, edges_s, window_s, signal)
    return RateCurve(edges_s, np.diff(volumes) / window_s * UL_H_PER_NL_S)


def volume_at(trace: Trace, t_s: Numbers, spread_s: float, signal: str = "delivered_nl") -> Numbers:
    """A recorded volume at each of the times, each change spread over the time since the one before, but over
    `spread_s` at most.
    """
    t, v = trace.values(signal)
    if not len(t):
        return np.zeros(len(t_s))
    changed_s, before = t / 1e9, np.concatenate(([0.0], v[:-1]))
    begin_s = np.maximum(np.concatenate(([0.0], changed_s[:-1])), changed_s - spread_s)
    corners_s = np.column_stack((begin_s, changed_s)).ravel()
    corners_nl = np.column_stack((before, v)).ravel()
    return np.interp(t_s, corners_s, corners_nl, left=0.0)


def _edges(window_s: float, start_s: float, end_s: float) -> Numbers:
    windows = int((end_s - start_s) / window_s + 1e-9)  # a window that fits but for rounding fits
    return start_s + window_s * np.arange(max(0, windows) + 1)


def _ns(t_s: float) -> int:
    return round(t_s * 1e9)
