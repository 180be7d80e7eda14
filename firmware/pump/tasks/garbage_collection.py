"""Collects garbage and measures the heap in turns of the loop that have time for it.

By the emulated Pico a collection takes 16 ms with the firmware from files (it looks at every word that is in use, and
bytecode from files is in use), and counting what is free another 8 ms: done in one turn, or within a reply, they would
make the tasks behind them late. So each has a turn of its own, every 5 s, and the collections that MicroPython would
start by itself become rare. Nobody else collects or counts while the loop runs.

A collection is planned, so nobody is late for it: what comes behind it, a reply of 17 ms, would be an overrun that
tells of nothing. What was late before stays so. At 1200 mL/h a pressure that is read 50 ms late, and 16 more, comes
after 22 µL, and 600 ms of persistence follow; motion is granted for 200 ms at least. The age of the sensor's samples
is counted through it.
"""

import gc

from micropython import const

_PERIOD_MS = const(5000)
_APART_MS = const(50)
_LITTLE = const(12000)  # the self-test fails below 10 KB
_LEAST = const(6000)  # bytes: a status and its reply take some 2 KB; with less nobody could be told anything


class MemoryTask:
    name = "memory"
    max_late_ms = 1000

    def __init__(self, on_low, on_stall):
        """`on_low(now_ms)` is told when there is less than a pump can work with, right after a collection;
        `on_stall()` of each collection.
        """
        self._on_low = on_low
        self._on_stall = on_stall
        self.free = 0  # bytes, as of the last measurement
        self._collected = True  # run() has, right before the loop
        self._low = False  # by the last measurement

    def collect_next(self):
        """Somebody left much behind: the next turn collects. Wake it."""
        self._collected = False

    def run(self, now_ms):
        if self._low or not self._collected:
            gc.collect()
            self._on_stall()
            self._collected = True
            if not self._low:
                return _APART_MS
        self._collected = False
        free = gc.mem_free()
        if free < _LITTLE and not self._low:
            self._low = True  # or is it what tasks left behind since the collection? Then both at once, this time
            return _APART_MS
        self._low = False
        self.free = free
        if free < _LEAST:
            self._on_low(now_ms)
        return _PERIOD_MS
