"""The end of the loop: `service` and `reset` end it once the host has read their reply, or after 200 ms."""

from micropython import const

from pump.core.units import elapsed_ms

_LONGEST_MS = const(200)
_POLL_MS = const(20)
_IDLE_MS = const(1000)  # `ask` wakes the task


class Shutdown:
    name = "shutdown"
    max_late_ms = 200

    def __init__(self, outbox, note, scheduler):
        """`note`: the ResetNote."""
        self._outbox = outbox
        self._note = note
        self._scheduler = scheduler
        self._reason = None
        self._asked_ms = 0

    @property
    def asked(self):
        return self._reason is not None

    def ask(self, reason, now_ms):
        """Ends the loop soon. `reason`: one of reset_note.py, left for the next boot."""
        self._reason = reason
        self._asked_ms = now_ms
        self._scheduler.wake(self)

    def run(self, now_ms):
        if self._reason is None:
            return _IDLE_MS
        waited_ms = elapsed_ms(now_ms, self._asked_ms)
        if waited_ms >= _LONGEST_MS or (waited_ms >= _POLL_MS and not self._outbox.reply_waiting()):
            self._note.set(self._reason)
            self._scheduler.running = False
        return _POLL_MS
