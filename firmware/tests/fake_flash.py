"""A flash chip: erases to ones, writes clear bits, in whole pages; the supply can be cut at any write or erase."""

import random

BLOCK, PAGE = 4096, 256
TORN = ("before", "half", "bits", "after")


class PowerCut(BaseException):
    """Not an Exception: nothing in the firmware may catch it."""


class FakeFlash:
    def __init__(self, blocks, seed=1):
        self.data = bytearray(b"\xff" * BLOCK * blocks)
        self.erases = [0] * blocks
        self.writes = 0
        self.left = -1  # writes and erases until the cut
        self.torn = "before"
        self._blocks = blocks
        self._random = random.Random(seed)

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset):
        assert len(buffer) == PAGE
        assert offset % PAGE == 0
        at = block * BLOCK + offset
        before = self.data[at : at + PAGE]
        assert all(new & ~old & 255 == 0 for old, new in zip(before, buffer, strict=True)), "a bit would have to be set"
        self.writes += 1
        self._operate(at, bytes(buffer))

    def ioctl(self, op, arg):
        if op == 4:
            return self._blocks
        assert op == 6
        self.erases[arg] += 1
        self._operate(arg * BLOCK, b"\xff" * BLOCK)
        return 0

    def _operate(self, at, data):
        if self.left == 0:
            self.left = -1
            self._tear(at, data)
            raise PowerCut
        self.left -= 1
        self.data[at : at + len(data)] = data

    def _tear(self, at, data):
        before = self.data[at : at + len(data)]
        if self.torn == "after":
            self.data[at : at + len(data)] = data
        elif self.torn == "half":
            self.data[at : at + len(data) // 2] = data[: len(data) // 2]
        elif self.torn == "bits":
            masks = [self._random.randrange(256) for _ in data]
            mixed = bytes(old & ~m | new & m for old, new, m in zip(before, data, masks, strict=True))
            self.data[at : at + len(data)] = mixed
