"""Hands bursts to the piezo, one after the other.

A burst is always played to its end, also when its alarm ends, is silenced, or is followed by a lower one: half a burst
of one priority sounds like another priority. Only a higher priority interrupts, at once, because it must not wait for
three seconds of something less urgent. A table ends with the rest after the burst, and the next one is handed over
during the rest. So bursts follow each other by the piezo's clock, not by the loop's. The rests last seconds, longer
than the watchdog lets a loop be late.
"""

from micropython import const

from pump.core.alarms.bursts import BURSTS, burst_ms, period_ms
from pump.core.alarms.table import HIGH, NONE
from pump.core.alarms.tones import burst_words
from pump.core.units import elapsed_ms, later

_IDLE_MS = const(1000)  # nothing to play
_POLL_MS = const(500)
_BETWEEN_MS = const(2500)  # the shortest rest before a burst of a lower priority, which would else sound as part of it


class BurstPlayer:
    def __init__(self, piezo):
        self._piezo = piezo
        self._words = [burst_words(pulses) for pulses in BURSTS]
        self._burst_ms = [0] + [burst_ms(priority) for priority in range(1, HIGH + 1)]
        self._period_ms = [0] + [period_ms(priority) for priority in range(1, HIGH + 1)]
        self.priority = NONE  # of the burst being played, or of the rest after it
        self._begin_ms = 0  # of that burst
        self._handed = False  # the burst after it is with the piezo

    def resting(self, now_ms):
        """In the rest after a burst."""
        return self.priority != NONE and elapsed_ms(now_ms, self._begin_ms) >= self._burst_ms[self.priority]

    def run(self, wanted, now_ms):
        """Plays bursts of the priority `wanted` from now on (NONE: no more). Returns the ms until the next call."""
        if wanted > self.priority:
            return self._begin(wanted, now_ms)
        if self.priority == NONE:
            return _IDLE_MS
        t_ms = self._time_ms(now_ms)
        left_ms = self._burst_ms[self.priority] - t_ms
        if left_ms > 0:
            return left_ms
        if wanted == self.priority:
            return self._hand_over(t_ms, now_ms)
        if wanted and left_ms > -_BETWEEN_MS:
            return _BETWEEN_MS + left_ms
        return self._begin(wanted, now_ms)

    def chirp(self, words):
        """Plays a short sound that is no alarm. False, and nothing, while an alarm sounds."""
        if self.priority != NONE:
            return False
        self._piezo.play(words)
        return True

    def _time_ms(self, now_ms):
        """Time since the beginning of the burst that is being played, or whose rest it is."""
        t_ms = elapsed_ms(now_ms, self._begin_ms)
        period_ms = self._period_ms[self.priority]
        if self._handed and t_ms >= period_ms:
            self._handed = False
            self._begin_ms = later(self._begin_ms, period_ms)
            t_ms -= period_ms
        return t_ms

    def _hand_over(self, t_ms, now_ms):
        """Hands the next burst over, in the rest after one of the same priority."""
        left_ms = self._period_ms[self.priority] - t_ms
        if self._handed:
            return left_ms
        if left_ms <= 0:
            return self._begin(self.priority, now_ms)  # the loop was away for the whole rest: it is silent
        if self._piezo.busy():
            return left_ms if left_ms < _POLL_MS else _POLL_MS
        self._piezo.follow(self._words[self.priority])
        self._handed = True
        return left_ms

    def _begin(self, priority, now_ms):
        self.priority = priority
        self._begin_ms = now_ms
        self._handed = False
        if priority == NONE:
            self._piezo.silent()
            return _IDLE_MS
        self._piezo.play(self._words[priority])
        return self._burst_ms[priority]
