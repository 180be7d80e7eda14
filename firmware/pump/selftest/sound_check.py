"""The self-test's tone: a person hears that the piezo works, and where the profile has its feedback, so does the pump.

The feedback is a wire that follows the current through the piezo; a state machine counts its edges. It is only judged
when the tone was played: while an alarm sounds there is none, and it is no fault to hear more than was played.
"""

from pump.core.alarms.tones import burst_words, tone_cycles

_TONE = ((440, 50, 10),)  # A4, shorter than any pulse of an alarm


class SoundCheck:
    def __init__(self, annunciator, counter):
        """`counter` of the feedback, or None."""
        self._annunciator = annunciator
        self._counter = counter
        self._words = burst_words(_TONE)
        self._cycles = tone_cycles(self._words)
        self._played = False

    def can_hear(self):
        return self._counter is not None

    def begin(self):
        if self._counter is not None:
            self._counter.forget()
        self._played = self._annunciator.chirp(self._words)

    def failed(self):
        """The tone is over, and was not heard."""
        if self._counter is None or not self._played:
            return False
        self._counter.read()
        return self._counter.steps < self._cycles
