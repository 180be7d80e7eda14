"""One line in, one reply out; a command at most once."""

import json
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.link import frame, schema
from pump.link.outbox import Outbox
from pump.link.schema import Refused
from pump.link.server import Server

BOOT = 41


class Handlers:
    """Records what was done."""

    def __init__(self):
        self.done = []
        self.errors = []
        self.raises = None

    def on_error(self, exc):
        self.errors.append(exc)


def _record(name):
    def handler(self, **params):
        if self.raises is not None:
            raise self.raises
        self.done.append((name, params))
        return {"n": len(self.done)}

    return handler


for _name in schema.METHODS:
    setattr(Handlers, _name, _record(_name))


class Link:
    """A server with its handlers and an outbox that is read at once."""

    def __init__(self):
        self.handlers = Handlers()
        self.outbox = Outbox(())
        self.functions = {name: getattr(self.handlers, name) for name in schema.METHODS}
        self.server = Server(self.functions, BOOT, self.outbox, self.handlers.on_error)

    def send(self, line):
        """The reply to a line, as the bytes on the wire."""
        self.server.handle_line(line)
        reply = bytes(self.outbox.next_chunk())
        assert self.outbox.sent(len(reply))
        assert self.outbox.next_chunk() is None, "one reply for one line"
        return reply

    def ask(self, line):
        return frame.decode(self.send(line)[:-1])[0]

    def code(self, line):
        return self.ask(line)["error"]["code"]


@pytest.fixture
def link():
    return Link()


def typed(request):
    """A line without CRC."""
    return json.dumps(request).encode()


def framed(request):
    text = json.dumps(request, separators=(",", ":")).encode()
    return text + b"#%08x" % crc32(text)


def command(request_id, method="stop", boot=BOOT, **params):
    return framed({"id": request_id, "method": method, "params": params, "boot": boot})


# Shape


def test_a_query_may_be_typed(link):
    assert link.ask(b'{"id":7,"method":"status"}') == {"id": 7, "result": {"n": 1}}
    assert link.handlers.done == [("status", {})]


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"\x03", "parse_error", None),
        (b"help", "parse_error", None),
        (b'{"id":7,"method":"status"}#00000000', "crc_error", None),
        (b"[]", "invalid_request", None),
        (b"7", "invalid_request", None),
        (b'{"method":"status"}', "invalid_request", None),
        (b'{"id":null,"method":"status"}', "invalid_request", None),
        (b'{"id":"7","method":"status"}', "invalid_request", None),
        (b'{"id":true,"method":"status"}', "invalid_request", None),
        (b'{"id":7.0,"method":"status"}', "invalid_request", None),
        (b'{"id":0,"method":"status"}', "invalid_request", None),
        (b'{"id":1073741824,"method":"status"}', "invalid_request", None),
        (b'{"id":7}', "invalid_request", 7),
        (b'{"id":7,"method":1}', "invalid_request", 7),
        (b'{"id":7,"method":"status","params":[]}', "invalid_request", 7),
        (b'{"id":7,"method":"status","params":null}', "invalid_request", 7),
        (b'{"id":7,"method":"status","jsonrpc":"2.0"}', "invalid_request", 7),
        (b'{"id":7,"method":"status","boot":"41"}', "invalid_request", 7),
        (b'{"id":7,"method":"status","boot":true}', "invalid_request", 7),
        (b'{"id":7,"method":"internal_error"}', "unknown_method", 7),
        (b'{"id":7,"method":"__init__"}', "unknown_method", 7),
        (b'{"id":7,"method":"status","params":{"x":1}}', "extra_parameter", 7),
        (b'{"id":1073741823,"method":"stop","boot":41}', "crc_required", 1073741823),
        (framed({"id": 7, "method": "stop"}), "invalid_request", 7),
        (command(7, boot=40), "other_boot", 7),
        (command(7, "set_rate"), "missing_parameter", 7),
        (command(7, "start", rate_ul_h=True), "wrong_type", 7),
        (command(7, "telemetry", period_ms=1), "out_of_range", 7),
    ],
)
def test_a_bad_request_is_refused_and_nothing_is_done(link, line, code, request_id):
    reply = link.ask(line)
    assert (reply["error"]["code"], reply["id"]) == (code, request_id)
    assert link.handlers.done == []
    assert link.handlers.errors == []


@pytest.mark.parametrize(
    ("line", "member"),
    [
        (b'{"method":"status"}', "id"),
        (b'{"id":7}', "method"),
        (b'{"id":7,"method":"status","params":3}', "params"),
        (b'{"id":7,"method":"status","jsonrpc":"2.0"}', "jsonrpc"),
        (framed({"id": 7, "method": "stop"}), "boot"),
    ],
)
def test_invalid_request_names_the_member(link, line, member):
    error = link.ask(line)["error"]
    assert error["data"] == {"member": member}
    assert member in error["message"]


def test_too_long_is_answered(link):
    link.server.too_long()
    line = bytes(link.outbox.next_chunk())
    assert frame.decode(line[:-1])[0]["error"]["code"] == "too_long"


