"""The commands that change what flows into a patient. Each needs a confirmation (confirmation.py).

Each function prepares a change: it checks its parameters against the pump as it is, or raises Refused, and returns
three things:
- the changes, a dict of name: [now, then];
- a function that makes the changes and returns the result of the command;
- the values that pass a soft limit of the drug library, a list of (limit, value, bound).

It changes nothing itself.
"""

import time

from pump.core.motion.ramp import resonance_ul_h
from pump.core.supervisor import FLOW_COMMANDS, IDLE, INFUSING, PERMITS, RESUME, START, STATES, takes
from pump.core.therapy.regimen import BadRegimen, check, check_bolus, continuous
from pump.core.therapy.therapy import Therapy
from pump.link.schema import Refused, in_resonance, out_of_range


class FlowChanges:
    def __init__(
        self, profile, supervisor, operator, delivery, therapy, delivered_volume, reservoir, drug_orders, report_once
    ):
        """`therapy`, `delivered_volume`: their tasks. `reservoir`: its commands. `report_once(name, now_ms)` raises an
        alarm.
        """
        self._mechanics = profile["mechanics"]
        self._kvo_ul_h = profile["therapy"]["kvo_ul_h"]
        self._supervisor = supervisor
        self._operator = operator
        self._delivery = delivery
        self._therapy = therapy
        self._delivered_volume = delivered_volume
        self._reservoir = reservoir
        self._drug_orders = drug_orders
        self._report_once = report_once

    # ---- the commands ----

    def start(self, rate_ul_h=None, vtbi_nl=None, regimen=None, order=None):
        """Starts a rate, or a regimen (core/therapy/regimen.py)."""
        if regimen is None:
            if rate_ul_h is None:
                raise Refused("missing_parameter", "start needs rate_ul_h or regimen", {"parameter": "rate_ul_h"})
            self._check_rate(rate_ul_h)
            regimen = continuous(rate_ul_h, vtbi_nl)
        elif rate_ul_h is not None or vtbi_nl is not None:
            name = "vtbi_nl" if rate_ul_h is None else "rate_ul_h"
            raise Refused("extra_parameter", "start takes no %s beside a regimen" % name, {"parameter": name})
        self._check(check, regimen)
        if self._supervisor.state != IDLE or self._delivery.moving:
            raise self._operator.wrong_state("start")
        step_pl = self._mechanics["step_pl"]
        therapy = Therapy(regimen, step_pl[0], step_pl[1], self._kvo_ul_h)
        soft = []
        checked = None if order is None else self._check_order(order, therapy, soft)
        self._reservoir.check_start(checked)
        drug = None if checked is None else checked.drug

        def act():
            self._keep(self._delivered_volume.begin, therapy, drug)
            self._therapy.begin(therapy, time.ticks_ms())
            self._drug_orders.order = checked
            return self._operator.send(START)

        changes = self._start_changes(therapy)
        if checked is not None or self._drug_orders.order is not None:
            changes["drug"] = [self._drug_orders.drug(), drug]
        return changes, act, soft

    def _check_order(self, order, therapy, soft):
        """Checks the order against the drug library: its doses are those of the segments."""
        regimen = therapy.regimen
        most_nl, bolus_nl = therapy.left()[1], None
        if "bolus" in regimen:
            bolus_nl, hour_nl = regimen["bolus"]["volume_nl"], regimen["bolus"]["max_1h_nl"]
            most_nl = hour_nl if most_nl is None else min(most_nl, hour_nl)
        repeats = regimen.get("repeat", 1), regimen.get("repeat_from", 0)
        return self._drug_orders.check_order(order, regimen["segments"], soft, *repeats, most_nl, bolus_nl)

    def _start_changes(self, therapy):
        regimen = therapy.regimen
        changes = self._motion_changes(INFUSING, therapy.target_ul_h)
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
        """Changes the rate of a therapy that is one rate."""
        self._check_rate(rate_ul_h)
        self._operator.note_activity(time.ticks_ms())
        therapy = self._delivery.therapy
        if not self._permits("set_rate") or not therapy.is_plain():
            raise self._operator.wrong_state("set_rate")
        if therapy.square.left_ticks:
            self._check_rate(rate_ul_h + therapy.square.rate_ul_h)
        basal_ul_h = therapy.segments.rate_ul_h
        changes = {"rate_ul_h": [basal_ul_h, rate_ul_h]}
        soft = []
        if self._drug_orders.order is not None:
            changes["dose"] = self._drug_orders.change_rate(basal_ul_h, rate_ul_h, dose, soft)
        elif dose is not None:
            raise Refused("extra_parameter", "the infusion has no drug whose dose it could be", {"parameter": "dose"})

        def act():
            self._keep(self._delivered_volume.before_motion, rate_ul_h - basal_ul_h)
            therapy.set_rate(rate_ul_h)
            return {"rate_ul_h": rate_ul_h}

        return changes, act, soft

    def bolus(self, volume_nl, rate_ul_h):
        """Gives a clinician's bolus, on top of what flows."""
        self._operator.note_activity(time.ticks_ms())
        if not self._permits("bolus"):
            raise self._operator.wrong_state("bolus")
        why = self._therapy.refusal_of_square()
        if why is not None:
            state = STATES[self._supervisor.state]
            raise Refused("wrong_state", "bolus is refused: " + why, {"state": state, "why": why})
        self._check(check_bolus, volume_nl, rate_ul_h, self._delivery.therapy.regimen["segments"])
        soft = []
        self._drug_orders.limit_bolus(volume_nl, soft)

        def act():
            self._keep(self._delivered_volume.before_motion, rate_ul_h)
            self._therapy.give_square(volume_nl, rate_ul_h)
            return {"volume_nl": volume_nl, "rate_ul_h": rate_ul_h}

        return {"bolus_nl": [0, volume_nl], "bolus_ul_h": [0, rate_ul_h]}, act, soft

    def resume(self):
        """Continues a paused infusion."""
        self._operator.note_activity(time.ticks_ms())
        if not takes(self._supervisor.state, RESUME):
            raise self._operator.wrong_state("resume")
        self._reservoir.check_start(self._drug_orders.order)

        def act():
            self._keep(self._delivered_volume.before_motion)
            return self._operator.send(RESUME)

        return self._motion_changes(INFUSING, self._delivery.therapy.target_ul_h), act, ()

    # ---- what they share ----

    def _permits(self, command):
        return command in PERMITS[self._supervisor.state][FLOW_COMMANDS]

    def _keep(self, keep, *what):
        """Keeps in the flash what is about to flow, so that a power cut does not lose it. Raises OSError, which
        link/server.py refuses with.
        """
        try:
            keep(*what)
        except OSError:
            self._report_once("storage_fault", time.ticks_ms())
            raise

    def _motion_changes(self, state, rate_ul_h):
        """The changes of a motor that stands and then turns."""
        return {"state": [STATES[self._supervisor.state], STATES[state]], "rate_ul_h": [0, rate_ul_h]}

    def _check(self, check, *what):
        """Calls a check of core/therapy/regimen.py. Raises Refused."""
        bad = None
        try:
            check(*what, self._mechanics)
        except BadRegimen as error:
            bad = error
        if bad is not None:
            data = {"parameter": bad.parameter}
            if bad.limit is not None:
                data["limit"] = bad.limit
            raise Refused(bad.code, bad.message, data)

    def _check_rate(self, rate_ul_h):
        mechanics = self._mechanics
        low, high = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
        if not low <= rate_ul_h <= high:
            raise out_of_range("rate_ul_h", rate_ul_h, low, high)
        low, high = resonance_ul_h(mechanics)
        if low <= rate_ul_h <= high:  # refused, not moved to an edge: a dose is never changed silently
            raise in_resonance("rate_ul_h", rate_ul_h, low, high)


class OcclusionLevel:
    """Which of the profile's three pressure limits is in force."""

    def __init__(self, occlusion, detector):
        """`occlusion`: the section of the profile. The detector's limit is that of its default level."""
        self._occlusion = occlusion
        self._detector = detector
        self._level = occlusion["default"]

    def change(self, level):
        """Prepares the change to `level`, "low", "medium" or "high"."""
        detector = self._detector
        limit_pa = self._occlusion[level + "_pa"]

        def act():
            self._level = level
            detector.limit_pa = limit_pa
            return {"level": level, "limit_pa": limit_pa}

        return {"level": [self._level, level], "limit_pa": [detector.limit_pa, limit_pa]}, act, ()

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["occlusion_level"] = self._level
        status["limit_pa"] = self._detector.limit_pa
