"""The self-test's tone: a person hears that the piezo works, and where the profile has its feedback, so does the pump.

The feedback is a wire that follows the current through the piezo; a state machine counts its edges. They are judged
only when the tone was played: while an alarm sounds there is no tone. More edges than the tone has are no failure.
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

    def begin(self):
        if self._counter is not None:
            self._counter.forget()
        self._played = self._annunciator.chirp(self._words)

    def passed(self):
        """To be called when the tone is over: its cycles were counted, where it was played and there is a counter."""
        if self._counter is None or not self._played:
            return True
        self._counter.read()
        return self._counter.steps >= self._cycles
