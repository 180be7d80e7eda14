"""Telemetry as a task: a line every `period_ms`, on a grid that does not drift.

`source.telemetry(now_ms)` returns the params (a dict, which it may use again); the outbox adds `seq` and
`dropped`.
"""

from micropython import const

from pump.core.units import elapsed_ms, later

_IDLE_MS = const(1000)  # the longest sleep; who sets a period wakes the task


class TelemetryTask:
    name = "telemetry"
    max_late_ms = 100

    def __init__(self, source, outbox):
        self.period_ms = 0
        self._source = source
        self._outbox = outbox
        self._due_ms = 0

    def set_period(self, period_ms, now_ms):
        """50 to 10000, or 0 for none; the first line is due one period from now."""
        self.period_ms = period_ms
        self._due_ms = later(now_ms, period_ms)

    def run(self, now_ms):
        period_ms = self.period_ms
        if not period_ms:
            return _IDLE_MS
        late_ms = elapsed_ms(now_ms, self._due_ms)
        if late_ms >= 0:
            # The next point of the grid that is still to come: after a stall no line is made up for.
            self._due_ms = later(self._due_ms, (late_ms // period_ms + 1) * period_ms)
            self._outbox.telemetry(self._source.telemetry(now_ms))
            late_ms = elapsed_ms(now_ms, self._due_ms)
        return min(-late_ms, _IDLE_MS)
