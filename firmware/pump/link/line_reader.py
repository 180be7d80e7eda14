"""Cuts the bytes of the serial port into lines, in one buffer that is allocated once.

`feed` takes bytes up to the end of one line and says how far it came; `event` then says what came. The bytes
are copied twice in all: into the buffer, as a line may come in pieces, and out of it as the `line` that the
parser gets. An over-long line is reported once, when it is known to be too long, and then dropped to its
newline. Half a line followed by silence was never a request: it is forgotten, so that it cannot become the
beginning of the next one.
"""

from micropython import const

from pump.core.units import elapsed_ms

MAX_LINE = const(512)  # newline included
_SILENCE_MS = const(1000)

_NOTHING = const(0)
LINE = const(1)
TOO_LONG = const(2)


class LineReader:
    def __init__(self):
        self.event = _NOTHING  # of the last `feed`
        self.line = b""  # at LINE: without its end, never empty
        self._buffer = memoryview(bytearray(MAX_LINE))
        self._used = 0
        self._dropping = False  # set at TOO_LONG, cleared by the newline
        self._last_ms = 0  # when the last byte came

    def feed(self, chunk, start, stop, now_ms):
        """Takes `chunk[start:stop]` (a bytearray) up to the end of a line; returns where the rest begins."""
        self.event = _NOTHING
        self._last_ms = now_ms
        newline = chunk.find(b"\n", start, stop)
        end = stop if newline < 0 else newline
        if not self._dropping:
            self._keep(chunk, start, end)
        if newline < 0:
            return stop
        if self._used:
            self._finish()
        self._dropping = False
        return newline + 1

    def quiet(self, now_ms):
        """The port was looked at and there was nothing."""
        if self._used and elapsed_ms(now_ms, self._last_ms) >= _SILENCE_MS:
            self._used = 0

    def _keep(self, chunk, start, end):
        used = self._used
        if used + end - start >= MAX_LINE:  # no room for the newline
            self.event = TOO_LONG
            self._used = 0
            self._dropping = True
            return
        self._used = used + end - start
        self._buffer[used : self._used] = memoryview(chunk)[start:end]

    def _finish(self):
        end = self._used
        self._used = 0
        if self._buffer[end - 1] == 13:  # \r
            end -= 1
        if end:
            self.line = bytes(self._buffer[:end])
            self.event = LINE
