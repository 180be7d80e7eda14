"""The self-test's look at the lamps, where the profile has their feedback: a wire that is high while current flows
through either of them.

Each is lit alone, then both are dark, and the wire must say so each time: a lamp that is broken or shorted is found,
and so is a wire that always says the same. An alarm has the lamps before the test does; it is not judged then.
"""

from micropython import const

_PHASES = ((1, 0), (0, 1), (0, 0))  # red, yellow
LOOKS = const(3)


class LampCheck:
    def __init__(self, annunciator, wire):
        """`wire`: a Pin, or None where there is no feedback."""
        self._annunciator = annunciator
        self._wire = wire
        self._phase = LOOKS
        self.failed = False

    def can_see(self):
        return self._wire is not None

    def begin(self):
        self.failed = False
        self._phase = LOOKS if self._wire is None else 0
        self._show()

    def look(self):
        """Called a while after `begin`, and LOOKS times in all: judges what is lit, lights the next."""
        if self._phase == LOOKS:
            return
        red, yellow = _PHASES[self._phase]
        if self._annunciator.is_dark() and self._wire.value() != red + yellow:
            self.failed = True
        self._phase += 1
        self._show()

    def _show(self):
        if self._phase < LOOKS and self._annunciator.is_dark():
            self._annunciator.light(*_PHASES[self._phase])
