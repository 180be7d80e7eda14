"""Two deliberate steps to whatever changes what flows: a method of flow.py is proposed, shown, and then confirmed.

Everything is checked when it is proposed and again when it is confirmed; what was shown must still be what would
change. A state that changes, an alarm, a person's stop in between: the proposal is void.

What passes a soft limit of the drug library takes one more step for each: a confirmation that names the value.
"""

import time

from pump.core.proposals import EXPIRES_MS, VOID, WHY, Proposals
from pump.drivers.chip import random_24
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
        return {"token": token, "changes": changes, "soft_limits": over, "expires_ms": EXPIRES_MS}

    def confirm(self, token, override_soft_limits=None):
        """Makes the proposed change; returns the result of its method. `override_soft_limits`: the value that passes a
        soft limit, in the order of the proposal, one a call.
        """
        refusal = self._proposals.refusal(token, time.ticks_ms())
        if refusal is not None:
            raise Refused(refusal, WHY[refusal], {"token": token})
        method, params, shown, soft = self._proposals.what
        self._name(soft, override_soft_limits, token)
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

    def _name(self, soft, override_soft_limits, token):
        """Lets a confirmation pass when every value that passes a soft limit has been named, one at a time."""
        if override_soft_limits is not None:
            if self._named < len(soft) and soft[self._named][1] == override_soft_limits:
                self._named += 1
            elif not soft:
                raise Refused("extra_parameter", "no soft limit is passed", {"parameter": "override_soft_limits"})
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
