"""A stepper that takes words as the PIO does, in the time of a clock that the test moves."""

from bisect import bisect_right

from pump.core.motion.step_words import _COUNT_BITS, _WORD_TICKS, MAX_COUNT, WordTable

FIFO_WORDS = 8
TICKS_PER_US = 5


class FakeTime:
    """`time` of the delivery task: µs that the test sets."""

    def __init__(self):
        self.us = 0

    def ticks_us(self):
        return self.us & 0x3FFFFFFF

    def ticks_diff(self, end, start):
        return ((end - start + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def ticks_add(self, ticks, delta):
        return (ticks + delta) & 0x3FFFFFFF


class FakeFeed:
    """Two tables, each read to its end once."""

    def __init__(self, stepper):
        self._stepper = stepper
        self.tables = (WordTable(), WordTable())
        self._last = 1
        self._pending = [None, None]  # index in the stepper's queue of the table's last word

    def _active(self, index):
        last = self._pending[index]
        return last is not None and not self._stepper.in_fifo(last)

    def busy(self):
        return self._active(0) or self._active(1)

    def free(self):
        index = 1 - self._last
        return -1 if self._active(index) else index

    def abort(self):
        self._pending = [None, None]

    def grant(self, index, used):
        assert self.free() == index
        for word in self.tables[index].words[:used]:
            self._stepper.take(word)
        self._pending[index] = len(self._stepper.words) - 1
        self._last = index


class FakeStepper:
    """Records steps as ticks; refuses what the FIFO cannot take."""

    def __init__(self, time):
        self._time = time
        self.feed = FakeFeed(self)
        self.enabled = False
        self.words = []  # (start, end) in ticks
        self.steps = []  # ticks, rising
        self.idle_ticks = 0  # spent with an empty FIFO between two words

    def start(self, enable=True):
        self.enabled = enable

    def halt(self):
        """What was granted and not made is taken back."""
        self.enabled = False
        del self.steps[self.made() :]
        self.words.clear()
        self.feed.abort()

    def turn(self, back):
        assert not self.enabled, "the motor turns while it is enabled"

    def now_ticks(self):
        return self._time.us * TICKS_PER_US

    def made(self):
        """How many of the steps have been made by now."""
        return bisect_right(self.steps, self.now_ticks())

    def in_fifo(self, index):
        """Whether that word is in the FIFO or done: its eighth predecessor has begun."""
        return index < FIFO_WORDS or self.words[index - FIFO_WORDS][0] <= self.now_ticks()

    def room(self):
        now = self.now_ticks()
        waiting = sum(start > now for start, _ in self.words[-FIFO_WORDS - 1 :])
        return FIFO_WORDS - waiting

    def grant(self, word):
        assert not self.feed.busy(), "the CPU puts a word between those of a table"
        assert self.room() > 0, "put() on a full FIFO blocks"
        self.take(word)

    def take(self, word):
        ticks, count = (word >> _COUNT_BITS) + _WORD_TICKS, word & MAX_COUNT
        start = max(self.now_ticks(), self.words[-1][1] if self.words else 0)
        if self.words:
            self.idle_ticks += start - self.words[-1][1]
        self.steps += [start + ticks * (k + 1) for k in range(count)]
        self.words.append((start, start + ticks * (count or 1)))

    def granted_until_us(self):
        return self.words[-1][1] / TICKS_PER_US if self.words else 0


class FakeCounter:
    """Counts what the fake stepper has made by now."""

    def __init__(self, stepper):
        self._stepper = stepper
        self._from = 0
        self._back = False
        self.steps = self.net_steps = 0

    def made(self):
        return self._stepper.made()

    def read(self):
        new = self.made() - self._from - self.steps
        self.steps += new
        self.net_steps += -new if self._back else new

    def turn(self, back):
        self.read()
        self._back = back

    def forget(self):
        self._from = self.made()
        self.steps = self.net_steps = 0
