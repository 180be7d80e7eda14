"""The task that reminds of an infusion that somebody paused and forgot: GIP asks for it after 15 min without an action.

Every command that a person gives is an action (telemetry and queries are not): it ends the reminder, and the 15 min
begin anew. It is an alarm like another while it lasts, so it escalates when nobody comes.
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.ticks import elapsed_ms

SUSPENDED_MS = const(900_000)
_LOOK_MS = const(1000)


class SuspendedReminder:
    name = "reminder"
    max_late_ms = 1000

    def __init__(self, supervisor, report):
        """`report(name, active, now_ms)` hears of the alarm."""
        self._supervisor = supervisor
        self._report = report
        self._attended_ms = 0
        self._due = False

    def attend(self, now_ms):
        """A person did something."""
        self._attended_ms = now_ms
        self._tell(False, now_ms)

    def run(self, now_ms):
        if self._supervisor.state != sv.PAUSED:
            self._attended_ms = now_ms
            self._tell(False, now_ms)
        elif not self._due and elapsed_ms(now_ms, self._attended_ms) >= SUSPENDED_MS:
            self._tell(True, now_ms)
        return _LOOK_MS

    def _tell(self, due, now_ms):
        if due != self._due:
            self._due = due
            self._report("suspended_reminder", due, now_ms)