@given(st.text(max_size=120))
def test_a_reply_fits_a_line_whatever_was_sent(name):
    link = Link()
    for request in (
        {"id": 1, "method": name},
        {"id": 1, "method": "status", name: 1},
        {"id": 1, "method": "status", "params": {name: 1}},
    ):
        reply = link.send(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
        assert len(reply) <= frame.MAX_TO_HOST
    assert link.handlers.errors == []


# Faults


def test_parameters_reach_the_handler_by_name(link):
    link.ask(command(1, "start", rate_ul_h=5000, vtbi_nl=10**13))
    link.ask(command(2, "start", rate_ul_h=5000))
    assert link.handlers.done == [
        ("start", {"rate_ul_h": 5000, "vtbi_nl": 10**13}),
        ("start", {"rate_ul_h": 5000}),
    ]


def test_a_refusal_of_the_application_reaches_the_host(link):
    link.handlers.raises = Refused("wrong_state", "not while infusing", {"state": "infusing"})
    assert link.ask(command(1, "service")) == {
        "id": 1,
        "error": {"code": "wrong_state", "message": "not while infusing", "data": {"state": "infusing"}},
    }
    assert link.handlers.errors == []


@pytest.mark.parametrize("exc", [ValueError("x"), KeyError("x"), MemoryError()])
@pytest.mark.parametrize("line", [b'{"id":7,"method":"status"}', command(7)])
def test_any_other_exception_is_reported_to_the_application_and_the_host(link, exc, line):
    link.handlers.raises = exc
    reply = link.ask(line)
    assert (reply["id"], reply["error"]["code"]) == (7, "internal")
    assert link.handlers.errors == [exc]


def test_a_result_that_does_not_fit_a_line_is_an_error_and_no_fault_of_the_pump(link):
    link.functions["status"] = lambda: {"text": "x" * 1100}
    assert link.code(b'{"id":7,"method":"status"}') == "reply_too_long"
    assert link.handlers.errors == []


def test_without_memory_for_the_reply_there_is_one_all_the_same(link, monkeypatch):
    def no_memory(obj):
        raise MemoryError

    monkeypatch.setattr(frame, "encode", no_memory)
    reply = frame.decode(link.send(command(7))[:-1])[0]
    assert (reply["id"], reply["error"]["code"]) == (None, "internal")
    assert len(link.handlers.errors) == 1


# At most once


def test_a_command_sent_again_is_answered_again_and_not_done_again(link):
    first = link.send(command(1, "start", rate_ul_h=5000))
    assert [link.send(command(1, "start", rate_ul_h=5000)) for _ in range(5)] == [first] * 5
    assert len(link.handlers.done) == 1


def test_an_id_with_other_bytes_is_refused_and_the_first_reply_stays(link):
    first = link.send(command(1, "start", rate_ul_h=5000))
    assert link.code(command(1, "start", rate_ul_h=6000)) == "id_reused"
    assert link.code(command(1, "stop")) == "id_reused"
    assert link.send(command(1, "start", rate_ul_h=5000)) == first
    assert len(link.handlers.done) == 1


def test_ids_may_come_in_any_order(link):
    for request_id in (9, 3, 1000, 4, 2**30 - 1):
        link.ask(command(request_id))
    assert len(link.handlers.done) == 5
    link.ask(command(3))
    link.ask(command(1000))
    assert len(link.handlers.done) == 5


def test_a_refused_command_is_refused_again_although_it_could_now_be_done(link):
    # The host retries because the reply got lost; it must learn what became of its first attempt.
    link.handlers.raises = Refused("wrong_state", "not while idle", {"state": "idle"})
    first = link.send(command(1, "resume"))
    link.handlers.raises = None
    assert link.send(command(1, "resume")) == first
    assert link.handlers.done == []


def test_a_command_that_failed_is_not_tried_again(link):
    link.handlers.raises = ValueError("x")
    first = link.send(command(1))
    link.handlers.raises = None
    assert link.send(command(1)) == first
    assert len(link.handlers.errors) == 1
    assert link.handlers.done == []


def test_what_never_was_a_command_does_not_take_an_id(link):
    damaged = bytearray(command(1))
    damaged[5] ^= 1
    assert link.code(bytes(damaged)) == "crc_error"
    assert link.code(b'{"id":1,"method":"stop","boot":41}') == "crc_required"
    assert link.code(command(1, boot=40)) == "other_boot"
    assert link.ask(command(1)) == {"id": 1, "result": {"n": 1}}


def test_a_command_from_before_the_reset_is_refused_by_the_next_boot():
    line = command(1, "start", rate_ul_h=5000)
    before = Link()
    before.send(line)
    after = Link()
    after.server = Server(after.functions, BOOT + 1, after.outbox, after.handlers.on_error)
    assert after.code(line) == "other_boot"
    assert after.handlers.done == []


def test_queries_are_not_kept(link):
    for _ in range(3):
        link.ask(b'{"id":1,"method":"status"}')
    assert len(link.handlers.done) == 3
    assert link.ask(command(1)) == {"id": 1, "result": {"n": 4}}


def test_sixteen_commands_are_kept(link):
    for request_id in range(1, 17):
        link.ask(command(request_id))
    link.ask(command(1))
    assert len(link.handlers.done) == 16
    # Beyond that the pump has forgotten; a host that waits for each reply never retries so late.
    link.ask(command(17))
    link.ask(command(1))
    assert len(link.handlers.done) == 18


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from([100, 200])), max_size=60))
def test_no_id_is_ever_done_twice(requests):
    """12 ids fit in the 16 places, so each is done exactly once, with the bytes that came first."""
    link = Link()
    first = {}
    for request_id, rate_ul_h in requests:
        reply = link.ask(command(request_id, "set_rate", rate_ul_h=rate_ul_h))
        if first.setdefault(request_id, rate_ul_h) == rate_ul_h:
            assert reply["result"] == {"n": list(first).index(request_id) + 1}
        else:
            assert reply["error"]["code"] == "id_reused"
    assert link.handlers.done == [("set_rate", {"rate_ul_h": rate}) for rate in first.values()]
    assert len(link.server._executed._ids) == 16
