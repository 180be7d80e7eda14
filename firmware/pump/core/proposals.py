"""The change that was proposed and waits for its confirmation, and what became of the ones before.

There is one at a time: a newer one takes its place. A token is good for one confirmation, within 30 s, and only while
nothing has happened since: the person who confirms must see the pump as it was shown. What became of the last
eight is kept, so that a token that is refused is refused by its own name.
"""

from micropython import const

from pump.core.units import elapsed_ms

EXPIRES_MS = const(30_000)  # long enough to read the change and to say it aloud, too short to walk away
_KEPT = const(8)

UNKNOWN = "token_unknown"
EXPIRED = "token_expired"
USED = "token_used"
OTHER = "token_other"
VOID = "token_void"
_WAITS = ""

# What the refusal says, by its code.
WHY = {
    UNKNOWN: "no proposal has this token",
    EXPIRED: "the proposal is older than 30 s",
    USED: "the proposal was confirmed before",
    OTHER: "a newer proposal has taken the place of this one",
    VOID: "something happened since the proposal",
}


class Proposals:
    """The one proposal that waits for its confirmation."""

    def __init__(self, draw):
        """`draw()` gives a token, a random int above 0."""
        self._draw = draw
        self._tokens = [0] * _KEPT  # 0 is no token
        self._fates = [UNKNOWN] * _KEPT
        self._at = 0  # place of the newest
        self._since_ms = 0
        self.what = None  # type: tuple | None  # the one that waits: whatever was given to `put`

    def put(self, what, now_ms):
        """Keeps a proposal; returns its token."""
        self.end(OTHER)
        token = self._draw()
        while token in self._tokens:
            token = self._draw()
        self._at = (self._at + 1) % _KEPT
        self._tokens[self._at] = token
        self._fates[self._at] = _WAITS
        self._since_ms = now_ms
        self.what = what
        return token

    def refusal(self, token, now_ms):
        """Why `token` may not be confirmed, one of the codes; None when it is the one that waits."""
        self.expire(now_ms)
        for place in range(_KEPT):
            if self._tokens[place] == token:
                return self._fates[place] or None
        return UNKNOWN

    def expire(self, now_ms):
        """To be called now and then: differences of ticks are only right for days."""
        if self.what is not None and elapsed_ms(now_ms, self._since_ms) >= EXPIRES_MS:
            self.end(EXPIRED)

    def end(self, fate):
        """The one that waits, if any, waits no longer. Allocates nothing: an alarm calls it."""
        if self.what is not None:
            self.what = None
            self._fates[self._at] = fate

    def used(self):
        """The newest was carried out."""
        self._fates[self._at] = USED
