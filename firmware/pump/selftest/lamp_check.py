"""The self-test's check of the lamps, where the profile has their feedback: a wire that is high while current flows
through either of them.

Each lamp is lit alone, then both are dark, and the wire must agree each time. So the check finds a lamp that is broken
or shorted, and a wire that is stuck. Where an alarm uses the lamps, the check does not judge them.
"""

from micropython import const

_PHASES = ((1, 0), (0, 1), (0, 0))  # red, yellow
_COUNT = const(3)


class LampCheck:
    def __init__(self, annunciator, wire):
        """`wire`: a Pin, or None where there is no feedback."""
        self._annunciator = annunciator
        self._wire = wire
        self._phase = _COUNT
        self._failed = False

    def begin(self):
        self._failed = False
        self._phase = _COUNT if self._wire is None else 0
        self._show()

    def poll(self):
        """Judges what is lit and lights the next. To be called a while after `begin`, _COUNT times in all."""
        if self._phase == _COUNT:
            return
        red, yellow = _PHASES[self._phase]
        if self._annunciator.is_dark() and self._wire.value() != red + yellow:
            self._failed = True
        self._phase += 1
        self._show()

    def passed(self):
        return not self._failed

    def _show(self):
        if self._phase < _COUNT and self._annunciator.is_dark():
            self._annunciator.light(*_PHASES[self._phase])
