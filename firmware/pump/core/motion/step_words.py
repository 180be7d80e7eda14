"""The words that the step generator's PIO program takes (drivers/stepper.py), and tables of them.

A word is 30 bits, so that it is a small int on the Pico: 19 bits of ticks, 11 bits of count.
"""

from array import array

from micropython import const

_WORD_TICKS = const(17)  # ticks of a step, or of a wait, that are not in its field
_COUNT_BITS = const(11)
MAX_COUNT = const(2047)
_MAX_TICKS = const(0x7FFFF + 17)  # 19 bits, and _WORD_TICKS
PREFIX = const(8)  # single words that may stand before the batches
MAX_BATCHES = const(200)


def encode(ticks, count):
    """`count` steps `ticks` apart, each `ticks` after the one before; a wait of `ticks` when `count` is 0."""
    assert _WORD_TICKS <= ticks <= _MAX_TICKS  # beyond its field it would be another rate
    assert 0 <= count <= MAX_COUNT
    return (ticks - _WORD_TICKS) << _COUNT_BITS | count


class WordTable:
    """Room for one slice of short words.

    A batch is two words, neither of them empty (a count of 0 would be a wait): first the intervals of `period`
    + 1, then those of `period`, so that steps come late; a step in the middle of a table may be early by part
    of a tick.
    """

    def __init__(self):
        self.words = array("I", [0] * (PREFIX + 2 * MAX_BATCHES))
        self._filled_for = -1  # whose batches stand from the first word on
        self._last_long = 0

    def forget(self):
        """The table is about to hold other words."""
        self._filled_for = -1

    def fill(self, filled_for, at, batches, count, period, long_total, extra):
        """Writes `batches` of `count` steps from word `at` on; `long_total` of all intervals, and one more in
        the last batch if `extra`, are a tick longer, spread evenly. Returns the number of words, those before
        `at` included.

        `filled_for` names the rate: what stands there for the same one already is not written again.
        """
        if at or filled_for != self._filled_for:
            self._fill(at, batches, count, period, long_total)
            self._filled_for = -1 if at else filled_for
        end = at + 2 * batches
        self._put_batch(end - 2, count, period, self._last_long + extra)
        return end

    def put(self, at, word):
        """One word of a slice that is no table of batches."""
        self.words[at] = word
        self._filled_for = -1

    def _fill(self, at, batches, count, period, long_total):
        """Two kinds of batches: their words are made once. A call for each would take a frame from the heap, 200 times,
        and where the heap is in pieces each is a search.
        """
        words = self.words
        base, more = divmod(long_total, batches)
        self._put_batch(at, count, period, base + 1)
        more_first, more_second = words[at], words[at + 1]
        self._put_batch(at, count, period, base)
        first, second = words[at], words[at + 1]
        owed = batches - 1  # the first batch takes what does not go round
        for place in range(at, at + 2 * batches, 2):
            owed += more
            if owed >= batches:
                owed -= batches
                words[place] = more_first
                words[place + 1] = more_second
            else:
                words[place] = first
                words[place + 1] = second
        self._last_long = base + (owed < more)

    def _put_batch(self, at, count, period, long):
        words = self.words
        if 0 < long < count:
            words[at] = encode(period + 1, long)
            words[at + 1] = encode(period, count - long)
        else:
            ticks = period + 1 if long else period
            words[at] = encode(ticks, count // 2)
            words[at + 1] = encode(ticks, count - count // 2)
