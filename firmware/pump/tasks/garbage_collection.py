"""Collects garbage and measures the heap in turns of the loop that have time for it.

On the emulated Pico a collection takes 16 ms with the firmware from files (it looks at every word in use, and bytecode
from files is in use), and counting the free heap another 8 ms. Done in one turn, or within a reply, they would make the
tasks behind them late. So each has a turn of its own, every 5 s, and collections that MicroPython starts by itself
become rare. No other part collects or counts while the loop runs.

A planned collection does not count as a missed deadline: the overrun of what comes behind it, a reply of 17 ms, would
say nothing. What was late before stays late. At 1200 mL/h a pressure read 50 ms late, and 16 ms more, comes after
22 µL, and 600 ms of persistence follow; motion is granted for at least 200 ms. The age of the sensor's samples counts
on through a collection.
"""

import gc

from micropython import const

_PERIOD_MS = const(5000)
_APART_MS = const(50)
_LITTLE = const(12000)  # bytes; the self-test fails below 10 KB
_LEAST = const(6000)  # bytes; a status and its reply take some 2 KB: with less the pump could not even report


class GarbageCollection:
    name = "garbage_collection"
    max_late_ms = 1000

    def __init__(self, on_low, scheduler):
        """`on_low(now_ms)` is called when a collection leaves less heap than the pump needs."""
        self._on_low = on_low
        self._scheduler = scheduler
        self.free = 0  # bytes, as last measured
        self._collected = True  # run() of run.py did, right before the loop
        self._low = False  # as last measured

    def collect_soon(self):
        """The caller left much garbage behind: the next turn collects, before MicroPython does it in the midst of
        another task.
        """
        self._collected = False
        self._scheduler.wake(self)

    def run(self, now_ms):
        if self._low or not self._collected:
            gc.collect()
            self._scheduler.excuse()
            self._collected = True
            if not self._low:
                return _APART_MS
        self._collected = False
        free = gc.mem_free()
        if free < _LITTLE and not self._low:
            self._low = True  # maybe garbage left since the collection: next time both in one turn
            return _APART_MS
        self._low = False
        self.free = free
        if free < _LEAST:
            self._on_low(now_ms)
        return _PERIOD_MS
