"""Frames: one JSON object, `#`, its CRC-32 in eight lower-case hex digits, newline (docs/protocol.md).

The same rules as the firmware's `pump/link`; a property test holds the two against each other. `Lines` cuts a
stream of bytes into lines with a bound, so that a broken sender cannot fill the memory.
"""

import json
import re
from typing import Any
from zlib import crc32

from picoinfuse.client.text import printable
from picoinfuse.common.errors import FrameError

TO_PUMP_BYTES = 512  # longest line to the pump, newline included
FROM_PUMP_BYTES = 1024  # longest line from it

_TRAILER = re.compile(rb"#[0-9a-f]{8}\Z")


def encode(message: dict[str, Any], limit_bytes: int = TO_PUMP_BYTES) -> bytes:
    """One frame, newline included."""
    body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")
    line = body + b"#%08x\n" % crc32(body)
    if len(line) > limit_bytes:
        raise FrameError("too_long", f"the line would have {len(line)} bytes, at most {limit_bytes} are allowed")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """The object in one line; a newline at its end is allowed, and a carriage return before it.

    Control characters are taken out of every string: what a pump sends may reach a terminal, and JSON can carry escape
    sequences. Raises FrameError.
    """
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if not _TRAILER.search(line):
        raise FrameError("crc_required", "the line has no CRC")
    body, crc = line[:-9], line[-8:]
    if crc != b"%08x" % crc32(body):
        raise FrameError("crc_error", "the CRC does not fit the line")
    try:
        text = body.decode("utf-8")
        message = json.loads(text)
        # A string of the message can only have what the line has, or what an escape makes.
        if "\\" in text or not text.isprintable():
            message = _printable(message)
    except (ValueError, RecursionError) as error:
        raise FrameError("parse_error", "the line is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("invalid_request", "the line is not a JSON object")
    return message


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(name): _printable(item) for name, item in value.items()}
    return value


class Lines:
    """Cuts bytes into lines. A line beyond the limit is dropped up to its newline; `dropped` counts."""

    def __init__(self, limit_bytes: int = FROM_PUMP_BYTES) -> None:
        self.dropped = 0
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._skipping = False  # set at the limit, cleared by the newline that ends the long line

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their newlines."""
        lines: list[bytes] = []
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._take(part)
            if not self._skipping:
                lines.append(bytes(self._rest))
            self._rest.clear()
            self._skipping = False
        self._take(rest)
        return lines

    def rest(self) -> bytes:
        """The beginning of a line whose end has not come yet."""
        return bytes(self._rest)

    def _take(self, part: bytes) -> None:
        if self._skipping:
            return
        self._rest += part
        if len(self._rest) >= self._limit_bytes:  # there is no room left for the newline
            self._skipping = True
            self.dropped += 1
            self._rest.clear()
