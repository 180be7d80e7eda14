"""The task that repeats the parts of the self-test that read much, every 60 min while the pump infuses (GIP 3.4): a
slice of 2 ms every 100 ms. What fails is a system fault, and stops.
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.ticks import elapsed_ms

PERIOD_MS = const(3_600_000)
_EVERY_MS = const(100)
_LOOK_MS = const(10_000)


class RepeatedParts:
    name = "repeated"
    max_late_ms = 1000

    def __init__(self, supervisor, parts, on_failed, now_ms):
        """`on_failed(name, now_ms)` raises the alarm."""
        self._supervisor = supervisor
        self._parts = parts
        self._on_failed = on_failed
        self._last_ms = now_ms  # when the last test ended, or the pump was last at rest
        self._running = False
        self.passed = 0  # how many, since boot

    def run(self, now_ms):
        if self._supervisor.state != sv.INFUSING:
            self._running = False
            self._last_ms = now_ms
            return _LOOK_MS
        if not self._running:
            if elapsed_ms(now_ms, self._last_ms) < PERIOD_MS:
                return _LOOK_MS
            self._running = True
            self._parts.begin()
        if self._parts.go_on(False):
            return _EVERY_MS
        self._running = False
        self._last_ms = now_ms
        if self._parts.failed is not None:
            self._on_failed(self._parts.failed, now_ms)
        else:
            self.passed += 1
        return _LOOK_MS
