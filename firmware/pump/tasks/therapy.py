"""The task that manages the running therapy, except for the motion itself: boluses and who may have one, the effect of
alarms, and the end.

    patient's button, link ──► request_bolus ──► lockout, limits, alarms ──► core/therapy/therapy.py
    alarms ──► run ──► no bolus during an alarm; KVO where the alarm's row says so
"""

import time

from micropython import const

from pump.core.alarms.table import MEDIUM
from pump.core.supervisor import IDLE, INFUSING
from pump.core.therapy.bolus_limits import LIMIT, BolusLimits
from pump.core.units import steps_of

_POLL_MS = const(1000)

# Why a patient's request is not given; bolus_limits.py has two more.
NOT_INFUSING = "not_infusing"
NO_BOLUS = "no_bolus"  # the regimen has none
ALARM = "alarm"  # GIP 1.4: none while in alarm
RUNNING = "running"
ENDED = "ended"


class TherapyTask:
    name = "therapy"
    max_late_ms = 1000

    def __init__(self, delivery, step_pl, supervisor, alarms, report, report_once):
        """`step_pl`: volume of a step as [numerator, denominator]. `report(name, active, now_ms)` and
        `report_once(name, now_ms)` raise alarms.
        """
        self._delivery = delivery
        self._step_pl = step_pl
        self._supervisor = supervisor
        self._alarms = alarms
        self._report = report
        self._report_once = report_once
        self._limits = None
        self._limited = False  # the limit was reached and leaves no room yet
        self._complete = False  # as reported
        self.requests = 0
        self.boluses = 0

    def begin(self, therapy, now_ms):
        """Begins a therapy of which nothing has been delivered."""
        self._delivery.begin(therapy)
        bolus = therapy.regimen.get("bolus")
        self._limits = None if bolus is None else BolusLimits(bolus, self._step_pl, now_ms)
        self._complete = False
        self.requests = self.boluses = 0
        self._set_limited(False, now_ms)

    def run(self, now_ms):
        therapy = self._delivery.therapy
        if therapy is not None:
            self._update(therapy, now_ms)
        return _POLL_MS

    def _update(self, therapy, now_ms):
        if self._is_alarmed():
            therapy.cancel_bolus()
        delivery = self._delivery
        turns = delivery.moving and not delivery.back
        therapy.apply_pending(delivery.ramp.stopping_steps(delivery.grid.rate_ul_h) if turns else 0)
        therapy.hold_at_kvo(self._alarms.keeps_open())
        limits = self._limits
        if limits is not None:
            limits.update(therapy.given_steps, now_ms)
            if self._limited:
                over = self._supervisor.state == IDLE  # the therapy was ended, and its limit with it
                self._set_limited(not over and not limits.allows(), now_ms)
            elif limits.is_exceeded():
                self._set_limited(True, now_ms)
        complete = therapy.ended and therapy.target_ul_h > 0  # where nothing flows on, the end of motion reports it
        if complete and not self._complete:
            self._report_once("infusion_complete", now_ms)
        self._complete = complete

    def request_bolus(self, now_ms):
        """The patient asks for a bolus. Returns why it is not given, or None when it is."""
        self.requests += 1
        why = self._refusal(now_ms)
        if why is None:
            therapy, bolus = self._delivery.therapy, self._limits.bolus
            self.boluses += 1
            self._limits.on_bolus()
            therapy.give(therapy.patient, bolus["volume_nl"], bolus["rate_ul_h"])
        elif why == LIMIT:
            self._set_limited(True, now_ms)
        return why

    def _refusal(self, now_ms):
        if self._supervisor.state != INFUSING:
            return NOT_INFUSING
        therapy, limits = self._delivery.therapy, self._limits
        if limits is None:
            return NO_BOLUS
        if self._is_alarmed():
            return ALARM
        if therapy.kvo:
            return ENDED
        if therapy.patient.left_ticks:
            return RUNNING
        limits.update(therapy.given_steps, now_ms)
        return limits.refusal(steps_of(therapy.square.left_nl(), self._step_pl))

    def refusal_of_square(self):
        """Why a clinician's bolus is not given now, or None."""
        if self._supervisor.state != INFUSING:
            return NOT_INFUSING
        if self._is_alarmed():
            return ALARM
        therapy = self._delivery.therapy
        if therapy.kvo:
            return ENDED
        return RUNNING if therapy.square.left_ticks else None

    def give_square(self, volume_nl, rate_ul_h):
        """Begins a clinician's bolus, which `refusal_of_square` does not refuse."""
        therapy = self._delivery.therapy
        therapy.give(therapy.square, volume_nl, rate_ul_h)

    def _is_alarmed(self):
        owner = self._alarms.highest()
        return owner is not None and owner.priority >= MEDIUM

    def _set_limited(self, limited, now_ms):
        if limited != self._limited:
            self._limited = limited
            self._report("dose_limit", limited, now_ms)

    def to_dict(self):
        """The reply to `therapy`: where the regimen is and what is left of it."""
        therapy = self._delivery.therapy
        if therapy is None:
            return {"therapy": None}
        left_s, left_nl = therapy.left()
        limits = self._limits
        if limits is not None:
            limits.update(therapy.given_steps, time.ticks_ms())
        reply = {
            "kind": therapy.regimen["kind"],
            "phase": "complete" if therapy.ended else "held" if therapy.held else "running",
            "kvo": therapy.kvo and therapy.target_ul_h > 0,
            "segment": therapy.segments.at,
            "cycle": therapy.segments.cycle,
            "segment_left_s": therapy.part_left_s(),
            "left_s": left_s,
            "left_nl": left_nl,
            "bolus": "patient" if therapy.patient.left_ticks else "clinician" if therapy.square.left_ticks else None,
            "bolus_left_nl": therapy.bolus_left_nl(),
            "lockout_s": None if limits is None else limits.lockout_s,
            "requests": self.requests,
            "given": self.boluses,
            "harmful_stop": therapy.regimen.get("harmful_stop", 0),
        }
        return {"therapy": reply}
