"""The task that writes the journal to the flash without disturbing the delivery.

A page takes at most 3 ms, which every task can bear. An erase holds the CPU for 45 ms, at worst for 400 ms. So the task
erases when nothing moves, or when the motor has been granted 400 ms of motion beforehand (Delivery.cover): PIO and DMA
work from RAM. Where that is impossible, because steps are too fast to be granted so far ahead or the plunger is being
drawn back, it waits. A planned erase counts as no task's overrun.
"""

from micropython import const

from pump.core.supervisor import SELF_TEST
from pump.core.units import elapsed_ms

_POLL_MS = const(50)
_SOON_MS = const(5)
_APART_MS = const(2000)  # between two erases while something moves
_RETRY_MS = const(1000)


class JournalTask:
    name = "journal"
    max_late_ms = 1000

    def __init__(self, journal, supervisor, delivery, report, excuse_stall):
        """`delivery`: None without a valid profile. `report(name, active, now_ms)` takes the alarm of a flash that
        fails; `excuse_stall()` is called after each erase.
        """
        self._journal = journal
        self._supervisor = supervisor
        self._delivery = delivery
        self._report = report
        self._excuse_stall = excuse_stall
        self._failed = False  # as reported
        self._erased_ms = None

    def run(self, now_ms):
        self._journal.update_clock(now_ms)
        failed = False
        wait_ms = _RETRY_MS
        try:
            wait_ms = self._work(now_ms)
        except OSError:
            failed = True
        if failed is not self._failed:
            self._failed = failed
            self._report("storage_fault", failed, now_ms)
        return wait_ms

    def _work(self, now_ms):
        """Writes a page, or erases a sector where one is due. Raises OSError."""
        journal = self._journal
        if journal.write():
            return _SOON_MS
        delivery = self._delivery
        ring = journal.wants_erase(delivery is not None and delivery.moving)
        if ring is None or not self._may_stall(now_ms):
            return _POLL_MS
        self._erased_ms = now_ms
        ring.erase()
        self._excuse_stall()
        return _SOON_MS

    def _may_stall(self, now_ms):
        """The CPU may stand for an erase now."""
        if self._supervisor.state == SELF_TEST:
            return False
        delivery = self._delivery
        if delivery is None or not delivery.moving:
            return True
        apart = self._erased_ms is None or elapsed_ms(now_ms, self._erased_ms) >= _APART_MS
        return apart and delivery.cover()
