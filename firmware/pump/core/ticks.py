"""Differences of wrapped millisecond ticks.

`time.ticks_ms()` on the Pico counts to 2**30 and starts again, after 12.4 days. Core code may not import
`time`, and may not let a time grow beyond a small int (2**30 - 1 on the Pico), so it keeps wrapped ticks and
only compares differences.
"""

from micropython import const

MASK = const(0x3FFFFFFF)
_HALF = const(0x1FFFFFFF)


def elapsed_ms(now_ms, then_ms):
    """Signed `now_ms - then_ms`, right while the two are less than 2**29 ms (6.2 days) apart."""
    diff = (now_ms - then_ms) & MASK
    return diff if diff <= _HALF else diff - MASK - 1


def later(now_ms, wait_ms):
    """The tick `wait_ms` after `now_ms`."""
    return (now_ms + wait_ms) & MASK
