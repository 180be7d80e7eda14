"""When a patient may have a bolus: the lockout, and the most that may be given in any hour and any four.

Delivered steps are summed in parts of five minutes, so an hour is checked over 60 to 65 minutes and four hours over 240
to 245: the limit holds in every one of them. Basal and clinician's boluses count too (Open PCA: the maximum is one of
the drug). The lockout also runs from the start of the therapy: what was given before is unknown.
"""

from array import array

from micropython import const

from pump.core.units import elapsed_ms, steps_of

_PART_S = const(300)
_PARTS = const(49)  # 4 h, and the part that is under way
_HOUR = const(13)

# Why these limits do not allow a bolus.
LOCKOUT = "lockout"
LIMIT = "limit"


class BolusLimits:
    """Lockout and hourly limits of a regimen's bolus; `lockout_s` is what is left."""

    def __init__(self, bolus, step_pl, now_ms):
        """`bolus`: that of the regimen, checked."""
        self.bolus = bolus
        self.lockout_s = bolus["lockout_s"]  # left of it
        self._steps = steps_of(bolus["volume_nl"], step_pl)
        self._max_1h = steps_of(bolus["max_1h_nl"], step_pl)
        self._max_4h = steps_of(bolus["max_4h_nl"], step_pl)
        self._parts = array("l", [0] * _PARTS)
        self._at = 0
        self._part_s = 0  # of the part under way
        self._since_ms = now_ms
        self._given = 0  # steps of the therapy at the last update

    def update(self, given_steps, now_ms):
        """Takes the steps delivered so far; about once a second."""
        seconds = max(0, elapsed_ms(now_ms, self._since_ms) // 1000)
        self._since_ms = (self._since_ms + seconds * 1000) & 0x3FFFFFFF
        self.lockout_s = max(0, self.lockout_s - seconds)
        self._part_s += seconds
        while self._part_s >= _PART_S:
            self._part_s -= _PART_S
            self._at = (self._at + 1) % _PARTS
            self._parts[self._at] = 0
        self._parts[self._at] += given_steps - self._given  # the later it is, the longer it counts
        self._given = given_steps

    def allows(self, coming_steps=0):
        """Whether the limits leave room for one more beside `coming_steps`."""
        return self._fits(self._steps + coming_steps)

    def refusal(self, coming_steps):
        """Why a bolus beside `coming_steps` is not allowed now: LOCKOUT or LIMIT, or None. Call `update` before."""
        if self.lockout_s:
            return LOCKOUT
        return None if self.allows(coming_steps) else LIMIT

    def is_exceeded(self):
        """More was given than the limits allow."""
        return not self._fits(0)

    def on_bolus(self):
        """A bolus has started: the lockout begins."""
        self.lockout_s = self.bolus["lockout_s"]

    def _fits(self, more):
        return self._sum(_HOUR) + more <= self._max_1h and self._sum(_PARTS) + more <= self._max_4h

    def _sum(self, parts):
        total = 0
        for back in range(parts):
            total += self._parts[self._at - back]
        return total
