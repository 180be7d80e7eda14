"""The calibration factor: how much more this syringe gives with a step than its geometry says.

A factor is an exact ratio num/den of small integers, within ±10 % of 1: what is further off is another syringe, and
needs another profile. The volume of a step is the profile's times the factor. The product's own denominator could be
256000, too much for the small integers of core/motion/step_grid.py, so it is rounded to 1/256 pL, the finest that a
profile has.
With num/256 pL that is at most 1/(2 num) of the step; what would be more than one in a million is refused.
"""

from micropython import const

MAX_DEN = const(1000)
LIMIT_PERCENT = const(10)
_MAX_NUM = const(1100)  # MAX_DEN and 10 %

_STEP_DEN = const(256)
_NUMBER = const(0x3FFFFFFF)  # the largest small int on the Pico
_FINEST = const(500000)  # a numerator of so many is rounded by one in a million at most


class BadFactor(Exception):
    """A factor that no calibration may have; the message says why."""


def check_factor(num, den):
    """Raises BadFactor unless num/den is within the bounds."""
    if not 1 <= den <= MAX_DEN:
        raise BadFactor("the denominator is %d, 1 to %d are allowed" % (den, MAX_DEN))
    if not (100 - LIMIT_PERCENT) * den <= 100 * num <= (100 + LIMIT_PERCENT) * den:
        limits = (num, den, 100 - LIMIT_PERCENT, 100 + LIMIT_PERCENT, LIMIT_PERCENT)
        raise BadFactor("the factor is %d/%d, %d/100 to %d/100 (%d %%) are allowed" % limits)


def calibrated_step(step_num, step_den, num, den):
    """The volume of a step in pL, (numerator, denominator), under a factor that was checked."""
    if num == den:
        return step_num, step_den
    scaled = step_num * num
    per = step_den * den
    finest = _STEP_DEN
    while finest > 1 and scaled * finest > _NUMBER * per:
        finest //= 2
    rounded = (2 * scaled * finest + per) // (2 * per)
    if not _FINEST <= rounded <= _NUMBER:
        raise BadFactor("a step of %d/%d pL cannot be held to one in a million" % (scaled, per))
    return rounded, finest
