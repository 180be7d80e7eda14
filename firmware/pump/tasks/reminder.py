"""The task that reminds of a paused infusion: GIP asks for it after 15 min without user activity.

Every command of a person is user activity (telemetry and queries are not): it ends the reminder, and the 15 min begin
anew. The reminder is an alarm like any other while it lasts, so it escalates when no one acts.
"""

from micropython import const

from pump.core.supervisor import PAUSED
from pump.core.units import elapsed_ms

_SUSPENDED_MS = const(900_000)
_POLL_MS = const(1000)


class SuspendedReminder:
    name = "reminder"
    max_late_ms = 1000

    def __init__(self, supervisor, report):
        """`report(name, active, now_ms)` takes the alarm."""
        self._supervisor = supervisor
        self._report = report
        self._active_ms = 0
        self._due = False

    def note_user_activity(self, now_ms):
        """A person gave a command."""
        self._active_ms = now_ms
        self._set_alarm(False, now_ms)

    def run(self, now_ms):
        if self._supervisor.state != PAUSED:
            self._active_ms = now_ms
            self._set_alarm(False, now_ms)
        elif not self._due and elapsed_ms(now_ms, self._active_ms) >= _SUSPENDED_MS:
            self._set_alarm(True, now_ms)
        return _POLL_MS

    def _set_alarm(self, due, now_ms):
        if due != self._due:
            self._due = due
            self._report("suspended_reminder", due, now_ms)
