"""A serial port between the client and a board in the same process, for runs that repeat exactly.

Unlike a pseudo-terminal it knows when the client has handled all received bytes (`drained`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Wire:
    """Implements `picoinfuse.client.port.Port`; `write` receives the client's bytes."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.timeout: float | None = 0.05
        self._write = write
        self._waiting = bytearray()
        self._changed = threading.Condition()
        self._idle = True
        self._open = False

    def open(self) -> None:
        """Opens the port: bytes are kept for the client from now on, otherwise from its first read."""
        with self._changed:
            self._open = True

    def arrive(self, data: bytes) -> None:
        """Receives bytes from the board; they are lost while the port is not open."""
        with self._changed:
            if self._open:
                self._waiting += data
                self._idle = False
                self._changed.notify_all()

    def drained(self, timeout_s: float = 10.0) -> bool:
        """Waits until the client has read everything and asks for more. False after `timeout_s` of wall time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle or not self._open, timeout_s)

    @property
    def in_waiting(self) -> int:
        """Number of bytes that can be read at once."""
        with self._changed:
            return len(self._waiting)

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; waits for the first of them for at most `timeout` s of wall time."""
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
        """Sends bytes to the board."""
        self._write(bytes(data))
        return len(data)

    def close(self) -> None:
        """Closes the port."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
