"""Runs the delivery monitor ten times a second: what was asked of the motor against the steps that were counted."""

from micropython import const

from pump.core.supervisor import SELF_TEST

_PERIOD_MS = const(100)


class MonitorTask:
    name = "monitor"
    max_late_ms = 200

    def __init__(self, monitor, delivery, supervisor, report):
        self._monitor = monitor
        self._supervisor = supervisor
        self._delivery = delivery
        self._report = report
        self._strayed = False

    def start(self):
        """After a change of who is responsible for the motor."""
        self._monitor.start(self._delivery.counted_steps())

    def run(self, now_ms):
        if self._supervisor.state != SELF_TEST:  # which makes steps of its own, and counts them
            delivery = self._delivery
            strayed = self._monitor.update(delivery.asked, delivery.counted_steps()) is not None
            if strayed is not self._strayed:
                self._strayed = strayed
                self._report("motor_fault", strayed, now_ms)
        return _PERIOD_MS
