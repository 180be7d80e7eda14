"""Bolus accuracy: 25 boluses in a row, their mean error and the largest deviations to both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from picoinfuse.analysis.trumpet import TrumpetError
from picoinfuse.trace.trace import Trace

BOLUSES = 25  # from memory; a Medfusion table has this shape
REST_S = 10.0  # steps further apart belong to two boluses


class TooFewBoluses(TrumpetError):
    """Fewer than 25."""


@dataclass(frozen=True)
class BolusAccuracy:
    """Deviations from the bolus that was set, in % of it."""

    boluses: int
    set_nl: float
    mean_nl: float
    mean_percent: float
    highest_percent: float
    lowest_percent: float


def bolus_accuracy(volumes_nl: Sequence[float], set_nl: float) -> BolusAccuracy:
    """Of the first 25 volumes."""
    if len(volumes_nl) < BOLUSES:
        raise TooFewBoluses(f"there are {len(volumes_nl)} boluses, {BOLUSES} are needed")
    volumes = np.asarray(volumes_nl[:BOLUSES], dtype=np.float64)
    errors = 100 * (volumes / set_nl - 1)
    return BolusAccuracy(
        BOLUSES,
        set_nl,
        float(volumes.mean()),
        float(errors.mean()),
        float(errors.max()),
        float(errors.min()),
    )


def bolus_volumes(trace: Trace, step_nl: float, start_s: float = 0.0, rest_s: float = REST_S) -> list[float]:
    """The boluses of a trace without a basal rate: steps that follow each other within `rest_s` are one."""
    t_s = trace.edges("step", True, round(start_s * 1e9)) / 1e9
    if not len(t_s):
        return []
    first = np.flatnonzero(np.concatenate(([True], np.diff(t_s) > rest_s)))
    return [float(count) * step_nl for count in np.diff(np.append(first, len(t_s)))]
