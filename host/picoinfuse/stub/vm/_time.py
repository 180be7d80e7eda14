"""`time` of the modelled Pico: virtual time. Ticks count from the last hard reset and wrap at 2**30, as on the
chip.
"""

from _world import WORLD

_PERIOD = 1 << 30
_HALF = 1 << 29
_EPOCH_S = 1609459200  # the RP2040's clock starts at 2021-01-01


def _clock(world, unit_ns):
    """Ticks of a unit. What a closure holds the VM finds sooner than a global, and the firmware asks often."""

    def ticks():
        return (world.now_ns - world.boot_ns) // unit_ns & 0x3FFFFFFF

    return ticks


ticks_us = _clock(WORLD, 1000)
ticks_ms = _clock(WORLD, 1000000)
ticks_cpu = ticks_us


def ticks_diff(end, start):
    return (end - start + _HALF & (_PERIOD - 1)) - _HALF


def ticks_add(ticks, delta):
    if not -_HALF <= delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return ticks + delta & (_PERIOD - 1)


def sleep_ms(ms):
    if ms > 0:
        WORLD.sleep(ms * 1000000)


def sleep_us(us):
    if us > 0:
        WORLD.sleep(us * 1000)


def sleep(seconds):
    if seconds > 0:
        WORLD.sleep(int(seconds * 1000000000))


def time():
    return _EPOCH_S + (WORLD.now_ns - WORLD.boot_ns) // 1000000000


def time_ns():
    return _EPOCH_S * 1000000000 + WORLD.now_ns - WORLD.boot_ns
