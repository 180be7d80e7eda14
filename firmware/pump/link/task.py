"""The link as a task of the scheduler: a little reading, a little writing, every 10 ms.

Each turn has a bound, so that a host that floods the port takes no time from the pump, and one that does not
read only fills the outbox. While the outbox has no place for a reply nothing is read: the host's bytes wait
in the USB stack, which stops the host.
"""

from micropython import const

from pump.link.line_reader import LINE, TOO_LONG

_PERIOD_MS = const(10)
_READ_BYTES = const(128)  # a turn; 12.8 kB/s, and a turn's reading stays at a few ms as each byte costs a poll
_LINES_IN = const(1)  # a turn; its reply takes some 10 ms on a Pico
_LINES_OUT = const(4)  # a turn
_GARBAGE_AFTER = const(1000)  # bytes sent: replies and reports leave some six times as much behind, of 30 KB


class LinkTask:
    name = "link"
    max_late_ms = 50

    def __init__(self, port, reader, server, outbox, on_garbage):
        """`on_garbage()`: so much was left behind that it should be collected."""
        self._port = port
        self._reader = reader
        self._server = server
        self._outbox = outbox
        self._on_garbage = on_garbage
        self._sent = 0  # since it was last called
        self._chunk = bytearray(_READ_BYTES)
        self._at = 0  # chunk[at:end] has been read and not yet been cut into lines
        self._end = 0

    def run(self, now_ms):
        self._read(now_ms)
        self._write()
        if self._sent >= _GARBAGE_AFTER:
            self._sent = 0
            self._on_garbage()
        return _PERIOD_MS

    def _read(self, now_ms):
        if not self._outbox.room_for_reply():
            return
        if self._at == self._end:
            self._at = 0
            self._end = self._port.read_into(self._chunk)
            if not self._end:
                self._reader.quiet(now_ms)
                return
        lines = 0
        while self._at < self._end and lines < _LINES_IN and self._outbox.room_for_reply():
            self._at = self._reader.feed(self._chunk, self._at, self._end, now_ms)
            event = self._reader.event
            if event == LINE:
                self._server.handle_line(self._reader.line)
                lines += 1
            elif event == TOO_LONG:
                self._server.too_long()
                lines += 1

    def _write(self):
        lines = 0
        while lines < _LINES_OUT:
            chunk = self._outbox.next_chunk()
            if chunk is None:
                return
            taken = self._port.write(chunk)
            self._sent += taken
            if taken and self._outbox.sent(taken):
                lines += 1
            if taken < len(chunk):  # the port is full
                return
