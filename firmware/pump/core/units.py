"""Conversions between the pump's units, in whole numbers, and differences of ticks. Each docstring says how it rounds.

Flow rests on 1 µL/h = 1000 nL / 3600 s = 5/18 nL/s, which is also 5/18 pL/ms. The motor rests on the volume of a
step: `step_pl` is (numerator, denominator) in pL, and 1 step/s is 3600 * num / (den * 10^6) = 36 * num / (den * 10^4)
µL/h.
"""

from micropython import const

FLOW_NUM = const(5)  # 1 µL/h is FLOW_NUM / FLOW_DEN nL/s
FLOW_DEN = const(18)
_MOST_PL_S = const(278)  # pL/s of 1 µL/h, rounded up from 277.8: small ints, where pL/ms would need large ones


def volume_nl(rate_ul_h, seconds):
    """nL that a rate gives in `seconds`, rounded down."""
    return rate_ul_h * seconds * FLOW_NUM // FLOW_DEN


def volume_pl(rate_ul_h, ms):
    """pL that a rate gives in `ms`, rounded down."""
    return rate_ul_h * ms * FLOW_NUM // FLOW_DEN


def most_pl(rate_ul_h, seconds):
    """pL that a rate gives in `seconds`, never too low, and too high by at most 0.08 %."""
    return rate_ul_h * _MOST_PL_S * seconds


def ramp_nl(begin_ul_h, end_ul_h, seconds, from_s, to_s):
    """nL between two times of a rate that goes along a line for `seconds`, rounded down."""
    doubled = 2 * begin_ul_h * seconds + (end_ul_h - begin_ul_h) * (from_s + to_s)  # the mean rate, times 2 * seconds
    return doubled * (to_s - from_s) * FLOW_NUM // (2 * FLOW_DEN * seconds)


def duration_s(volume_nl, rate_ul_h):
    """Seconds in which a rate above 0 gives a volume, rounded down."""
    return volume_nl * FLOW_DEN // (rate_ul_h * FLOW_NUM)


def rate_of_hz(step_hz, step_pl):
    """µL/h of a step rate, rounded down."""
    return step_hz * step_pl[0] * 36 // (step_pl[1] * 10000)


def rate_of_hz_up(step_hz, step_pl):
    """µL/h of a step rate, rounded up."""
    return -(-step_hz * step_pl[0] * 36 // (step_pl[1] * 10000))


def step_hz_above(rate_ul_h, step_pl):
    """The first whole step rate above that of a rate."""
    return rate_ul_h * step_pl[1] * 10000 // (36 * step_pl[0]) + 1


def steps_of(volume_nl, step_pl):
    """Whole steps in a volume, rounded down."""
    return volume_nl * 1000 * step_pl[1] // step_pl[0]


def steps_of_up(volume_nl, step_pl):
    """Whole steps that a volume needs, rounded up."""
    return -(-volume_nl * 1000 * step_pl[1] // step_pl[0])


def nl_of(steps, step_pl):
    """nL of a count of steps, rounded down. `steps_of_up` of it is the count again, where a step has 1 nL or more."""
    return steps * step_pl[0] // (step_pl[1] * 1000)


# ---- differences of ticks: time.ticks_ms() counts to 2**30 and starts again, after 12.4 days. A time that grew further
# would be no small int on the Pico, so wrapped ticks are kept and only differences are compared. ----

MASK = const(0x3FFFFFFF)
_HALF = const(0x1FFFFFFF)


def elapsed_ms(now_ms, then_ms):
    """Signed `now_ms - then_ms`, right while the two are less than 2**29 ms (6.2 days) apart."""
    diff = (now_ms - then_ms) & MASK
    return diff if diff <= _HALF else diff - MASK - 1


def later(now_ms, wait_ms):
    """The tick `wait_ms` after `now_ms`."""
    return (now_ms + wait_ms) & MASK
