"""Two deliberate steps for every command that changes what flows: a change is proposed, shown, and then confirmed.

Everything is checked at the proposal and again at the confirmation, and the change must still be the one that was
shown. A change of state, an alarm, or a person's stop in between makes the proposal void.

A value that passes a soft limit of the drug library needs one more step: a confirmation that names the value.
"""

import time

from pump.core.proposals import EXPIRES_MS, VOID, WHY, Proposals
from pump.link.schema import Refused

_POLL_MS = 1000
_DRIFTS = ("reservoir_nl",)  # changes while the motor turns, which makes no other proposal


class Confirmation:
    """Keeps the proposal. It is a task too: it lets a proposal expire that is not confirmed."""

    name = "confirmation"
    max_late_ms = 5000

    def __init__(self, draw):
        """`draw()` returns a random token."""
        self._proposals = Proposals(draw)
        self._named = 0  # how many values over soft limits were named, of the open proposal

    def proposing(self, prepare):
        """Returns the function of the link that proposes what `prepare` prepares: it answers with the changes, and
        changes nothing. `prepare(**params)` is described in flow_changes.py.
        """

        def propose(**params):
            return self._propose(prepare, params)

        return propose

    def _propose(self, prepare, params):
        changes, _, soft = prepare(**params)
        self._named = 0
        token = self._proposals.put((prepare, params, changes, soft), time.ticks_ms())
        over = [{"limit": limit, "value": value, "bound": bound} for limit, value, bound in soft]
        return {"token": token, "changes": changes, "soft_limits": over, "expires_ms": EXPIRES_MS}

    def confirm(self, token, override_soft_limits=None):
        """Makes the proposed change; returns the result of its method. `override_soft_limits`: the value that passes a
        soft limit, in the order of the proposal, one a call. Raises Refused.
        """
        refusal = self._proposals.refusal(token, time.ticks_ms())
        if refusal is not None:
            raise Refused(refusal, WHY[refusal], {"token": token})
        prepare, params, shown, soft = self._proposals.what  # pyright: ignore[reportGeneralTypeIssues]  # refusal() is None, so one waits
        self._name(soft, override_soft_limits, token)
        self._proposals.end(VOID)  # whatever refuses it below
        changes, act, soft_now = prepare(**params)
        for name in _DRIFTS:
            if name in changes:
                changes[name][0] = shown[name][0]
        if changes != shown or soft_now != soft:
            raise Refused(VOID, WHY[VOID], {"token": token})
        result = act()
        self._proposals.used()
        return result

    def _name(self, soft, override_soft_limits, token):
        """Returns once every value that passes a soft limit has been named, one a confirmation. Else raises Refused."""
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
        """Something happened that can make the shown change untrue. Allocates nothing."""
        self._proposals.end(VOID)

    def run(self, now_ms):
        self._proposals.expire(now_ms)
        return _POLL_MS
