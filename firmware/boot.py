"""Makes every output safe, and does nothing else.

A soft reset leaves pins as they were, and some PWM slices running: this is the first thing that runs after any
reset. It needs no other file, so that it works on a filesystem that holds half a deployment. The numbers are
those of pump/wiring.py; a test compares them.
"""

from machine import Pin

# ENABLE first: without it the motor does not move, whatever the others do. Then piezo and lamps off, STEP and
# DIR low.
SAFE_LEVELS = ((4, 1), (6, 0), (10, 0), (11, 0), (2, 0), (3, 0))


def make_safe():
    for pin, level in SAFE_LEVELS:
        Pin(pin, Pin.OUT, value=level)


make_safe()
