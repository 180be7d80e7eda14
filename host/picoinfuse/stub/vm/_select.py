"""`select` of the modelled Pico: only the USB serial port can be polled."""

from _usb import Stdin, StdinBuffer, Stdout, StdoutBuffer
from _world import WORLD

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16

_READABLE = (Stdin, StdinBuffer)
_WRITABLE = (Stdout, StdoutBuffer)


class _Poll:
    def __init__(self):
        self._watched = []
        self._only_reads = False

    def register(self, stream, mask=POLLIN | POLLOUT):
        if not isinstance(stream, _READABLE + _WRITABLE):
            raise TypeError("stream expected")
        self.unregister(stream)
        self._watched.append((stream, mask))
        self._only_reads = not [pair for pair in self._watched if isinstance(pair[0], _WRITABLE)]

    def unregister(self, stream):
        self._watched = [pair for pair in self._watched if pair[0] is not stream]

    def modify(self, stream, mask):
        self.register(stream, mask)

    def poll(self, timeout_ms=-1):
        """The ready streams. A time-out of 0 looks once; any other spins on the chip, and lets time pass here."""
        ready = self._ready()
        waited_ms = 0
        while not ready and timeout_ms != 0 and not 0 < timeout_ms <= waited_ms:
            WORLD.sleep(1000000)
            waited_ms += 1
            ready = self._ready()
        return ready

    def ipoll(self, timeout_ms=-1, flags=0):
        return iter(self._ready() if timeout_ms == 0 else self.poll(timeout_ms))

    def _ready(self):
        usb = WORLD.usb
        if self._only_reads and not usb.rx:  # the loop's look at the line, mostly
            return ()
        ready = []
        for stream, mask in self._watched:
            if mask & POLLIN and usb.rx and isinstance(stream, _READABLE):
                ready.append((stream, POLLIN))
            elif mask & POLLOUT and isinstance(stream, _WRITABLE) and usb.writable():
                ready.append((stream, POLLOUT))
        return ready


def poll():
    return _Poll()
