"""The pipe between the modelled board and the host's side of the stub.

A message is a kind (one byte), a length (u32, little endian) and a payload. Messages keep their order in both
directions, which makes a run deterministic: serial bytes, grants of time and changes of the world arrive in the order
in which they were sent.

From the host: `i` serial bytes, `m` serial bytes with more waiting, `g` a grant (JSON), `c` a control request
(JSON). To the host: `o` serial bytes, `h` held (JSON), `q` so many serial bytes were taken (JSON), `r` answer
to a control request (JSON), `t` trace records, `f` a write or erase of the flash, `x` the board resets (JSON), `p`
progress: virtual time passes.
"""

import json
import select
import struct

_RECORD = "<BIqqd"  # signal, count, time, period, high or value
_SIGNALS = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow", "pressure_pa", "delivered_nl", "patient_nl")
_FLUSH_RECORDS = 64
_PROGRESS_SAMPLES = 240  # with a grid of 250 ms, a sign of life every virtual minute


class Channel:
    """The board's end. `stream` has read(n) and write(bytes), both blocking, and can be polled."""

    def __init__(self, stream):
        self._stream = stream
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)
        self._size = struct.calcsize(_RECORD)
        self._records = bytearray(self._size * _FLUSH_RECORDS)
        self._used = 0
        self._head = bytearray(5)

    def send(self, kind, payload):
        if self._used:
            self.flush()
        self._write(kind, payload)

    def send_json(self, kind, value):
        self.send(kind, json.dumps(value).encode())

    def _write(self, kind, payload):
        # In two parts and from existing buffers, so that the models allocate nothing from the firmware's heap.
        self._head[0] = kind[0]
        struct.pack_into("<I", self._head, 1, len(payload))
        self._write_all(self._head)
        self._write_all(payload)

    def _write_all(self, data):
        done = 0
        while done < len(data):
            done += self._stream.write(memoryview(data)[done:] if done else data) or 0

    def waiting(self, timeout_ms=0):
        """True if there is a message. Waits at most `timeout_ms` of wall time for one; -1 waits without limit."""
        return bool(self._poll.poll(timeout_ms))

    def receive(self):
        """(kind, payload) of the next message; waits for it. EOFError when the host has closed the pipe."""
        head = self._read(5)
        return head[:1], self._read(struct.unpack("<I", head[1:])[0])

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self._stream.read(size - len(data))
            if not part:
                raise EOFError("the host's side of the stub has closed the pipe")
            data += part
        return data

    def record(self, signal, count, t_ns, period_ns, value):
        """Adds a trace record. With count 0 it is a level or a real, otherwise `count` equal pulses."""
        struct.pack_into(_RECORD, self._records, self._used, signal, count, t_ns, period_ns, value)
        self._used += self._size
        if self._used == len(self._records):
            self.flush()

    def flush(self):
        used = self._used
        self._used = 0
        if used:
            self._write(b"t", memoryview(self._records)[:used])


class WireTrace:
    """Records the changes of a Gpio."""

    def __init__(self, channel, signal):
        self._channel = channel
        self._signal = _SIGNALS.index(signal)

    def on_level(self, t_ns, level):
        self._channel.record(self._signal, 0, t_ns, 0, level)

    def on_pulses(self, t_ns, period_ns, high_ns, count):
        self._channel.record(self._signal, count, t_ns, period_ns, high_ns)


class RealTrace:
    """Records pressure and volumes on a time grid, if they have changed. Also sends the signs of life."""

    def __init__(self, channel, fluid, grid_ns):
        self._channel = channel
        self._fluid = fluid
        self._grid_ns = grid_ns
        self.due_ns = 0
        self._last = [None, None, None]
        self._samples = 0

    def sample(self, t_ns):
        """Records the values at `t_ns`. Call it when `due_ns` is reached."""
        self._samples += 1
        if self._samples == _PROGRESS_SAMPLES:
            self._samples = 0
            self._channel.send(b"p", b"")
        self.due_ns = t_ns - t_ns % self._grid_ns + self._grid_ns
        fluid = self._fluid
        fluid.advance(t_ns)
        values = (fluid.pressure_pa, fluid.delivered_nl, fluid.patient_nl)
        for i in range(3):
            if values[i] != self._last[i]:
                self._last[i] = values[i]
                self._channel.record(6 + i, 0, t_ns, 0, values[i])
