"""What waits to go to the host, and in which order: ready, replies, alarms, state, telemetry.

Everything has a bound, and its own rule when the host does not read:
- replies: 8 places, never dropped. Who asks `room_for_reply` first never meets a full box.
- alarms: one place for each alarm, the latest change in it; `seq` counts all changes, so that the host sees
  what it missed.
- state: the newest. ready: one; it goes first because it tells the host that all that follows is of a new
  boot.
- telemetry: the 4 newest lines; what was dropped is counted, and each line carries the count.

Replies and telemetry are kept as lines. Alarms and state are kept as plain fields and become lines when their
turn comes: raising an alarm allocates nothing. A line is sent in pieces, with `next_chunk` and `sent`; one
that has begun is finished before another.
"""

from micropython import const

from pump.link import frame

_REPLIES = const(8)
_TELEMETRY = const(4)


class OutboxFull(Exception):
    pass


class _Lines:
    """A ring of lines."""

    def __init__(self, capacity):
        self._lines = [None] * capacity
        self._first = 0
        self.count = 0

    def full(self):
        return self.count == len(self._lines)

    def put(self, line):
        self._lines[(self._first + self.count) % len(self._lines)] = line
        self.count += 1

    def take(self):
        line = self._lines[self._first]
        self._lines[self._first] = None
        self._first = (self._first + 1) % len(self._lines)
        self.count -= 1
        return line


class _Alarm:
    """The latest change of one alarm."""

    def __init__(self, name):
        self.name = name
        self.waiting = False
        self.priority = None
        self.active = False
        self.seq = 0
        self.t_ms = 0

    def params(self):
        return {
            "name": self.name,
            "priority": self.priority,
            "active": self.active,
            "seq": self.seq,
            "t_ms": self.t_ms,
        }


class Outbox:
    def __init__(self, alarm_names):
        self.dropped = 0  # telemetry lines
        self._replies = _Lines(_REPLIES)
        self._telemetry = _Lines(_TELEMETRY)
        self._telemetry_seq = 0
        self._alarms = {name: _Alarm(name) for name in alarm_names}
        self._alarm_seq = 0
        self._alarms_waiting = 0
        self._ready = None
        self._state_waiting = False
        self._state = None
        self._event = None
        self._state_t_ms = 0
        self._rest = None  # what is left of the line that has begun

    def room_for_reply(self):
        return not self._replies.full()

    def reply(self, line):
        if self._replies.full():
            raise OutboxFull("more than 8 replies wait for the host")
        self._replies.put(line)

    def ready(self, params):
        self._ready = _notification("ready", params)

    def alarm(self, name, priority, active, t_ms):
        """An alarm came (`active` true) or went. `name` is one that the outbox was made with."""
        self._alarm_seq += 1
        alarm = self._alarms[name]
        alarm.priority = priority
        alarm.active = active
        alarm.seq = self._alarm_seq
        alarm.t_ms = t_ms
        if not alarm.waiting:
            alarm.waiting = True
            self._alarms_waiting += 1

    def state(self, state, event, t_ms):
        self._state = state
        self._event = event
        self._state_t_ms = t_ms
        self._state_waiting = True

    def telemetry(self, params):
        """Adds `seq` and `dropped` to `params` and writes the line: the dict may be used again."""
        if self._telemetry.full():
            self._telemetry.take()
            self.dropped += 1
        self._telemetry_seq += 1
        params["seq"] = self._telemetry_seq
        params["dropped"] = self.dropped
        self._telemetry.put(_notification("telemetry", params))

    def reply_waiting(self):
        """True until the port has the last reply: a reset waits for that, with a bound of its own."""
        return self._rest is not None or self._replies.count > 0

    def next_chunk(self):
        """What is to be sent next, to the end of one line (a memoryview), or None."""
        if self._rest is None:
            line = self._next_line()
            if line is not None:
                self._rest = memoryview(line)
        return self._rest

    def sent(self, n):
        """The port took `n` bytes of the chunk. Returns true when that ended a line."""
        assert self._rest is not None
        if n < len(self._rest):
            self._rest = self._rest[n:]
            return False
        self._rest = None
        return True

    def _next_line(self):
        if self._ready is not None:
            line = self._ready
            self._ready = None
            return line
        if self._replies.count:
            return self._replies.take()
        if self._alarms_waiting:
            alarm = self._oldest_alarm()
            alarm.waiting = False
            self._alarms_waiting -= 1
            return _notification("alarm", alarm.params())
        if self._state_waiting:
            self._state_waiting = False
            params = {"state": self._state, "event": self._event, "t_ms": self._state_t_ms}
            return _notification("state", params)
        if self._telemetry.count:
            return self._telemetry.take()
        return None

    def _oldest_alarm(self):
        """The waiting change with the lowest `seq`, so that on the line `seq` only ever grows."""
        oldest = None
        for alarm in self._alarms.values():
            if alarm.waiting and (oldest is None or alarm.seq < oldest.seq):
                oldest = alarm
        return oldest


def _notification(method, params):
    return frame.encode({"method": method, "params": params})
