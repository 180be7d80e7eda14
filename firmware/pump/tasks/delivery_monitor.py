"""The task that runs the delivery monitor, ten times a second: it compares the commanded rate with the counted steps.

Only what the supervisor permits counts as commanded. A paused or stopped pump has no command and is monitored too; so
is a plunger that is drawn back, whose steps are counted whichever way they go.
"""

from micropython import const

from pump.core.motion.monitor import OVER, RUNS, STANDS, UNDER
from pump.core.supervisor import SELF_TEST
from pump.core.units import elapsed_ms

_PERIOD_MS = const(100)
_ALARMS = (("motor_fault", STANDS + RUNS), ("over_infusion", OVER), ("under_infusion", UNDER))


class DeliveryMonitorTask:
    name = "delivery_monitor"
    max_late_ms = 200

    def __init__(self, monitor, delivery, supervisor, report):
        """Of `delivery` it uses the therapy and the counted steps. `report(name, active, now_ms)` takes the alarms."""
        self._monitor = monitor
        self._supervisor = supervisor
        self._delivery = delivery
        self._report = report
        self._permitted = False
        self._found = 0
        self._last_ms = None

    def start(self):
        """Called after a change of state: what is permitted has changed, and the count may begin anew."""
        permitted = self._permitted
        self._permitted = self._supervisor.permits_motor
        if permitted or self._permitted:
            self._note_targets(self._delivery.source)
        self._monitor.start(self._delivery.counted_steps())

    def _note_targets(self, therapy):
        """Takes also the rates that began and ended since the last run."""
        self._monitor.commanded(therapy.least_ul_h, therapy.most_ul_h)
        therapy.forget_targets()

    def run(self, now_ms):
        since_ms = _PERIOD_MS if self._last_ms is None else elapsed_ms(now_ms, self._last_ms)
        self._last_ms = now_ms
        if self._supervisor.state != SELF_TEST:  # the test makes steps of its own and counts them
            self._update(since_ms, now_ms)
        return _PERIOD_MS

    def _update(self, since_ms, now_ms):
        delivery = self._delivery
        counted = delivery.counted_steps()
        target_ul_h, left_pl = 0, None
        if self._supervisor.permits_motor or delivery.back:
            therapy = delivery.source
            target_ul_h = therapy.target_ul_h
            if not delivery.back:
                self._note_targets(therapy)
                if therapy.end_steps is not None:
                    left_pl = self._monitor.left_pl(therapy.end_steps, delivery.net_steps())
        found = self._monitor.update(target_ul_h, left_pl, counted, since_ms)
        changed = found ^ self._found
        if changed:
            self._found = found
            for name, bits in _ALARMS:
                if changed & bits:
                    self._report(name, found & bits != 0, now_ms)
