"""The task that repeats the sliced checks of the self-test, every 60 min while the pump infuses (GIP 3.4): a slice of
2 ms every 100 ms. A check that fails is a system fault, which stops the pump.
"""

from micropython import const

from pump.core.supervisor import INFUSING
from pump.core.units import elapsed_ms

_PERIOD_MS = const(3_600_000)
_SLICE_EVERY_MS = const(100)
_POLL_MS = const(10_000)


class PeriodicSelfTest:
    name = "periodic_selftest"
    max_late_ms = 1000

    def __init__(self, supervisor, sliced, report, now_ms):
        """`sliced`: the checks. `report(name, active, now_ms)` takes the alarm."""
        self._supervisor = supervisor
        self._sliced = sliced
        self._report = report
        self._last_ms = now_ms  # when the last test ended, or the pump was last at rest
        self._running = False
        self.passed = 0  # tests since boot

    def run(self, now_ms):
        if self._supervisor.state != INFUSING:
            self._running = False
            self._last_ms = now_ms
            return _POLL_MS
        if not self._running:
            if elapsed_ms(now_ms, self._last_ms) < _PERIOD_MS:
                return _POLL_MS
            self._running = True
            self._sliced.begin()
        if self._sliced.run_slice(False):
            return _SLICE_EVERY_MS
        self._running = False
        self._last_ms = now_ms
        if self._sliced.failed is not None:
            self._report("system_fault", True, now_ms)
        else:
            self.passed += 1
        return _POLL_MS
