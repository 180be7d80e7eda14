"""A serial port between the client and a board in the same process, for runs that must repeat to the byte.

`drained()` waits until the client has handled all that arrived: a pseudo-terminal could not tell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Wire:
    """Has what the client wants of a port (`picoinfuse.client.port.Port`)."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.timeout: float | None = 0.05
        self._write = write
        self._waiting = bytearray()
        self._changed = threading.Condition()
        self._idle = True
        self._open = False

    def open(self) -> None:
        """From here on what arrives is kept for the client; else from its first read."""
        with self._changed:
            self._open = True

    def arrive(self, data: bytes) -> None:
        """Bytes from the board; lost while the port is not open."""
        with self._changed:
            if self._open:
                self._waiting += data
                self._idle = False
                self._changed.notify_all()

    def drained(self, timeout_s: float = 10.0) -> bool:
        """Waits until the client has taken everything and asks for more."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle or not self._open, timeout_s)

    @property
    def in_waiting(self) -> int:
        with self._changed:
            return len(self._waiting)

    def read(self, size: int, /) -> bytes:
        with self._changed:
            self._open = True
            if not self._waiting:
                self._idle = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting), self.timeout)
            data = bytes(self._waiting[:size])
            del self._waiting[:size]
            return data

    def write(self, data: bytes, /) -> int | None:
        self._write(bytes(data))
        return len(data)

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
