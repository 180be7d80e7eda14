"""The link as the scheduler runs it: bounded work a turn, nothing lost, and no bytes that bring it down."""

import json
from binascii import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.link import frame, schema
from pump.link.line_reader import LineReader
from pump.link.outbox import Outbox
from pump.link.schema import Refused
from pump.link.server import Server
from pump.link.task import _LINES_IN, _PERIOD_MS, _READ_BYTES, LinkTask

BOOT = 41


class Port:
    """Bytes that wait, and room for so many; None is for a host that reads everything."""

    def __init__(self):
        self.waiting = bytearray()
        self.room = None
        self.written = bytearray()
        self.reads = 0
        self.writes = 0

    def read_into(self, buffer):
        self.reads += 1
        n = min(len(buffer), len(self.waiting))
        buffer[:n] = self.waiting[:n]
        del self.waiting[:n]
        return n

    def write(self, data):
        self.writes += 1
        n = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= n
        self.written += data[:n]
        return n

    def messages(self):
        """What the host got, decoded; the rest of a line that has begun stays."""
        *lines, rest = bytes(self.written).split(b"\n")
        self.written = bytearray(rest)
        return [frame.decode(line)[0] for line in lines]


class Handlers:
    def __init__(self):
        self.done = []

    def on_error(self, exc):
        raise AssertionError(f"no input may be a fault of the pump: {exc!r}")


def _record(name):
    def handler(self, **params):
        self.done.append((name, params))
        if name == "resume":
            raise Refused("wrong_state", "not while idle", {"state": "idle"})
        return {}

    return handler


for _name in schema.METHODS:
    setattr(Handlers, _name, _record(_name))


class Pump:
    def __init__(self):
        self.port = Port()
        self.handlers = Handlers()
        self.outbox = Outbox(("occlusion", "sensor"))
        self.reader = LineReader()
        functions = {name: getattr(self.handlers, name) for name in schema.METHODS}
        self.server = Server(functions, BOOT, self.outbox, self.handlers.on_error)
        self.task = LinkTask(self.port, self.reader, self.server, self.outbox, lambda: None)
        self.now_ms = 0

    def turns(self, count):
        for _ in range(count):
            assert self.task.run(self.now_ms) == _PERIOD_MS
            self.now_ms += _PERIOD_MS


@pytest.fixture
def pump():
    return Pump()


def query(request_id):
    return b'{"id":%d,"method":"status"}\n' % request_id


def command(request_id, method="stop", **params):
    text = json.dumps({"id": request_id, "method": method, "params": params, "boot": BOOT}).encode()
    return text + b"#%08x\n" % crc32(text)


def test_the_task_has_what_the_scheduler_asks_for(pump):
    assert (pump.task.name, pump.task.max_late_ms) == ("link", 50)


def test_a_request_is_answered_in_the_turn_that_reads_it(pump):
    pump.port.waiting += query(1)
    pump.turns(1)
    assert pump.port.messages() == [{"id": 1, "result": {}}]


def test_an_idle_turn_reads_once_and_writes_nothing(pump):
    pump.turns(1)
    assert (pump.port.reads, pump.port.writes) == (1, 0)


def test_a_flood_takes_no_more_than_its_share_of_a_turn(pump):
    for request_id in range(1, 101):
        pump.port.waiting += query(request_id)
    total = len(pump.port.waiting)
    pump.turns(1)
    assert len(pump.handlers.done) <= _LINES_IN
    assert total - len(pump.port.waiting) <= _READ_BYTES
    pump.turns(150)  # a line a turn, and some turns end in the middle of one
    assert [message["id"] for message in pump.port.messages()] == list(range(1, 101))


def test_a_flood_of_newlines_costs_one_read_a_turn(pump):
    pump.port.waiting += b"\n" * 1000
    pump.turns(1)
    assert pump.port.reads == 1
    assert pump.port.messages() == []


def test_nothing_is_read_while_no_place_is_left_for_a_reply(pump):
    pump.port.room = 0
    for request_id in range(1, 31):
        pump.port.waiting += query(request_id)
    pump.turns(50)
    # 8 replies wait; the first of them has begun to go out and made place for one more.
    assert len(pump.handlers.done) == 9
    reads = pump.port.reads
    pump.turns(50)
    assert pump.port.reads == reads
    pump.port.room = None
    pump.turns(50)
    assert [message["id"] for message in pump.port.messages()] == list(range(1, 31))


