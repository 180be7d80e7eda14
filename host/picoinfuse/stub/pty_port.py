"""The board's serial port as a pseudo-terminal, so that anything that opens a serial port opens this one.

While nobody has it open, what the board says is lost, as with a USB port that nobody has opened. While somebody
has it open and does not read, at most 4 KiB wait in the terminal, and soon `on_reading(False)` tells the board, which
then sees a port that takes no more.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable
from pathlib import Path

from picoinfuse.common.errors import PicoinfuseError

_CHUNK = 4096
_LOOK_S = 0.02


class NoLink(PicoinfuseError):
    """The path cannot be made a link to the port, or is something else already."""


class PtyPort:
    """`path` is what to open; `link`, if given, is made to point at it and removed at the end."""

    def __init__(
        self, on_bytes: Callable[[bytes], None], on_reading: Callable[[bool], None], link: Path | None = None
    ) -> None:
        if link is not None and link.exists() and not link.is_symlink():
            raise NoLink(f"{link} exists and is no link; name another path for the link to the serial port")
        self._on_bytes = on_bytes
        self._on_reading = on_reading
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        self._link = link
        if link is not None:
            try:
                link.unlink(missing_ok=True)
                link.symlink_to(self.path)
            except OSError as error:
                raise NoLink(f"no link to the serial port can be made at {link}: {error.strerror}") from error
        self._backlog = bytearray()
        self._reading = True  # as the board was told
        self._lock = threading.Lock()
        self._open = True
        self._thread = threading.Thread(target=self._forward, name="pty", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Bytes from the board."""
        with self._lock:
            if self._hung_up():
                self._backlog.clear()
                return
            self._backlog += data
            self._flush()

    def close(self) -> None:
        self._open = False
        self._thread.join()
        os.close(self._master)
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def _hung_up(self) -> bool:
        poller = select.poll()
        poller.register(self._master, select.POLLHUP)
        return bool(poller.poll(0))

    def _flush(self) -> None:
        while self._backlog:
            try:
                sent = os.write(self._master, self._backlog[:_CHUNK])
            except OSError:  # full, or closed at this moment
                return
            del self._backlog[:sent]

    def _forward(self) -> None:
        while self._open:
            if self._hung_up():
                threading.Event().wait(_LOOK_S)
            elif select.select([self._master], [], [], _LOOK_S)[0]:
                try:
                    data = os.read(self._master, _CHUNK)
                except OSError:
                    continue
                self._on_bytes(data)
            self._catch_up()

    def _catch_up(self) -> None:
        """Only this thread tells whether the host reads: two might tell the newer before the older."""
        with self._lock:
            self._flush()
            reading = not self._backlog
        if reading != self._reading:
            self._reading = reading
            self._on_reading(reading)
