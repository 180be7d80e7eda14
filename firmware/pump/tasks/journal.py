"""The task that brings the journal into the flash, without disturbing what flows.

A page takes 3 ms at most, which every task can bear. An erase takes the CPU away for 45 ms, and for 400 ms at the
worst. So it is done when nothing moves, or when the motor has been granted 400 ms of motion beforehand
(delivery.cover): PIO and DMA go on from RAM. Where that cannot be, because steps are too fast to be granted so far
ahead, or the plunger is drawn back by pressure, it waits. What was planned is no task's overrun.
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.ticks import elapsed_ms

_LOOK_MS = const(50)
_SOON_MS = const(5)
_APART_MS = const(2000)  # between two erases while something moves
_RETRY_MS = const(1000)


class JournalTask:
    name = "journal"
    max_late_ms = 1000

    def __init__(self, app):
        self._app = app
        self._failed = False  # as reported
        self._erased_ms = None

    def run(self, now_ms):
        self._app.journal.update_clock(now_ms)
        failed = False
        wait_ms = _RETRY_MS
        try:
            wait_ms = self._work(now_ms)
        except OSError:
            failed = True
        if failed is not self._failed:
            self._failed = failed
            self._app.report("storage_fault", failed, now_ms)
        return wait_ms

    def _work(self, now_ms):
        journal = self._app.journal
        if journal.write():
            return _SOON_MS
        delivery = self._app.delivery
        ring = journal.wants_erase(delivery is not None and delivery.moving)
        if ring is None or not self._may_stall(now_ms):
            return _LOOK_MS
        self._erased_ms = now_ms
        ring.erase()
        self._app.stalled()
        return _SOON_MS

    def _may_stall(self, now_ms):
        app = self._app
        if app.supervisor.state == sv.SELF_TEST:
            return False
        delivery = app.delivery
        if delivery is None or not delivery.moving:
            return True
        apart = self._erased_ms is None or elapsed_ms(now_ms, self._erased_ms) >= _APART_MS
        return apart and delivery.cover()
