"""Lines from a grammar against the pump's server: one answer to each, nothing done that was not ordered, and no
command done twice, however the lines are damaged.
"""

import json
import re
from binascii import crc32
from collections import deque

import pytest

from pump.link import frame, schema
from pump.link.executed import _CAPACITY
from pump.link.line_reader import MAX_LINE
from pump.link.outbox import Outbox
from pump.link.server import _MAX_ID, Server

from .line_grammar import lines

BOOT = 41
MAX_REPLY = 1024
_TRAILER = re.compile(rb"#([0-9a-f]{8})\Z")
# Refusals of lines that never became a command: nothing is kept of them.
_UNREAD = ("parse_error", "crc_error", "crc_required", "invalid_request", "unknown_method")
_NO_COMMAND = (*_UNREAD, "other_boot", "id_reused")
CHUNK = 250_000  # four of them make the million of `make test-long`


class Handlers:
    """Notes what was done, and checks that it was ordered."""

    def __init__(self):
        self.request = None  # the object of the line at hand, as Python's own parser reads it
        self.done = 0
        self.kept = deque(maxlen=_CAPACITY)  # ids of the commands that the server must still know, refused or done

    def on_error(self, exc):
        raise exc


def _method(name):
    def handler(self, **params):
        request = self.request
        assert request is not None, "something was done for a line that is no request"
        assert request["method"] == name
        assert request.get("params", {}) == params
        self.done += 1
        if schema.METHODS[name][0] != schema.QUERY:
            assert request["boot"] == BOOT
            assert request["id"] not in self.kept, "a command was done twice"
        return {"done": self.done}

    return handler


for _name in schema.METHODS:
    setattr(Handlers, _name, _method(_name))


def _only_once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name twice")
    return dict(pairs)


def _refuse(text):
    raise ValueError(text)


def request_in(line):
    """What a careful reader takes for a request, by another parser; None when the line is none."""
    line = line.removesuffix(b"\r")
    crc = _TRAILER.search(line)
    body = line[: crc.start()] if crc else line
    if crc and crc.group(1) != b"%08x" % crc32(body):
        return None
    try:
        request = json.loads(body.decode(), object_pairs_hook=_only_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or type(request.get("id")) is not int or not 1 <= request["id"] <= _MAX_ID:
        return None
    return request


def is_command(request, reply):
    """Whether the request reached a command, which ran or refused it; an error in `reply` shows those that did not."""
    if request is None or reply.get("error", {}).get("code") in _NO_COMMAND:
        return False
    return schema.METHODS[request["method"]][0] != schema.QUERY


def fuzz(seed, count):
    """Returns how many lines were carried out."""
    handlers = Handlers()
    outbox = Outbox(())
    functions = {name: getattr(handlers, name) for name in schema.METHODS}
    server = Server(functions, BOOT, outbox, handlers.on_error)
    for line in lines(seed, count, BOOT):
        if not 0 < len(line) < MAX_LINE:  # the line reader keeps these away
            continue
        handlers.request = request_in(line)
        server.handle_line(line)
        reply = bytes(outbox.next_chunk())
        assert outbox.sent(len(reply))
        assert outbox.next_chunk() is None, "one reply for one line"
        assert len(reply) <= MAX_REPLY
        message, has_crc, _ = frame.decode(reply.rstrip(b"\n"))
        assert has_crc
        assert set(message) in ({"id", "result"}, {"id", "error"})
        assert message.get("error", {}).get("code") != "internal", line
        if is_command(handlers.request, message) and handlers.request["id"] not in handlers.kept:
            handlers.kept.append(handlers.request["id"])
    return handlers.done


def test_the_server_keeps_its_word_whatever_comes():
    done = fuzz(seed=1, count=20_000)
    assert done > 1_000, "the lines must not all be refused"


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_a_million_lines(seed):
    assert fuzz(seed, CHUNK) > CHUNK // 20
