"""Buttons: what is a press, and what each press means. Levels and times come in, acts go out.

A contact bounces. It counts as closed when it was seen closed at every poll for _DEBOUNCE_MS, and as open again only
after _RELEASE_MS: a contact that trembles while it is held makes one press, not several. ACTS says how long a press has
to be for what: one that is shorter or longer means nothing. Whatever was not seen open for _STUCK_MS, held or
trembling, is stuck.
"""

from micropython import const

from pump.core.units import MASK, elapsed_ms

_DEBOUNCE_MS = const(30)
_RELEASE_MS = const(100)
_STUCK_MS = const(60_000)  # GIP 2: a stuck key alarms at 1 min

_REQUEST_BUTTON = const(0)
_STOP_BUTTON = const(1)
WIRES = ("button_request", "button_stop")

_NO_ACT = const(0)
REQUEST_BOLUS = const(1)
SILENCE = const(2)
STOP_INFUSION = const(3)
ACT_NAMES = ("nothing", "request_bolus", "silence", "stop_infusion")

_HELD = const(0)  # the act is done as soon as the press is that long: a stop does not wait for the release
_RELEASED = const(1)  # the act is done when the button is let go, if the press was not too long

# button, when, shortest_ms, longest_ms (None: no bound but the stuck alarm), act
ACTS = (
    # Shorter is a knock, longer is something that lies on the button. A request only asks: lockout and limits decide.
    (_REQUEST_BUTTON, _RELEASED, 200, 10_000, REQUEST_BOLUS),
    # GIP 2: a press under 1 s changes nothing that flows. It silences.
    (_STOP_BUTTON, _RELEASED, _DEBOUNCE_MS, 999, SILENCE),
    (_STOP_BUTTON, _HELD, 1_000, None, STOP_INFUSION),
)


class Button:
    """One contact. Call `update` with each poll; `stuck` is a level."""

    def __init__(self, button, now_ms):
        self._acts = [row for row in ACTS if row[0] == button]
        self.pressed = False  # debounced
        self.stuck = False
        self._closed = False  # as of the last poll
        self._since_ms = now_ms  # when the polled level last changed
        self._began_ms = now_ms  # of the press
        self._open_ms = now_ms  # when it was last known to be open
        self._acted = False  # this press has done what it does

    def update(self, closed, now_ms):
        """Returns the act that is due now, mostly _NO_ACT."""
        if closed is not self._closed:
            self._closed = closed
            self._since_ms = now_ms
        steady_ms = elapsed_ms(now_ms, self._since_ms)
        act = _NO_ACT
        if closed:
            if not self.pressed and steady_ms >= _DEBOUNCE_MS:
                self.pressed = True
                self._acted = False
                self._began_ms = self._since_ms
        elif steady_ms >= _RELEASE_MS:
            act = self._let_go(now_ms)
        if self.pressed and closed:
            act = self._find(_HELD, elapsed_ms(now_ms, self._began_ms))
        if elapsed_ms(now_ms, self._open_ms) >= _STUCK_MS:
            self.stuck = True
        return act

    def _let_go(self, now_ms):
        """It is open for sure. The times follow the clock: ticks wrap after days."""
        act = _NO_ACT
        if self.pressed:
            self.pressed = False
            if not self.stuck:
                act = self._find(_RELEASED, elapsed_ms(self._since_ms, self._began_ms))
        self.stuck = False
        self._open_ms = now_ms
        self._since_ms = (now_ms - _RELEASE_MS) & MASK
        return act

    def _find(self, when, lasted_ms):
        """A press does one thing at most."""
        if self._acted:
            return _NO_ACT
        for _, row_when, shortest_ms, longest_ms, act in self._acts:
            if row_when == when and lasted_ms >= shortest_ms and (longest_ms is None or lasted_ms <= longest_ms):
                self._acted = True
                return act
        return _NO_ACT
