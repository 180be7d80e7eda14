"""Evaluate a calibration: the pump's error, its confidence interval, and the factor that corrects it.

Each run gives one error: collected volume against the volume reported by the pump. The error of the pump is their
mean, with the 95 % interval of Student's t. The new factor is the factor in force times (1 + error), rounded to
thousandths: half a thousandth, 0.05 %, is below the resolution of a balance and a tip with a drop on it.
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
    """Base of the errors of a calibration."""


class TooFewRuns(CalibrationError):
    """Fewer than three runs, the least for a confidence interval."""


class TooManyRuns(CalibrationError):
    """More runs than the table of Student's t covers."""


class FactorOutOfBounds(CalibrationError):
    """The factor is further from 1 than the pump accepts."""


class NoFactor(CalibrationError):
    """A text is not a factor."""


@dataclass(frozen=True)
class Collected:
    """One run: the volume reported by the pump, under the factor in force, and the volume collected."""

    told_nl: int
    collected_nl: float

    @property
    def error_percent(self) -> float:
        """Positive when more was collected than reported."""
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
        """Whether zero error is outside the interval."""
        return abs(self.error_percent) > self.interval_percent


def find(collected: Sequence[Collected], in_force: Fraction) -> Finding:
    """Evaluate the runs, made under the factor `in_force`. Raises TooFewRuns, TooManyRuns, FactorOutOfBounds."""
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
    """The factor itself. Raises FactorOutOfBounds if the pump would refuse it."""
    if factor.denominator > MAX_DEN:
        raise FactorOutOfBounds(f"the factor {factor} has the denominator {factor.denominator}, at most {MAX_DEN}")
    if abs(factor - 1) * 100 > LIMIT_PERCENT:
        raise FactorOutOfBounds(
            f"the factor {factor} is {percent(factor)} off, at most ±{LIMIT_PERCENT} %: check the profile's syringe"
        )
    return factor


def parse_factor(text: str) -> Fraction:
    """`1031/1000`, `1.031`, `1` → a factor. Raises NoFactor, FactorOutOfBounds."""
    try:
        factor = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise NoFactor(
            f"{text!r} is not a factor: give a ratio such as 1031/1000, or a number such as 1.031"
        ) from error
    return checked(factor)


def percent(factor: Fraction) -> str:
    """The correction of a factor: `+3.10 %`."""
    return f"{float(factor - 1) * 100:+.2f} %"


def describe(factor: str | None) -> str:
    """A factor reported by the pump, or None, for a person."""
    if factor is None:
        return "not known"
    return f"{factor} ({percent(Fraction(factor))})" if Fraction(factor) != 1 else "none, factor 1/1"
