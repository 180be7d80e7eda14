"""The link on the real MicroPython VM, with a Pico's heap.

Its JSON parser is another one, its memory is counted, and its streams and poll are those that the firmware
uses.
"""

import json
import random
import shutil
import subprocess
import sys
from binascii import crc32
from pathlib import Path

import pytest

from pump.link import frame

from .line_grammar import lines

TESTS = Path(__file__).parent
FIRMWARE = TESTS.parent
BESIDE = Path(sys.executable).with_name("micropython")
VM = str(BESIDE) if BESIDE.exists() else shutil.which("micropython")

pytestmark = pytest.mark.skipif(VM is None, reason="no micropython beside Python or on the PATH")

GOOD = b'{"id":7,"method":"start","params":{"rate_ul_h":5000,"vtbi_nl":10000000000000},"boot":41}'
TOKENS = [
    *[b"{", b"}", b"[", b"]", b":", b",", b'"', b'"a"', b'"b"', b"0", b"-12", b"1", b".5", b"e3", b"+", b"#"],
    *[b"true", b"null", b"NaN", b" ", b"\\", b"\\u0041", b"\\ud83d", b"\xc3\xa9", b"\xed\xa0\x80"],
    *[b"\x00", b"\x1f", b"\x7f", b"\xff", b"\xc0\x80", b"'", b"x"],
    *[b"123456789012345", b"9" * 16, b"1e308", b"1e999999", b"[" * 9],
]


def cases():
    """Damaged requests and heaps of tokens, the same in every run."""
    rng = random.Random(1)
    for _ in range(2000):
        line = bytearray(GOOD)
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(len(line))
            kind = rng.randrange(3)
            if kind == 0:
                line[at : at + 1] = rng.choice(TOKENS)
            elif kind == 1:
                del line[at]
            else:
                line[at] ^= 1 << rng.randrange(8)
        yield bytes(line)
        yield bytes(line) + b"#%08x" % crc32(line)
    for _ in range(4000):
        yield b"".join(rng.choices(TOKENS, k=rng.randint(0, 10)))
        yield b'{"a":%s}' % b"".join(rng.choices(TOKENS, k=rng.randint(0, 4)))


def verdict(line):
    try:
        obj = frame.decode(line)[0]
    except frame.BadFrame as bad:
        return bad.code
    return "=" + json.dumps(obj)


def vm(script, *arguments):
    return [VM, "-X", "heapsize=192K", str(TESTS / script), str(FIRMWARE), *map(str, arguments)]


def test_the_vm_makes_the_same_of_every_line(tmp_path):
    path = tmp_path / "cases"
    # A number too large for a float is read as infinity, which json.dumps cannot write as JSON: left out.
    verdicts = [(line, verdict(line)) for line in cases() if b"\n" not in line]
    verdicts = [(line, text) for line, text in verdicts if "Infinity" not in text]
    path.write_text("".join(f"{line.hex()} {text}\n" for line, text in verdicts))
    taken = sum(text.startswith("=") for _, text in verdicts)
    assert taken > 500, "the cases must not all be errors"
    done = subprocess.run(vm("vm_link_check.py", path), capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ok {len(verdicts)}\n", "")


def test_a_hostile_host_does_not_use_up_the_memory(tmp_path):
    """Ten thousand lines of the grammar; what is kept of them are the last sixteen replies, whatever they were."""
    path = tmp_path / "lines"
    path.write_text("".join(f"{line.hex()}\n" for line in lines(seed=5, count=10_000, boot=41) if 0 < len(line) < 512))
    done = subprocess.run(vm("vm_link_memory.py", path), capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
    grown, largest = map(int, done.stdout.split())
    assert grown < 4096  # bytes: replies of other lengths than the first ones
    assert largest > 16_384  # a piece that large is still free in one place


def test_the_link_works_on_real_streams():
    def command(text):
        return text + b"#%08x\n" % crc32(text)

    start = command(b'{"id":1,"method":"start","params":{"rate_ul_h":5000},"boot":41}')
    requests = [
        b"\x03\n",  # Ctrl-C is a bad line, and no interrupt
        start,
        start,
        b'{"id":2,"method":"status"}\r\n',
        command(b'{"id":3,"method":"reset","boot":41}'),
    ]
    with subprocess.Popen(vm("vm_link_pump.py"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None  # it stays open: an end of file is nothing that a serial port has
        assert process.stdout is not None
        process.stdin.write(b"".join(requests))
        process.stdin.flush()
        lines = process.stdout.read().splitlines()
        assert process.wait(10) == 0
    assert [frame.decode(line)[0] for line in lines] == [
        {"method": "ready", "params": {"boot": 41, "version": "0", "reset_cause": "power"}},
        {"id": None, "error": {"code": "parse_error", "message": "not JSON: value expected"}},
        {"id": 1, "result": {"state": "infusing"}},
        {"id": 1, "result": {"state": "infusing"}},
        {"id": 2, "result": {"rate_ul_h": 5000}},
        {"id": 3, "result": {"state": "idle"}},
    ]
