"""The way out: `service` and `reset` end the loop, once their reply has been read or 200 ms have passed."""

from micropython import const

from pump.core.ticks import elapsed_ms

_LONGEST_MS = const(200)
_LOOK_MS = const(20)
_IDLE_MS = const(1000)  # `ask` wakes it


class Leave:
    name = "leave"
    max_late_ms = 200

    def __init__(self, outbox, note):
        self._outbox = outbox
        self._note = note
        self._reason = None
        self._asked_ms = 0
        self.scheduler = None  # set once there is one

    @property
    def asked(self):
        return self._reason is not None

    def ask(self, reason, now_ms):
        """`reason` is left for the next boot."""
        self._reason = reason
        self._asked_ms = now_ms
        self.scheduler.wake(self)

    def run(self, now_ms):
        if self._reason is None:
            return _IDLE_MS
        waited_ms = elapsed_ms(now_ms, self._asked_ms)
        if waited_ms >= _LONGEST_MS or (waited_ms >= _LOOK_MS and not self._outbox.reply_waiting()):
            self._note.set(self._reason)
            self.scheduler.running = False
        return _LOOK_MS
