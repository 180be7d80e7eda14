"""Start-up curve, trumpet curve and overall error, as IEC 60601-2-24 asks for them (by secondary sources).

    curves = trumpet(volume, rate_ul_h=5000)
    curves.windows[0].highest_percent      # Ep(max) of 1 min

The volume since the start of the infusion is sampled every S: sample i has the mean flow Q_i. In the analysis period
T2 a window of P holds P/S samples and begins at each of the first m = (T2 - P)/S + 1 samples:

    Ep(max) = max over the windows of the mean of 100 (Q_i - r)/r in them; Ep(min) the least; A is that of all of T2

The mean of flows in a window is its volume over P, so the windows are taken from the volume at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picoinfuse.analysis.rate import UL_H_PER_NL_S, RateCurve
from picoinfuse.common.errors import PicoinfuseError

MINUTE_S = 60
_WHOLE = 1e-9  # of a step: what floating point makes of a whole number of steps


class TrumpetError(PicoinfuseError):
    """Base of what is wrong with a delivery that is to be analysed."""


class TooShort(TrumpetError):
    """The delivery does not last until the end of the analysis period."""


class RateMissing(TrumpetError):
    """Nobody said at which rate the pump was set."""


@dataclass(frozen=True)
class Scheme:
    """When is sampled, and over which windows. The analysis period follows the settling time."""

    name: str
    sample_s: int
    startup_s: int
    settle_s: int
    period_s: int
    windows_min: tuple[int, ...]

    @property
    def seconds(self) -> int:
        """How long the delivery must last."""
        return max(self.startup_s, self.settle_s + self.period_s)


STANDARD = Scheme("standard", 30, 120 * MINUTE_S, 60 * MINUTE_S, 60 * MINUTE_S, (1, 2, 5, 11, 19, 31))
# From memory, to be checked before anyone quotes it: S, P, and the 25 hours, of which the first is for settling.
AMBULATORY = Scheme(
    "ambulatory", 900, 25 * 60 * MINUTE_S, 60 * MINUTE_S, 24 * 60 * MINUTE_S, (15, 60, 150, 330, 570, 930)
)


@dataclass(frozen=True)
class Window:
    """The largest and the smallest mean error over any window of so many minutes."""

    minutes: int
    highest_percent: float
    lowest_percent: float


@dataclass(frozen=True)
class Trumpet:
    """`limit` is what perfectly even steps would show; empty when the volume of a step is not known."""

    scheme: Scheme
    rate_ul_h: float
    startup: RateCurve
    windows: tuple[Window, ...]
    mean_error_percent: float  # A
    limit: tuple[Window, ...]


Volume = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # seconds since the start of the infusion → nL


def trumpet(
    volume: Volume, lasted_s: float, rate_ul_h: float, scheme: Scheme = STANDARD, step_nl: float | None = None
) -> Trumpet:
    """The curves of a delivery that lasted `lasted_s`, set to `rate_ul_h`."""
    if lasted_s < scheme.seconds:
        raise TooShort(
            f"the delivery lasted {lasted_s / MINUTE_S:.1f} min from the start of the infusion, "
            f"the {scheme.name} curves need {scheme.seconds // MINUTE_S} min"
        )
    t_s = np.arange(0, scheme.seconds + 1, scheme.sample_s, dtype=np.float64)
    given_nl = volume(t_s)
    startup = t_s <= scheme.startup_s
    flow_ul_h = np.diff(given_nl[startup]) / scheme.sample_s * UL_H_PER_NL_S
    analysed_nl = given_nl[(t_s >= scheme.settle_s) & (t_s <= scheme.settle_s + scheme.period_s)]
    return Trumpet(
        scheme=scheme,
        rate_ul_h=rate_ul_h,
        startup=RateCurve(t_s[startup], flow_ul_h),
        windows=tuple(_window(analysed_nl, minutes, rate_ul_h, scheme) for minutes in scheme.windows_min),
        mean_error_percent=_error_percent(analysed_nl[-1] - analysed_nl[0], scheme.period_s, rate_ul_h),
        limit=() if step_nl is None else tuple(even_steps(step_nl, rate_ul_h, p) for p in scheme.windows_min),
    )


def even_steps(step_nl: float, rate_ul_h: float, minutes: int) -> Window:
    """What the mechanics alone do: of perfectly even steps, n in a window on average, a window holds the whole number
    below n or the one above.
    """
    steps = rate_ul_h / UL_H_PER_NL_S * minutes * MINUTE_S / step_nl
    most, least = math.ceil(steps * (1 - _WHOLE)), math.floor(steps * (1 + _WHOLE))
    return Window(minutes, 100 * (most / steps - 1), 100 * (least / steps - 1))


def _window(given_nl: NDArray[np.float64], minutes: int, rate_ul_h: float, scheme: Scheme) -> Window:
    samples = minutes * MINUTE_S // scheme.sample_s
    errors = _error_percent(given_nl[samples:] - given_nl[:-samples], minutes * MINUTE_S, rate_ul_h)
    return Window(minutes, float(errors.max()), float(errors.min()))


def _error_percent(volume_nl, seconds: float, rate_ul_h: float):
    return 100 * (volume_nl / seconds * UL_H_PER_NL_S / rate_ul_h - 1)
