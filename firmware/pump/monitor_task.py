"""Runs the delivery monitor ten times a second: the rate that is in force against the steps that were counted."""

from micropython import const

from pump.core.supervisor import SELF_TEST
from pump.core.ticks import elapsed_ms

_PERIOD_MS = const(100)


class MonitorTask:
    name = "monitor"
    max_late_ms = 200

    def __init__(self, monitor, delivery, supervisor, report):
        self._monitor = monitor
        self._supervisor = supervisor
        self._delivery = delivery
        self._report = report
        self._then_ms = 0
        self._counted = 0
        self._strayed = False

    def start(self, now_ms):
        """A new account: after a start, a halt or a self-test."""
        self._monitor.start()
        self._then_ms = now_ms
        self._counted = self._delivery.counted_steps()

    def run(self, now_ms):
        if self._supervisor.state == SELF_TEST:  # which makes steps of its own, and counts them
            self.start(now_ms)
            return _PERIOD_MS
        counted = self._delivery.counted_steps()
        elapsed = elapsed_ms(now_ms, self._then_ms)
        strayed = self._monitor.update(self._delivery.rate_ul_h, elapsed, counted - self._counted) is not None
        self._then_ms = now_ms
        self._counted = counted
        if strayed is not self._strayed:
            self._strayed = strayed
            self._report("motor_fault", strayed, now_ms)
        return _PERIOD_MS
