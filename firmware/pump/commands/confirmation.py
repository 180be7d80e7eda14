"""Two deliberate steps to whatever changes what flows: a method of flow.py is proposed, shown, and then confirmed.

Everything is checked when it is proposed and again when it is confirmed; what was shown must still be what would
change. A state that changes, an alarm, a person's stop in between: the proposal is void.

What passes a soft limit of the drug library takes one more step for each: a confirmation that names the value.
"""

import time

from pump.core.proposals import EXPIRES_MS, VOID, WHY, Proposals
from pump.drivers.identity import random_24
from pump.link.schema import Refused

_LOOK_MS = 1000
_DRIFTS = ("reservoir_nl",)  # what changes while the motor turns, and is no other pump for that


class TwoSteps:
    """A task as well: it lets a proposal that nobody confirms expire."""

    name = "two_steps"
    max_late_ms = 5000

    def __init__(self, flow):
        self._flow = flow
        self._proposals = Proposals(random_24)
        self._named = 0  # values over soft limits that were named, of the proposal that waits

    def propose(self, method, params):
        """Answers with what would change, and changes nothing."""
        changes, _, soft = getattr(self._flow, method)(**params)
        self._named = 0
        token = self._proposals.put((method, params, changes, soft), time.ticks_ms())
        over = [{"limit": limit, "value": value, "bound": bound} for limit, value, bound in soft]
        return {"token": token, "changes": changes, "over_soft": over, "expires_ms": EXPIRES_MS}

    def confirm(self, token, over_soft=None):
        """Does what was proposed; the result is that of the method. `over_soft`: the value that passes a soft limit."""
        refusal = self._proposals.refusal(token, time.ticks_ms())
        if refusal is not None:
            raise Refused(refusal, WHY[refusal], {"token": token})
        method, params, shown, soft = self._proposals.what
        self._name(soft, over_soft, token)
        self._proposals.end(VOID)  # whatever refuses it below
        changes, act, soft_now = getattr(self._flow, method)(**params)
        for name in _DRIFTS:
            if name in changes:
                changes[name][0] = shown[name][0]
        if changes != shown or soft_now != soft:
            raise Refused(VOID, WHY[VOID], {"token": token})
        result = act()
        self._proposals.used()
        return result

    def _name(self, soft, over_soft, token):
        """Lets a confirmation pass when every value that passes a soft limit has been named, one at a time."""
        if over_soft is not None:
            if self._named < len(soft) and soft[self._named][1] == over_soft:
                self._named += 1
            elif not soft:
                raise Refused("extra_parameter", "no soft limit is passed", {"parameter": "over_soft"})
        if self._named < len(soft):
            limit, value, bound = soft[self._named]
            message = "%s is %d, the soft limit %d (thousandths): confirm with the value" % (limit, value, bound)
            raise Refused("soft_limit", message, {"token": token, "limit": limit, "value": value, "bound": bound})

    def void(self):
        """Something happened: what was shown may not be so any more."""
        self._proposals.end(VOID)

    def run(self, now_ms):
        self._proposals.expire(now_ms)
        return _LOOK_MS