def test_half_a_request_survives_a_host_that_does_not_read_for_long(pump):
    pump.port.room = 0
    for request_id in range(1, 10):
        pump.port.waiting += query(request_id)
    pump.port.waiting += query(10)[:10]
    pump.turns(300)  # 3 s; the silence is the pump's, not the host's
    pump.port.room = None
    pump.turns(2)
    pump.port.waiting += query(10)[10:]
    pump.turns(2)
    assert [message["id"] for message in pump.port.messages()] == list(range(1, 11))


def test_half_a_request_is_forgotten_after_a_second(pump):
    pump.port.waiting += query(1)[:10]
    pump.turns(102)
    pump.port.waiting += query(2)
    pump.turns(1)
    assert pump.port.messages() == [{"id": 2, "result": {}}]


def test_a_long_line_gets_one_answer_and_the_next_request_its_own(pump):
    pump.port.waiting += b"x" * 3000 + b"\n" + query(2)
    pump.turns(40)
    first, second = pump.port.messages()
    assert first["error"]["code"] == "too_long"
    assert second == {"id": 2, "result": {}}


def test_replies_and_alarms_survive_a_host_that_does_not_read_and_telemetry_is_counted(pump):
    pump.port.room = 20  # a line is stuck half-way
    pump.port.waiting += command(1)
    for turn in range(100):
        pump.outbox.telemetry({"t_ms": turn})
        pump.outbox.alarm("occlusion", "high", turn % 2 == 0, turn)
        pump.turns(1)
    pump.port.room = None
    pump.turns(10)
    messages = pump.port.messages()
    assert [message["id"] for message in messages if "id" in message] == [1]
    alarms = [message["params"] for message in messages if message.get("method") == "alarm"]
    assert (alarms[-1]["seq"], alarms[-1]["active"]) == (100, False)
    telemetry = [message["params"] for message in messages if message.get("method") == "telemetry"]
    assert [params["t_ms"] for params in telemetry] == [96, 97, 98, 99]
    assert telemetry[-1]["dropped"] == 96


def test_a_turn_writes_at_most_four_lines(pump):
    for _ in range(4):
        pump.outbox.telemetry({})
    pump.outbox.state("idle", "stop", 0)
    pump.outbox.alarm("sensor", "high", True, 0)
    pump.turns(1)
    assert len(pump.port.messages()) == 4
    pump.turns(1)
    assert len(pump.port.messages()) == 2


TRAFFIC = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=40).map(lambda data: data + b"\n"),
    st.integers(500, 530).map(lambda n: b"x" * n + b"\n"),
    st.integers(1, 2**31).map(query),
    st.builds(command, st.integers(1, 40), st.sampled_from(sorted(schema.METHODS))),
    st.builds(command, st.integers(1, 40), st.just("start"), rate_ul_h=st.integers(-1, 10**15) | st.floats()),
    st.recursive(st.none() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5).map(
        lambda value: json.dumps({"id": 1, "method": "start", "params": value}).encode() + b"\n"
    ),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(TRAFFIC, st.integers(0, 3), st.integers(0, 400), st.booleans()), max_size=30))
def test_no_bytes_bring_the_link_down_or_fill_the_memory(steps):
    """Bytes come, turns pass, the host takes some bytes, an alarm comes. `internal_error` fails too."""
    pump = Pump()
    for data, turns, room, alarm in steps:
        pump.port.waiting += data
        pump.port.room = room
        if alarm:
            pump.outbox.alarm("occlusion", "high", True, pump.now_ms)
            pump.outbox.telemetry({"t_ms": pump.now_ms})
        pump.turns(turns)
        assert len(pump.server._executed._ids) == len(pump.server._executed._replies) == 16
        assert pump.outbox._replies.count <= 8 == len(pump.outbox._replies._lines)
        assert pump.outbox._telemetry.count <= 4 == len(pump.outbox._telemetry._lines)
        assert len(pump.task._chunk) == _READ_BYTES
        assert pump.reader._used < 512 == len(pump.reader._buffer)
    pump.port.room = None
    pump.port.waiting += b"\n" + query(77)
    pump.turns(200)
    assert pump.port.waiting == b""
    assert {"id": 77, "result": {}} in pump.port.messages()
