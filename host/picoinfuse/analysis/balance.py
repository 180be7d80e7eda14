"""The log of a balance under the end of the line: a CSV file of time in seconds and grams.

    time_s,grams
    0,12.004
    30,12.045

The first line may be a heading. What is weighed becomes volume by the density of the liquid; what evaporates from the
vessel meanwhile is added, at a rate that was weighed before without any flow. Neither is guessed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picoinfuse.analysis.trumpet import TrumpetError
from picoinfuse.calibration.gravimetry import ml_per_gram
from picoinfuse.common.units import NL_PER_ML

SECONDS_PER_HOUR = 3600


class BadLog(TrumpetError):
    """A line of the log is not what it should be; the message begins with file and line."""


@dataclass(frozen=True)
class BalanceLog:
    """Volume since the first reading, between readings along a straight line."""

    t_s: NDArray[np.float64]
    given_nl: NDArray[np.float64]

    @property
    def lasted_s(self) -> float:
        return float(self.t_s[-1])

    def volume(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(t_s, self.t_s, self.given_nl)


def read_balance(path: Path, density_g_ml: float, evaporation_g_h: float, start_s: float | None = None) -> BalanceLog:
    """The log from `start_s` of its own time on, or from its first reading."""
    t_s, grams = _columns(path)
    begin_s = t_s[0] if start_s is None else start_s
    if not t_s[0] <= begin_s < t_s[-1]:
        raise BadLog(f"{path} goes from {t_s[0]:g} s to {t_s[-1]:g} s, a start at {begin_s:g} s is not in it")
    lost_g = evaporation_g_h * (t_s - begin_s) / SECONDS_PER_HOUR
    total_nl = (grams + lost_g) * ml_per_gram(density_g_ml) * NL_PER_ML
    at_begin_nl = np.interp(begin_s, t_s, total_nl)
    after = t_s > begin_s
    return BalanceLog(
        np.concatenate(([0.0], t_s[after] - begin_s)), np.concatenate(([0.0], total_nl[after] - at_begin_nl))
    )


def _columns(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    times: list[float] = []
    grams: list[float] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                if not row or (reader.line_num == 1 and _is_heading(row)):
                    continue
                t_s, mass_g = _reading(path, reader.line_num, row)
                if times and t_s <= times[-1]:
                    raise BadLog(f"{path}:{reader.line_num}: time goes from {times[-1]:g} s back to {t_s:g} s")
                times.append(t_s)
                grams.append(mass_g)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadLog(f"{path} is not a CSV file: {error}") from error
    if len(times) < 2:
        raise BadLog(f"{path} has {len(times)} readings, at least two are needed")
    return np.array(times), np.array(grams)


def _is_heading(row: list[str]) -> bool:
    return not any(_number(field) is not None for field in row)


def _reading(path: Path, line: int, row: list[str]) -> tuple[float, float]:
    if len(row) != 2:
        raise BadLog(f"{path}:{line}: {len(row)} fields, there must be two: time in s, grams")
    t_s, mass_g = (_number(field) for field in row)
    if t_s is None or mass_g is None:
        wrong = row[0] if t_s is None else row[1]
        raise BadLog(f"{path}:{line}: {wrong.strip()!r} is not a number")
    return t_s, mass_g


def _number(field: str) -> float | None:
    try:
        value = float(field)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
