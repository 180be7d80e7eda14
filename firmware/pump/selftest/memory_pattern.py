"""The self-test's check of the memory: blocks of the free heap are filled with patterns and read back.

A MicroPython program can test only free heap: 4 to 32 KB of the Pico's 264 KB, each bit as 0 and as 1, and that no two
blocks are the same memory. With more, a garbage collection would take longer than the pressure task can wait. A check
that gets no block fails. The interpreter's own memory and the memory of the pump's objects are not tested.
"""

from micropython import const

BLOCK = const(256)  # small, because free heap is in small pieces, and a block that finds no place starts a collection
_MIN_FREE = const(10_000)  # what the loop takes between two collections
_RESERVE = const(24_000)  # stays free for the tasks that run meanwhile
_MOST = const(128)
_FEW = const(16)
_PATTERNS = (0x55, 0xAA)


class MemoryCheck:
    def __init__(self, memory):
        """`memory.free`: the free heap as last measured. Only that task collects and measures, which takes 40 ms."""
        self._memory = memory
        self.tested = 0  # bytes, in the last check
        self._blocks = []
        self._left = 0
        self._patterns = ()
        self.failed = False

    def begin(self, whole):
        """`whole`: check all free heap but the reserve, else a piece that the other tasks can spare."""
        free = self._memory.free
        self.tested = 0
        self._left = min(_MOST, max(_FEW, (free - _RESERVE) // BLOCK)) if whole else _FEW
        self.failed = free < _MIN_FREE
        self._patterns = tuple([bytes([pattern]) * BLOCK for pattern in _PATTERNS])

    def step(self):
        """Checks a block. True while there are more."""
        if self.failed or not self._left:
            self._compare()
            self._blocks.clear()
            self._patterns = ()
            return False
        self._left -= 1
        block = None
        try:
            block = bytearray(BLOCK)
        except MemoryError:  # the free heap is in smaller pieces
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
        """Fails unless there was a block and each still has its own number."""
        if not self.tested:
            self.failed = True
        for number, block in enumerate(self._blocks):
            if block[0] != number & 0xFF or block[BLOCK - 1] != number >> 8:
                self.failed = True
