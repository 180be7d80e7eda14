"""What a calibration finds: by how much the pump errs, how surely, and the factor that puts it right.

Each run gives one error: what was collected against what the pump said. Their mean is the error, Student's t for so
many runs its 95 % interval. The factor in force times (1 + error), rounded to thousandths, is the new one: half a
thousandth, 0.05 %, is below what a balance and a tip with a drop on it can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from statistics import mean, stdev

from picoinfuse.common.errors import PicoinfuseError

FEWEST_RUNS = 3
MAX_DEN = 1000
LIMIT_PERCENT = 10
# Two-sided 95 % points of Student's t for 1, 2, 3 … degrees of freedom.
T_95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
MOST_RUNS = len(T_95) + 1


class CalibrationError(PicoinfuseError):
    """Base of what is wrong with a calibration."""


class TooFewRuns(CalibrationError):
    """The confidence of the error needs at least three runs."""


class TooManyRuns(CalibrationError):
    """More runs than there is a table for."""


class FactorOutOfBounds(CalibrationError):
    """The factor would be further from 1 than the pump takes."""


class NoFactor(CalibrationError):
    """A text that should be a factor is none."""


@dataclass(frozen=True)
class Collected:
    """One run: what the pump said it gave, under the factor in force, and what was there."""

    told_nl: int
    collected_nl: float

    @property
    def error_percent(self) -> float:
        return 100 * (self.collected_nl - self.told_nl) / self.told_nl


@dataclass(frozen=True)
class Finding:
    """The mean error of the runs, half the width of its 95 % interval, and the factor to put in force."""

    runs: int
    error_percent: float
    interval_percent: float
    factor: Fraction

    @property
    def is_significant(self) -> bool:
        """Whether no error at all lies outside the interval."""
        return abs(self.error_percent) > self.interval_percent


def find(collected: Sequence[Collected], in_force: Fraction) -> Finding:
    """`in_force` is the factor under which the runs were made."""
    if len(collected) < FEWEST_RUNS:
        raise TooFewRuns(f"there are {len(collected)} runs, at least {FEWEST_RUNS} are needed")
    if len(collected) > MOST_RUNS:
        raise TooManyRuns(f"there are {len(collected)} runs, at most {MOST_RUNS} can be evaluated")
    errors = [run.error_percent for run in collected]
    interval = T_95[len(errors) - 2] * stdev(errors) / sqrt(len(errors))
    factor = in_force * (1 + Fraction(mean(errors)) / 100)
    thousandths = Fraction(round(factor * MAX_DEN), MAX_DEN)
    return Finding(len(errors), mean(errors), interval, checked(thousandths))


def checked(factor: Fraction) -> Fraction:
    """The factor, if the pump takes it."""
    if factor.denominator > MAX_DEN:
        raise FactorOutOfBounds(f"the factor {factor} has the denominator {factor.denominator}, at most {MAX_DEN}")
    if abs(factor - 1) * 100 > LIMIT_PERCENT:
        raise FactorOutOfBounds(
            f"the factor {factor} is {percent(factor)} off, at most ±{LIMIT_PERCENT} %: check the profile's syringe"
        )
    return factor


def parse_factor(text: str) -> Fraction:
    """`1031/1000`, `1.031`, `1` → a factor that the pump takes."""
    try:
        factor = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise NoFactor(f"{text!r} is no factor: give a ratio such as 1031/1000, or a number such as 1.031") from error
    return checked(factor)


def percent(factor: Fraction) -> str:
    """By how much a factor corrects: `+3.10 %`."""
    return f"{float(factor - 1) * 100:+.2f} %"


def describe(factor: str | None) -> str:
    """The factor as the pump tells it, for a report."""
    if factor is None:
        return "not known"
    return f"{factor} ({percent(Fraction(factor))})" if Fraction(factor) != 1 else "none, factor 1/1"
