"""Frames: `<json>#<crc>\\n`, one JSON object on one line with its CRC-32 (docs/protocol.md).

`decode` takes a line without its newline, checks the CRC first and the grammar second, and only then parses:
a line that does not fit its CRC is never looked into. `encode` is for lines to the host.

Lines to the host are filled up with blanks before the `#` to a multiple of BLOCK bytes. JSON and the CRC
allow it, a reader does not notice, and `drivers/serial_port.py` says what it is for: a write that can never
stall.
"""

import json
from binascii import crc32

from micropython import const

from pump.link import strict_json

MAX_TO_HOST = const(1024)  # bytes of a line to the host, newline included
BLOCK = const(16)

_TRAILER = const(10)  # '#', eight digits, newline


class BadFrame(Exception):
    """A line that is no frame. `code` is one of docs/protocol.md."""

    data = None

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class FrameTooLong(Exception):
    pass


def encode(obj):
    """The line for `obj`, newline included, its length a multiple of BLOCK."""
    text = json.dumps(obj, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + _TRAILER) % BLOCK)
    line = text + b"#%08x\n" % crc32(text)
    if len(line) > MAX_TO_HOST:
        raise FrameTooLong("a line to the host of %d bytes, at most %d" % (len(line), MAX_TO_HOST))
    return line


def decode(line):
    """`(obj, has_crc, crc)` of a line (bytes, without newline); `crc` is of the JSON text, carried or not."""
    at = line.rfind(b"#")
    has_crc = at > line.rfind(b"}")  # a '#' within the JSON text has the closing brace after it
    text = line[:at] if has_crc else line
    crc = crc32(text)
    if has_crc and line[at + 1 :] != b"%08x" % crc:
        raise BadFrame("crc_error", "the CRC does not fit the line")
    obj = problem = None
    try:
        members = strict_json.members(text)
        obj = json.loads(text)
        if _members(obj) != members:
            problem = "two members with one name"  # which was meant? A rate is not to be guessed
    except ValueError as error:
        problem = str(error)
    if problem is not None:
        raise BadFrame("parse_error", "not JSON: " + problem)
    return obj, has_crc, crc


def _members(value):
    """The members that the parser kept. The depth is bounded by strict_json."""
    count = 0
    if isinstance(value, dict):
        count = len(value)
        for item in value.values():
            count += _members(item)
    elif isinstance(value, list):
        for item in value:
            count += _members(item)
    return count
