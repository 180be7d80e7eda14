"""How often a pump may go on after the same alarm.

Two counts over the last ten minutes. A profile may allow the pump to go on by itself after an occlusion, so many
times (Alaris: 0 to 9). And whoever started it, a person or the pump: when one alarm stops an infusion for the third
time, it stops for good (Open PCA's "same alarm-stop-start three times in 10 min"). The second bounds the first:
more than two automatic restarts come about only with different alarms, or more than ten minutes apart.
"""

from micropython import const

from pump.core.units import elapsed_ms

_WINDOW_MS = const(600_000)
CHECK_MS = const(15_000)  # of looking at the pressure, before the pump goes on by itself
_SAME_STOPS = const(3)
_KEPT = const(16)  # more than can matter: 9 restarts, and 2 stops each of a few alarms


class Restarts:
    """Counts automatic restarts, and stops by each alarm, in the last ten minutes."""

    def __init__(self, allowed):
        """`allowed`: automatic restarts in any ten minutes."""
        self._allowed = allowed
        self._names = [None] * _KEPT  # of the alarms that stopped an infusion; "" is an automatic restart
        self._times_ms = [0] * _KEPT
        self._at = 0

    def stopped_by(self, name, now_ms):
        """An alarm stopped an infusion. True when it did so for the third time: for good."""
        self._keep(name, now_ms)
        return self._count(name) >= _SAME_STOPS

    def may_restart(self):
        """Whether another automatic restart is allowed now."""
        return self._count("") < self._allowed

    def restarted(self, now_ms):
        """Counts an automatic restart."""
        self._keep("", now_ms)

    def forget_old(self, now_ms):
        """To be called every few hours at least: times wrap."""
        for i in range(_KEPT):
            if self._names[i] is not None and elapsed_ms(now_ms, self._times_ms[i]) >= _WINDOW_MS:
                self._names[i] = None

    def _keep(self, name, now_ms):
        self.forget_old(now_ms)
        self._names[self._at] = name
        self._times_ms[self._at] = now_ms
        self._at = (self._at + 1) % _KEPT

    def _count(self, name):
        count = 0
        for kept in self._names:
            if kept == name:
                count += 1
        return count
