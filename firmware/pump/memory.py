"""Collects garbage and measures the heap in turns of the loop that have time for it.

On the Pico a collection takes some 15 ms, and counting what is free another 9 ms: done in one turn, or within a
reply, they would make the tasks behind them late. So each has a turn of its own, every 5 s, and the collections
that MicroPython would start by itself become rare.
"""

import gc

from micropython import const

_PERIOD_MS = const(5000)
_APART_MS = const(50)


class MemoryTask:
    name = "memory"
    max_late_ms = 1000

    def __init__(self):
        self.free = gc.mem_free()  # bytes, as of the last measurement
        self._collected = False

    def run(self, now_ms):
        if not self._collected:
            gc.collect()
            self._collected = True
            return _APART_MS
        self._collected = False
        self.free = gc.mem_free()
        return _PERIOD_MS
