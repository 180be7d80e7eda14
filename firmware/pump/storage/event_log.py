"""The event log: entries of the journal for commands, states, alarms and faults."""

from pump.core import supervisor as sv
from pump.core.alarms.table import ALARMS, PRIORITIES
from pump.storage.journal import (
    ENTRY_ALARM,
    ENTRY_BOOT,
    ENTRY_CHANGED,
    ENTRY_COMMAND,
    ENTRY_FAULT,
    ENTRY_STATE,
    name_code,
)

_NOT_LOGGED = ("telemetry", "set_clock")  # commands sent by programs, or with an entry of their own


class EventLog:
    """Writes entries of events into the journal."""

    def __init__(self, journal):
        self._journal = journal
        self._states = tuple([name_code(name) for name in sv.STATES])
        self._events = tuple([name_code(name) for name in sv.EVENTS])
        self._alarms = {row[0]: name_code(row[0]) for row in ALARMS}
        self._active = {row[0]: False for row in ALARMS}
        self._overrun = name_code("task_overrun")
        self._internal = name_code("internal_error")

    def boot(self, cause, number):
        """A boot: its cause, as text, and its number."""
        self._journal.note(ENTRY_BOOT, name_code(cause), number)

    def state(self, new, event):
        """A change of state: the new state and its event, as numbers of core/supervisor.py."""
        self._journal.note(ENTRY_STATE, self._states[new], self._events[event])

    def alarm(self, name, priority, active):
        """An alarm became active, changed its priority or ended."""
        came = active and not self._active[name]
        self._active[name] = active
        self._journal.note(
            ENTRY_ALARM if came else ENTRY_CHANGED, self._alarms[name], PRIORITIES.index(priority) if active else 0
        )

    def command(self, method, params):
        """One that was taken; `params` as the host sent them."""
        if method not in _NOT_LOGGED:
            numbers = [_number(params[name]) for name in sorted(params)] + [0, 0]
            self._journal.note(ENTRY_COMMAND, name_code(method), numbers[0], numbers[1])

    def overrun(self, task, late_ms):
        """Only the first since the alarm was cleared."""
        if not self._active["task_overrun"]:
            self._journal.note(ENTRY_FAULT, self._overrun, late_ms, name_code(task))

    def internal_error(self):
        """A fault in the pump."""
        self._journal.note(ENTRY_FAULT, self._internal)


def _number(value):
    if isinstance(value, str):
        return name_code(value)
    return value if isinstance(value, int) and abs(value) < 1 << 30 else 0
