"""The USB serial port as the firmware sees it: what stdin and stdout of the Pico are connected to.

Bytes from the host wait in `rx`. What the firmware writes goes out at once while the host reads; while it does
not, the chip's 256-byte FIFO fills, the port is no longer writable, and a write that does not fit blocks for
500 ms and is lost, as on the chip. While the cable is out nothing arrives, and what is written is lost at once.
"""

_FIFO = 256
_STALL_NS = 500000000
_CTRL_C = 3


class Usb:
    def __init__(self, world, channel):
        self._world = world
        self._channel = channel
        self.rx = bytearray()
        self.fifo = bytearray()
        self._packet = bytearray()
        self.host_reads = True
        self.plugged = True
        self.interrupt_char = _CTRL_C

    def arrive(self, data):
        """Bytes from the host. The interrupt character empties the buffer and raises, once the firmware next
        lets time pass.
        """
        if not self.plugged:
            self._world.consumed(len(data))
        elif self.interrupt_char >= 0 and self.interrupt_char in data:
            kept = data[data.rfind(bytes([self.interrupt_char])) + 1 :]
            lost = len(self.rx) + len(data) - len(kept)
            self.rx = bytearray(kept)
            self._world.interrupted = True
            self._world.consumed(lost)
        else:
            self.rx.extend(data)

    def take(self, size):
        """Up to `size` of the waiting bytes."""
        data = bytes(self.rx[:size])
        self.rx = self.rx[size:]
        if data:
            self._world.consumed(len(data))
        return data

    def take_byte(self):
        """One, which waits: as good as without garbage, for the firmware reads its lines so."""
        byte = self.rx[0]
        self.rx[:1] = b""
        self._world.consumed(1)
        return byte

    def writable(self):
        return self.host_reads or not self.plugged or len(self.fifo) < _FIFO

    def write(self, data):
        if not data:
            return 0
        if not self.plugged:
            return len(data)
        if not self.host_reads:
            room = _FIFO - len(self.fifo)
            self.fifo.extend(data[:room])
            if len(data) > room:
                self._world.sleep(_STALL_NS)
            return len(data)
        self._packet.extend(data)
        return len(data)

    def flush(self):
        """What was written since time last passed goes to the host."""
        if self._packet:
            data, self._packet = bytes(self._packet), bytearray()
            self._channel.send(b"o", data)

    def set_host_reads(self, reads):
        self.host_reads = reads
        if reads and self.fifo:
            self._packet, self.fifo = self.fifo + self._packet, bytearray()
            self.flush()

    def plug(self, plugged):
        """The cable: what is on the way when it is pulled is lost."""
        self.plugged = plugged
        self._world.consumed(len(self.rx))
        self.rx, self.fifo, self._packet = bytearray(), bytearray(), bytearray()


class StdinBuffer:
    """`sys.stdin.buffer`: bytes. `read(n)` waits until it has n, as on the Pico."""

    def __init__(self, world):
        self._world = world

    def read(self, size=-1):
        data = b""
        while len(data) < size:
            data += self._world.usb.take(size - len(data))
            if len(data) < size:
                self._world.wait_for_serial()
        return data

    def readinto(self, buffer):
        if len(buffer) == 1 and self._world.usb.rx:
            buffer[0] = self._world.usb.take_byte()
            return 1
        data = self.read(len(buffer))
        buffer[:] = data
        return len(data)


class Stdin:
    """`sys.stdin`: text, one byte a character."""

    def __init__(self, world):
        self.buffer = StdinBuffer(world)
        self._world = world

    def read(self, size=-1):
        return "".join(chr(byte) for byte in self.buffer.read(size))


class Stdout:
    """`sys.stdout` and its `buffer`: both take text or bytes, as MicroPython's do. Text gets \\r\\n line ends,
    bytes stay.
    """

    def __init__(self, world):
        self._world = world
        self.buffer = StdoutBuffer(world)

    def write(self, text):
        data = text.encode() if isinstance(text, str) else bytes(text)
        self._world.usb.write(data.replace(b"\n", b"\r\n"))
        return len(text)

    def flush(self):
        pass


class StdoutBuffer:
    def __init__(self, world):
        self._world = world

    def write(self, data):
        return self._world.usb.write(data)
