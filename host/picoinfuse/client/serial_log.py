"""The newest lines that went over a serial line, with their times, to explain afterwards what happened.

A session keeps one through all its reconnects. Telemetry of hours must not fill the memory, so the oldest lines go.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from picoinfuse.client.text import visible

LINES_KEPT = 2000
LONGEST_LINE = 1000  # bytes of a line that are kept


@dataclass(frozen=True)
class TrafficLine:
    """`t_s` is of the clock that the log was given; `sent` is from the host."""

    t_s: float
    sent: bool
    text: str

    def __str__(self) -> str:
        return f"{self.t_s:12.6f} {'>' if self.sent else '<'} {self.text}"


class Traffic:
    """Written by the link's two sides, read by anyone. `clock` gives seconds; a bench sets its own time."""

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self.dropped = 0  # lines that are no longer here
        self._lines: deque[TrafficLine] = deque(maxlen=LINES_KEPT)
        self._lock = threading.Lock()

    def sent(self, data: bytes) -> None:
        self._add(True, data)

    def heard(self, line: bytes) -> None:
        self._add(False, line)

    def lines(self) -> list[TrafficLine]:
        """All that is kept, oldest first."""
        with self._lock:
            return list(self._lines)

    def _add(self, sent: bool, data: bytes) -> None:
        text = visible(data[:LONGEST_LINE].rstrip(b"\r\n").decode("ascii", "backslashreplace"))
        line = TrafficLine(self.clock(), sent, text)
        with self._lock:
            self.dropped += len(self._lines) == LINES_KEPT
            self._lines.append(line)
