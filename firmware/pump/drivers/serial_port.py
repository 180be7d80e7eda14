"""The USB serial port, without ever waiting for the host.

Reading: on this port `sys.stdin.buffer.read(n)` and `readinto` wait until they have all n bytes, and nothing
tells how many there are. So a byte is read only when poll says that there is one. When there is none, a call
costs one poll. `ipoll` is used because it makes no list.

Writing: poll says POLLOUT as soon as a single byte fits in the USB stack's 256-byte FIFO, but a write of n
bytes waits up to 500 ms until all n fit, if the host holds the port open and does not read. So only writes of
a size that certainly fits are safe. Writes here are of BLOCK (16) bytes, and the lines of link/frame.py are
multiples of it. The FIFO and the USB packets (64 bytes) are multiples of 16 as well, so what is in the FIFO
always is one, and where one byte fits, 16 do. This holds as long as nothing else prints: the pump prints
nothing while it runs. While no host holds the port open the stack takes everything and keeps the newest 256
bytes.

Ctrl-C is a byte like another between `begin` and `end`.
"""

import select
import sys

import micropython
from micropython import const

from pump.link.frame import BLOCK

_CTRL_C = const(3)


class SerialPort:
    """Reads and writes without waiting. The arguments are for tests."""

    def __init__(self, stdin=None, stdout=None, new_poll=select.poll, kbd_intr=None):
        stdin = sys.stdin if stdin is None else stdin
        stdout = sys.stdout if stdout is None else stdout
        self._kbd_intr = micropython.kbd_intr if kbd_intr is None else kbd_intr
        self._readinto = stdin.buffer.readinto
        self._write = stdout.buffer.write
        self._byte = bytearray(1)
        self._readable = new_poll()
        self._readable.register(stdin, select.POLLIN)
        self._writable = new_poll()
        self._writable.register(stdout, select.POLLOUT)

    def begin(self):
        """From now on the application owns the port."""
        self._kbd_intr(-1)

    def end(self):
        """Ctrl-C interrupts again, as the REPL and mpremote need it."""
        self._kbd_intr(_CTRL_C)

    def read_into(self, buffer):
        """Fills `buffer` with what is there now; returns how many bytes that was."""
        byte = self._byte
        n = 0
        while n < len(buffer) and _is_ready(self._readable):
            self._readinto(byte)
            buffer[n] = byte[0]
            n += 1
        return n

    def write(self, data):
        """Hands over `data` (a memoryview, up to a line) while there is room; returns how much it took."""
        n = 0
        while n < len(data) and _is_ready(self._writable):
            taken = self._write(data[n : n + BLOCK])
            if not taken:
                break
            n += taken
        return n


def _is_ready(poll):
    for _ in poll.ipoll(0):
        return True
    return False
