"""The serial port against a model of the USB stack that fails the test where the real one would wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.drivers.serial_port import SerialPort
from pump.link import frame

POLLIN = 1
POLLOUT = 4


class Usb:
    """The stack of the Pico: bytes in, a 256-byte FIFO out that leaves in packets of at most 64 bytes.

    Only what the firmware uses is there. Reading without a byte, or writing more than fits, would wait on the
    chip, and is an error here.
    """

    def __init__(self):
        self.ring = bytearray()
        self.fifo = bytearray()
        self.got = bytearray()  # by the host
        self.polls = 0
        self.buffer = self

    def readinto(self, buffer):
        assert len(self.ring) >= len(buffer), "readinto waits until the buffer is full"
        buffer[:] = self.ring[: len(buffer)]
        del self.ring[: len(buffer)]
        return len(buffer)

    def write(self, data):
        assert isinstance(data, memoryview)
        assert len(data) <= 256 - len(self.fifo), "write waits up to 500 ms until all fits"
        self.fifo += data
        return len(data)

    def packet(self):
        """The host takes a packet."""
        self.got += self.fifo[:64]
        del self.fifo[:64]


class Poll:
    def __init__(self):
        self._watched = []

    def register(self, usb, mask):
        assert mask in (POLLIN, POLLOUT)
        self._watched.append((usb, mask))

    def ipoll(self, timeout_ms):
        assert timeout_ms == 0, "any other time-out spins"
        for usb, mask in self._watched:
            usb.polls += 1
            ready = usb.ring if mask == POLLIN else len(usb.fifo) < 256
            if ready:
                yield usb, mask


class Bench:
    def __init__(self):
        self.usb = Usb()
        self.interrupts = []
        self.port = SerialPort(self.usb, self.usb, Poll, self.interrupts.append)


@pytest.fixture
def bench():
    return Bench()


def test_an_idle_port_costs_one_poll(bench):
    assert bench.port.read_into(bytearray(128)) == 0
    assert bench.usb.polls == 1


def test_what_is_there_is_read_and_no_more(bench):
    bench.usb.ring += b"hello"
    buffer = bytearray(128)
    assert bench.port.read_into(buffer) == 5
    assert buffer[:5] == b"hello"


def test_no_more_is_read_than_the_buffer_holds(bench):
    bench.usb.ring += bytes(range(200))
    buffer = bytearray(128)
    assert bench.port.read_into(buffer) == 128
    assert buffer == bytes(range(128))
    assert bench.port.read_into(buffer) == 72
    assert buffer[:72] == bytes(range(128, 200))


def test_every_byte_passes_unchanged(bench):
    bench.usb.ring += bytes(range(256))
    buffer = bytearray(256)
    assert bench.port.read_into(buffer) == 256
    assert buffer == bytes(range(256))


def test_a_line_is_written_as_far_as_there_is_room(bench):
    line = memoryview(frame.encode({"text": "x" * 500}))
    assert bench.port.write(line) == 256
    assert bench.port.write(line[256:]) == 0
    bench.usb.packet()
    assert bench.port.write(line[256:]) == 64


def test_ctrl_c_is_a_byte_between_begin_and_end(bench):
    bench.port.begin()
    assert bench.interrupts == [-1]
    bench.port.end()
    assert bench.interrupts == [-1, 3]


class RefusingUsb(Usb):
    def write(self, data):
        return 0


def test_a_port_that_takes_nothing_is_left_alone():
    usb = RefusingUsb()
    assert SerialPort(usb, usb, Poll, print).write(memoryview(frame.encode({}))) == 0
    assert usb.polls == 1


@given(st.lists(st.integers(0, 300) | st.just("packet"), max_size=60))
def test_no_write_ever_waits_whenever_the_host_reads_or_does_not(steps):
    """A number is the text of a line of that length. `Usb.write` fails the test when it would have waited."""
    bench = Bench()
    sent = bytearray()
    waiting = bytearray()
    for step in steps:
        if step == "packet":
            bench.usb.packet()
        else:
            waiting += frame.encode({"text": "x" * step})
        taken = bench.port.write(memoryview(bytes(waiting)))
        sent += waiting[:taken]
        del waiting[:taken]
    while bench.usb.fifo:
        bench.usb.packet()
    assert bench.usb.got == sent
