"""The motor follows the supervisor's state: it runs, finishes the granted motion, or halts."""

from pump.core.supervisor import IDLE, PAUSED, SELF_TEST

_STOPPED = (PAUSED, IDLE)


class Motor:
    def __init__(self, supervisor, delivery, monitor, reservoir, recovery, therapy, wake):
        """All but `supervisor` and `wake` are tasks."""
        self._supervisor = supervisor
        self._delivery = delivery
        self._monitor = monitor
        self._reservoir = reservoir
        self._recovery = recovery
        self._therapy = therapy
        self._wake = wake

    def follow(self, old, new, now_ms):
        """The state has changed from `old` to `new`."""
        delivery = self._delivery
        self._recovery.cancel(now_ms)
        if old == SELF_TEST:
            delivery.begin(None)  # the test counted steps of its own
        elif new == SELF_TEST:
            self._reservoir.before_test()
        if self._supervisor.permits_motor:
            delivery.therapy.on_motion_start()
            self._reservoir.before_motion()
            delivery.go()
        elif new in _STOPPED:
            delivery.stop()
            self.rest()
        elif new != SELF_TEST:
            delivery.halt()
        if not self._supervisor.permits_motor and delivery.therapy is not None:
            delivery.therapy.cancel_bolus()  # a bolus that is interrupted is over
            self._wake(self._therapy)
        self._monitor.start()

    def rest(self):
        """Takes the enable away from a motor that stands, in IDLE."""
        if self._supervisor.state == IDLE:
            self._delivery.release()
