"""Runs the delivery monitor ten times a second: the command of the therapy against the steps that were counted.

Only what the supervisor permits is commanded; a paused or stopped pump is commanded nothing, and is watched too. So
is a plunger that is drawn back: its steps are counted whichever way they go.
"""

from micropython import const

from pump.core.motion.monitor import OVER, RUNS, STANDS, UNDER
from pump.core.supervisor import SELF_TEST
from pump.core.ticks import elapsed_ms

_PERIOD_MS = const(100)
_ALARMS = (("motor_fault", STANDS + RUNS), ("over_infusion", OVER), ("under_infusion", UNDER))


class MonitorTask:
    name = "monitor"
    max_late_ms = 200

    def __init__(self, monitor, delivery, supervisor, report):
        """Of `delivery` it asks only for the therapy and the counter's steps."""
        self._monitor = monitor
        self._supervisor = supervisor
        self._delivery = delivery
        self._report = report
        self._permitted = False
        self._found = 0
        self._last_ms = None

    def start(self):
        """After a change of state: a new responsibility, and maybe a new count."""
        permitted = self._permitted
        self._permitted = self._supervisor.permits_motor
        if permitted or self._permitted:
            self._hear(self._delivery.therapy)
        self._monitor.start(self._delivery.counted_steps())

    def _hear(self, therapy):
        """A rate that was over before the next look was given all the same."""
        self._monitor.commanded(therapy.least_ul_h, therapy.most_ul_h)
        therapy.forget_targets()

    def run(self, now_ms):
        since_ms = _PERIOD_MS if self._last_ms is None else elapsed_ms(now_ms, self._last_ms)
        self._last_ms = now_ms
        if self._supervisor.state != SELF_TEST:  # which makes steps of its own, and counts them
            self._look(since_ms, now_ms)
        return _PERIOD_MS

    def _look(self, since_ms, now_ms):
        delivery = self._delivery
        counted = delivery.counted_steps()
        target_ul_h, left_pl = 0, None
        if self._supervisor.permits_motor or delivery.back:
            therapy = delivery.therapy
            target_ul_h = therapy.target_ul_h
            if not delivery.back:
                self._hear(therapy)
                if therapy.end_steps is not None:
                    left_pl = self._monitor.left_pl(therapy.end_steps, delivery.net_steps())
        found = self._monitor.update(target_ul_h, left_pl, counted, since_ms)
        changed = found ^ self._found
        if changed:
            self._found = found
            for name, bits in _ALARMS:
                if changed & bits:
                    self._report(name, found & bits != 0, now_ms)
