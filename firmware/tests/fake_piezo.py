"""A piezo that takes tables of words as the driver does, and knows what would be heard, in ms of a clock that the test
moves."""

from pump.core.alarms.tones import TONE_TICK_HZ, word_ticks

FIFO_WORDS = 8
_TICKS_PER_MS = TONE_TICK_HZ // 1000


def decode(word):
    """(cycles, period in ticks, high in ticks) of a tone; high is 0 in a rest."""
    high = word >> 11 & 511
    high = high + 2 if high else 0
    return (word & 2047) + 1, (word >> 20) + 7 + high, high


class FakePiezo:
    def __init__(self, clock):
        """`clock()` is the time in ms, never wrapped."""
        self._clock = clock
        self._begin = 0  # ticks at which the words below began
        self._words = []
        self._over = []  # (begin, end, frequency Hz, duty) of tones that were over or cut before the words below
        self.quiet = True

    def play(self, words):
        self._cut()
        self._words = list(words)
        self.quiet = False

    def follow(self, words):
        assert not self.busy(), "the channel is still at work on the last table"
        if self._ended():
            self._cut()  # it had run dry
        self._words += list(words)

    def busy(self):
        """Whether the last word has not found room in the FIFO."""
        at = self._begin
        for word in self._words[: -FIFO_WORDS - 1]:
            at += word_ticks(word)
        return len(self._words) > FIFO_WORDS and at > self._now()

    def silent(self):
        self._cut()
        self.quiet = True

    def tones(self):
        """(begin ms, end ms, frequency Hz, duty) of each step of each pulse until now."""
        now, at, found = self._now(), self._begin, list(self._over)
        for word in self._words:
            _, period, high = decode(word)
            end = at + word_ticks(word)
            if high and at < now:
                found.append((at, min(end, now), TONE_TICK_HZ / period, high / period))
            at = end
        return [(begin / _TICKS_PER_MS, end / _TICKS_PER_MS, hz, duty) for begin, end, hz, duty in found]

    def pulses(self):
        """(frequency Hz, begin ms, end ms) of each pulse; steps of one pulse are one."""
        found, before = [], 1.0
        for begin_ms, end_ms, hz, duty in self.tones():
            rises, before = duty > before, duty
            if rises and begin_ms - found[-1][2] < 1:
                found[-1] = (round(hz), found[-1][1], end_ms)
            else:
                found.append((round(hz), begin_ms, end_ms))
        return found

    def _now(self):
        return self._clock() * _TICKS_PER_MS

    def _ended(self):
        return self._begin + sum(map(word_ticks, self._words)) < self._now()

    def _cut(self):
        self._over = [(b * _TICKS_PER_MS, e * _TICKS_PER_MS, hz, duty) for b, e, hz, duty in self.tones()]
        self._words = []
        self._begin = self._now()
