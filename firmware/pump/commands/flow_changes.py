"""What changes the flow into a patient: the methods of the link that take two steps (confirmation.py).

Each checks what it is given against the pump as it is, or raises Refused, and returns three things: the changes, a
dict of name: [now, then]; a function that makes them and returns the result; and what passes a soft limit of the drug
library, a list of (limit, value, bound). It changes nothing by itself.
"""

import time

from pump.core import supervisor as sv
from pump.core.motion.ramp import resonance_ul_h
from pump.core.therapy.regimen import BadRegimen, check, check_bolus, continuous
from pump.core.therapy.therapy import Therapy
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

    def start(self, rate_ul_h=None, vtbi_nl=None, regimen=None, order=None):
        """A rate, or a regimen (core/therapy/regimen.py)."""
        app = self._app
        if regimen is None:
            if rate_ul_h is None:
                raise Refused("missing_parameter", "start needs rate_ul_h or regimen", {"parameter": "rate_ul_h"})
            self._check_rate(rate_ul_h)
            regimen = continuous(rate_ul_h, vtbi_nl)
        elif rate_ul_h is not None or vtbi_nl is not None:
            name = "vtbi_nl" if rate_ul_h is None else "rate_ul_h"
            raise Refused("extra_parameter", "start takes no %s beside a regimen" % name, {"parameter": name})
        self._check(check, regimen)
        if app.supervisor.state != sv.IDLE or app.delivery.moving:
            raise self._wrong_state("start")
        therapy = Therapy(regimen, *app.profile["mechanics"]["step_pl"], app.profile["therapy"]["kvo_ul_h"])
        soft = []
        read = None
        if order is not None:
            read = self._read(order, therapy, soft)

        app.reservoir.check_start(read)

        def act():
            self._keep(app.ledger.begin, therapy, None if read is None else read.drug)
            app.treatment.begin(therapy, time.ticks_ms())
            app.pharmacy.order = read
            return self.send(sv.START)

        changes = self._start_changes(therapy)
        if read is not None or app.pharmacy.order is not None:
            changes["drug"] = [app.pharmacy.drug(), None if read is None else read.drug]
        return changes, act, soft

    def _read(self, order, therapy, soft):
        """The order against the drug library: its doses are those of the segments."""
        regimen = therapy.regimen
        most_nl, bolus_nl = therapy.left()[1], None
        if "bolus" in regimen:
            bolus_nl, hour_nl = regimen["bolus"]["volume_nl"], regimen["bolus"]["max_1h_nl"]
            most_nl = hour_nl if most_nl is None else min(most_nl, hour_nl)
        again = regimen.get("repeat", 1), regimen.get("repeat_from", 0)
        return self._app.pharmacy.read(order, regimen["segments"], soft, *again, most_nl, bolus_nl)

    def _start_changes(self, therapy):
        regimen = therapy.regimen
        changes = self._go(sv.INFUSING, therapy.target_ul_h)
        changes["vtbi_nl"] = [None, therapy.vtbi_nl]
        if not therapy.is_plain():
            left_s, left_nl = therapy.left()
            changes["regimen"] = [None, regimen["kind"]]
            changes["lasts_s"] = [None, left_s]
            changes["volume_nl"] = [None, left_nl]
        if "bolus" in regimen:
            for name in regimen["bolus"]:
                changes["bolus_" + name] = [None, regimen["bolus"][name]]
        return changes

    def set_rate(self, rate_ul_h, dose=None):
        self._check_rate(rate_ul_h)
        self._attend()
        app = self._app
        therapy = app.infusion()
        if "set_rate" not in sv.PERMITS[app.supervisor.state][sv.FLOW_COMMANDS] or not therapy.is_plain():
            raise self._wrong_state("set_rate")
        if therapy.square.left_ticks:
            self._check_rate(rate_ul_h + therapy.square.rate_ul_h)
        basal_ul_h = therapy.segments.rate_ul_h
        changes = {"rate_ul_h": [basal_ul_h, rate_ul_h]}
        soft = []
        if app.pharmacy.order is not None:
            changes["dose"] = app.pharmacy.change_rate(basal_ul_h, rate_ul_h, dose, soft)
        elif dose is not None:
            raise Refused("extra_parameter", "the infusion has no drug whose dose it could be", {"parameter": "dose"})

        def act():
            self._keep(app.ledger.opens, rate_ul_h - basal_ul_h)
            therapy.set_rate(rate_ul_h)
            return {"rate_ul_h": rate_ul_h}

        return changes, act, soft

    def bolus(self, volume_nl, rate_ul_h):
        """A clinician's, on top of what flows."""
        self._attend()
        app = self._app
        if "bolus" not in sv.PERMITS[app.supervisor.state][sv.FLOW_COMMANDS]:
            raise self._wrong_state("bolus")
        why = app.treatment.refusal_of_square()
        if why is not None:
            state = sv.STATES[app.supervisor.state]
            raise Refused("wrong_state", "bolus is refused: " + why, {"state": state, "why": why})
        self._check(check_bolus, volume_nl, rate_ul_h, app.infusion().regimen["segments"])
        soft = []
        app.pharmacy.limit_bolus(volume_nl, soft)

        def act():
            self._keep(app.ledger.opens, rate_ul_h)
            app.treatment.give_square(volume_nl, rate_ul_h)
            return {"volume_nl": volume_nl, "rate_ul_h": rate_ul_h}

        return {"bolus_nl": [0, volume_nl], "bolus_ul_h": [0, rate_ul_h]}, act, soft

    def resume(self):
        self._attend()
        app = self._app
        if not sv.takes(app.supervisor.state, sv.RESUME):
            raise self._wrong_state("resume")
        app.reservoir.check_start(app.pharmacy.order)

        def act():
            self._keep(app.ledger.opens)
            return self.send(sv.RESUME)

        return self._go(sv.INFUSING, app.infusion().target_ul_h), act, ()

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

    def refill(self, volume_nl, drug=None):
        if self._app.reservoir is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        changes, act = self._app.reservoir.refill(volume_nl, drug)
        return changes, act, ()

    def library_change(self, crc):
        changes, act = self._app.pharmacy.change(crc)
        return changes, act, ()

    # ---- what they share ----

    def _keep(self, keep, *what):
        """Nothing flows that a power cut would make forgotten. What the flash does not take link/server.py refuses."""
        try:
            keep(*what)
        except OSError:
            self._app.tell_of("storage_fault", time.ticks_ms())
            raise

    def _go(self, state, rate_ul_h):
        """The changes of a motor that stands and then turns."""
        return {"state": [sv.STATES[self._app.supervisor.state], sv.STATES[state]], "rate_ul_h": [0, rate_ul_h]}

    def _attend(self):
        """Somebody is there, whether or not it is done."""
        self._app.reminder.attend(time.ticks_ms())

    def _wrong_state(self, what):
        state = sv.STATES[self._app.supervisor.state]
        return Refused("wrong_state", "%s is refused while %s" % (what, state), {"state": state})

    def _mechanics(self):
        if self._app.profile is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": "fault"})
        return self._app.profile["mechanics"]

    def _check(self, check, *what):
        """Turns what core/therapy/regimen.py says into a refusal."""
        bad = None
        try:
            check(*what, self._mechanics())
        except BadRegimen as error:
            bad = error
        if bad is not None:
            data = {"parameter": bad.parameter}
            if bad.limit is not None:
                data["limit"] = bad.limit
            raise Refused(bad.code, bad.message, data)

    def _check_rate(self, rate_ul_h):
        mechanics = self._mechanics()
        low, high = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
        if not low <= rate_ul_h <= high:
            raise out_of_range("rate_ul_h", rate_ul_h, low, high)
        low, high = resonance_ul_h(mechanics)
        if low <= rate_ul_h <= high:  # refused, not moved to an edge: a dose is never changed silently
            raise in_resonance("rate_ul_h", rate_ul_h, low, high)
