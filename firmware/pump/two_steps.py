"""Two deliberate steps to whatever changes what flows: a method of flow.py is proposed, shown, and then confirmed.

Everything is checked when it is proposed and again when it is confirmed; what was shown must still be what would
change. A state that changes, an alarm, a person's stop in between: the proposal is void.
"""

import time

from pump.core.proposals import EXPIRES_MS, VOID, WHY, Proposals
from pump.drivers.identity import random_24
from pump.link.schema import Refused

_LOOK_MS = 1000


class TwoSteps:
    """A task as well: it lets a proposal that nobody confirms expire."""

    name = "two_steps"
    max_late_ms = 5000

    def __init__(self, flow):
        self._flow = flow
        self._proposals = Proposals(random_24)

    def propose(self, method, params):
        """Answers with what would change, and changes nothing."""
        changes, _ = getattr(self._flow, method)(**params)
        token = self._proposals.put((method, params, changes), time.ticks_ms())
        return {"token": token, "changes": changes, "expires_ms": EXPIRES_MS}

    def confirm(self, token):
        """Does what was proposed; the result is that of the method."""
        refusal = self._proposals.refusal(token, time.ticks_ms())
        if refusal is not None:
            raise Refused(refusal, WHY[refusal], {"token": token})
        method, params, shown = self._proposals.what
        self._proposals.end(VOID)  # whatever refuses it below
        changes, act = getattr(self._flow, method)(**params)
        if changes != shown:
            raise Refused(VOID, WHY[VOID], {"token": token})
        result = act()
        self._proposals.used()
        return result

    def void(self):
        """Something happened: what was shown may not be so any more."""
        self._proposals.end(VOID)

    def run(self, now_ms):
        self._proposals.expire(now_ms)
        return _LOOK_MS
