"""What changes the flow into a patient: the methods of the link that take two steps (two_steps.py).

Each checks what it is given against the pump as it is, or raises Refused, and returns three things: the changes, a
dict of name: [now, then]; a function that makes them and returns the result; and what passes a soft limit of the drug
library, a list of (limit, value, bound). It changes nothing by itself.
"""

import time

from pump.core import supervisor as sv
from pump.core.ramp import resonance_ul_h
from pump.core.therapy import Continuous
from pump.link.schema import Refused, in_resonance, out_of_range


class Flow:
    def __init__(self, app):
        self._app = app

    def send(self, event):
        """Hands an event to the supervisor; the state as the result."""
        now_ms = time.ticks_ms()
        supervisor = self._app.supervisor
        self._app.reminder.attend(now_ms)
        if not supervisor.handle(event, now_ms):
            raise self._wrong_state(sv.EVENTS[event])
        return {"state": sv.STATES[supervisor.state]}

    # ---- the methods ----

    def start(self, rate_ul_h, vtbi_nl=None, order=None):
        self._check_rate(rate_ul_h)
        app = self._app
        if app.supervisor.state != sv.IDLE or app.delivery.moving:
            raise self._wrong_state("start")
        therapy = Continuous(rate_ul_h, vtbi_nl, *app.profile["mechanics"]["step_pl"])
        if therapy.budget_steps() < 1:
            raise Refused("out_of_range", "vtbi_nl is %d, less than one step" % vtbi_nl, {"parameter": "vtbi_nl"})

        soft = []
        read = None
        if order is not None:
            read = app.pharmacy.read(order, [[rate_ul_h, rate_ul_h, 0, 0]], soft, most_nl=vtbi_nl)

        def act():
            app.delivery.begin(therapy)
            app.pharmacy.order = read
            return self.send(sv.START)

        changes = self._go(sv.INFUSING, rate_ul_h)
        changes["vtbi_nl"] = [None, vtbi_nl]
        if read is not None or app.pharmacy.order is not None:
            changes["drug"] = [app.pharmacy.drug(), None if read is None else read.drug]
        return changes, act, soft

    def set_rate(self, rate_ul_h, dose=None):
        self._check_rate(rate_ul_h)
        self._attend()
        app = self._app
        if "set_rate" not in sv.PERMITS[app.supervisor.state][sv.FLOW_COMMANDS]:
            raise self._wrong_state("set_rate")
        therapy = app.delivery.therapy
        changes = {"rate_ul_h": [therapy.target_ul_h, rate_ul_h]}
        soft = []
        if app.pharmacy.order is not None:
            changes["dose"] = app.pharmacy.change_rate(therapy.target_ul_h, rate_ul_h, dose, soft)
        elif dose is not None:
            raise Refused("extra_parameter", "the infusion has no drug whose dose it could be", {"parameter": "dose"})

        def act():
            therapy.target_ul_h = rate_ul_h
            return {"rate_ul_h": rate_ul_h}

        return changes, act, soft

    def resume(self):
        self._attend()
        app = self._app
        if not sv.takes(app.supervisor.state, sv.RESUME):
            raise self._wrong_state("resume")
        return self._go(sv.INFUSING, app.delivery.therapy.target_ul_h), lambda: self.send(sv.RESUME), ()

    def occlusion_level(self, level):
        app = self._app
        detector = app.detector
        if detector is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        limit_pa = app.profile["occlusion"][level + "_pa"]

        def act():
            app.level = level
            detector.limit_pa = limit_pa
            return {"level": level, "limit_pa": limit_pa}

        return {"level": [app.level, level], "limit_pa": [detector.limit_pa, limit_pa]}, act, ()

    def library_change(self, crc):
        changes, act = self._app.pharmacy.change(crc)
        return changes, act, ()

    # ---- what they share ----

    def _go(self, state, rate_ul_h):
        """The changes of a motor that stands and then turns."""
        return {"state": [sv.STATES[self._app.supervisor.state], sv.STATES[state]], "rate_ul_h": [0, rate_ul_h]}

    def _attend(self):
        """Somebody is there, whether or not it is done."""
        self._app.reminder.attend(time.ticks_ms())

    def _wrong_state(self, what):
        state = sv.STATES[self._app.supervisor.state]
        return Refused("wrong_state", "%s is refused while %s" % (what, state), {"state": state})

    def _check_rate(self, rate_ul_h):
        if self._app.profile is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        mechanics = self._app.profile["mechanics"]
        low, high = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
        if not low <= rate_ul_h <= high:
            raise out_of_range("rate_ul_h", rate_ul_h, low, high)
        low, high = resonance_ul_h(mechanics)
        if low <= rate_ul_h <= high:  # refused, not moved to an edge: a dose is never changed silently
            raise in_resonance("rate_ul_h", rate_ul_h, low, high)
