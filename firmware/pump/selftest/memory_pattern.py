"""A part of the self-test: memory. Blocks of the free heap are filled with patterns and read back.

That is what a program in MicroPython can test of the Pico's 264 KB: heap that is free, 4 to 32 KB of it, each bit as 0
and as 1, and that no two blocks are the same memory. With more, a collection of garbage takes longer than the pressure
task can wait. A test that got no block fails. The interpreter's own memory and what the pump's objects live in are not
tested.
"""

from micropython import const

BLOCK = const(256)  # for what is free lies in small pieces, and a block that finds no place begins a collection
MIN_FREE = const(10_000)  # what stays for what the loop takes between two collections
_RESERVE = const(24_000)  # stays free for the tasks that run meanwhile
_MOST = const(128)
_FEW = const(16)
_PATTERNS = (0x55, 0xAA)


class MemoryPart:
    def __init__(self, memory):
        """`memory.free`: what was free when it was last counted. Only that task collects and counts: it takes 40 ms."""
        self._memory = memory
        self.tested = 0  # bytes, in the last test
        self._blocks = []
        self._left = 0
        self._patterns = ()
        self.failed = False

    def begin(self, whole):
        """`whole`: what is free but for the reserve, else a piece that other tasks do not miss."""
        free = self._memory.free
        self.tested = 0
        self._left = min(_MOST, max(_FEW, (free - _RESERVE) // BLOCK)) if whole else _FEW
        self.failed = free < MIN_FREE
        self._patterns = tuple([bytes([pattern]) * BLOCK for pattern in _PATTERNS])

    def step(self):
        """A block; True while there are more."""
        if self.failed or not self._left:
            self._compare()
            self._blocks.clear()
            self._patterns = ()
            return False
        self._left -= 1
        block = None
        try:
            block = bytearray(BLOCK)
        except MemoryError:  # what is free lies in smaller pieces
            self._left = 0
            return True
        for pattern in self._patterns:
            block[:] = pattern
            if block != pattern:
                self.failed = True
        number = len(self._blocks)
        block[0] = number & 0xFF
        block[BLOCK - 1] = number >> 8
        self._blocks.append(block)
        self.tested += BLOCK
        return True

    def _compare(self):
        """Each block still has its own number, and there was one."""
        if not self.tested:
            self.failed = True
        for number, block in enumerate(self._blocks):
            if block[0] != number & 0xFF or block[BLOCK - 1] != number >> 8:
                self.failed = True
