"""Runs on the MicroPython VM, started by test_link_on_vm.py: the link there does what it does on CPython.

Arguments: the firmware folder, a file of cases. A case is a line: the bytes of a link line in hex, a blank,
and what CPython made of it: `=` and the object as JSON, or the code of the error.
"""

import gc
import json
import sys
from binascii import crc32, unhexlify

import micropython

sys.path.insert(0, sys.argv[1])
from pump.link import frame, schema
from pump.link.line_reader import LINE, TOO_LONG, LineReader
from pump.link.outbox import Outbox
from pump.link.server import Server
from pump.link.task import LinkTask
from pump.storage.reset_note import WAS_INFUSING, ResetNote


class Handlers:
    def __init__(self):
        self.done = 0

    def do(self, **params):
        self.done += 1
        return {}

    def on_error(self, exc):
        raise exc


class Port:
    def __init__(self):
        self.waiting = b""
        self.written = 0
        self.room = 1024

    def read_into(self, buffer):
        n = min(len(self.waiting), len(buffer))
        if n:
            buffer[:n] = self.waiting[:n]
            self.waiting = self.waiting[n:]
        return n

    def write(self, data):
        self.written += min(self.room, len(data))
        return min(self.room, len(data))


def verdict(line):
    try:
        return "=" + json.dumps(frame.decode(line)[0])
    except frame.BadFrame as bad:
        return bad.code


def same(ours, theirs):
    if ours[0] == theirs[0] == "=":
        return json.loads(ours[1:]) == json.loads(theirs[1:])
    return ours == theirs


def check_cases(path):
    wrong = 0
    count = 0
    with open(path) as file:
        for case in file:
            data, expected = case.rstrip("\n").split(" ", 1)
            count += 1
            ours = verdict(unhexlify(data))
            if not same(ours, expected):
                wrong += 1
                print("differs:", unhexlify(data), expected, ours)
    assert wrong == 0, "%d of %d cases differ" % (wrong, count)
    return count


def check_encode():
    line = frame.encode({"id": 1, "result": {"a": [1, None, True, "é\x01"], "b": ("x",)}})
    assert len(line) % frame.BLOCK == 0
    assert frame.decode(line[:-1])[0] == {"id": 1, "result": {"a": [1, None, True, "é\x01"], "b": ["x"]}}


def check_line_reader():
    reader = LineReader()
    stream = bytearray(b"one\r\n\n" + b"x" * 511 + b"\n" + b"y" * 600 + b"\nlast\n")
    seen = []
    for at in range(len(stream)):  # a byte at a time
        assert reader.feed(stream, at, at + 1, 0) == at + 1
        if reader.event == LINE:
            seen.append(len(reader.line))
        elif reader.event == TOO_LONG:
            seen.append("too long")
    assert seen == [3, 511, "too long", 4], seen


def new_link():
    handlers = Handlers()
    port = Port()
    outbox = Outbox(("occlusion", "sensor"))
    task = LinkTask(
        port,
        LineReader(),
        Server(dict.fromkeys(schema.METHODS, handlers.do), 41, outbox, handlers.on_error),
        outbox,
        lambda: None,
    )
    return handlers, port, outbox, task


def check_task_keeps_its_memory(path):
    """All cases, and commands with ever new ids, through the whole link: what stays allocated has a bound."""
    handlers, port, outbox, task = new_link()
    used = 0
    turn = 0
    with open(path) as file:
        for case in file:
            turn += 1
            text = b'{"id":%d,"method":"stop","boot":41}' % (1000 + turn)  # no case has such an id
            port.waiting = unhexlify(case.split(" ", 1)[0]) + b"\n" + text + b"#%08x\n" % crc32(text)
            while port.waiting or outbox.reply_waiting():
                task.run(turn * 10)
            if turn == 100:  # everything that is kept has been filled
                gc.collect()
                used = gc.mem_alloc()
    gc.collect()
    grown = gc.mem_alloc() - used
    # 16 replies and ids may be larger than they were; nothing else may stay.
    assert grown < 2048, grown
    assert handlers.done >= turn


def check_what_allocates_nothing():
    _, port, outbox, task = new_link()
    note = ResetNote([0])
    line = b'{"id":7,"method":"start","params":{"a":[true,false,null,-12.5e3,"\\u0041\xc3\xa9"]}}'
    task.run(0)
    micropython.heap_lock()
    try:
        outbox.alarm("occlusion", "high", True, 123)
        outbox.state("infusing", "start", 123)
        note.set(WAS_INFUSING)
        assert frame.strict_json.members(line) == 4
    finally:
        micropython.heap_unlock()
    port.room = 0
    task.run(10)  # begins the line of the alarm
    micropython.heap_lock()
    try:
        task.run(20)  # an idle turn with a host that does not read
    finally:
        micropython.heap_unlock()


count = check_cases(sys.argv[2])
check_encode()
check_line_reader()
check_task_keeps_its_memory(sys.argv[2])
check_what_allocates_nothing()
print("ok", count)
