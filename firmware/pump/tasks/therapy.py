"""The therapy that runs, and all that is not for the motor to know: boluses and who may have one, what alarms make of
it, and when it is complete.

    patient's button, link ──► request_bolus ──► lockout, limits, alarms ──► core/therapy/therapy.py
    alarms ──► run ──► no bolus beside an alarm; KVO where an alarm's row says so
"""

from micropython import const

from pump.core import supervisor as sv
from pump.core.alarms.table import MEDIUM
from pump.core.therapy.bolus_limits import BolusLimits
from pump.core.units import steps_of

_LOOK_MS = const(1000)

# Why a patient's request is not given.
NOT_INFUSING = "not_infusing"
NO_BOLUS = "no_bolus"  # the regimen has none
ALARM = "alarm"  # GIP 1.4: none while in alarm
RUNNING = "running"
LOCKOUT = "lockout"
LIMIT = "limit"
ENDED = "ended"


class Treatment:
    name = "treatment"
    max_late_ms = 1000

    def __init__(self, app, step_pl):
        self._app = app
        self._step_pl = step_pl
        self._limits = None
        self._limited = False  # the limit was reached, and leaves no room yet
        self._complete = False  # was told
        self.requests = 0
        self.boluses = 0

    @property
    def _therapy(self):
        return self._app.delivery.therapy

    def begin(self, therapy, now_ms):
        """A regimen starts from nothing."""
        self._app.delivery.begin(therapy)
        bolus = therapy.regimen.get("bolus")
        self._limits = None if bolus is None else BolusLimits(bolus, self._step_pl, now_ms)
        self._complete = False
        self.requests = self.boluses = 0
        self._set_limited(False, now_ms)

    def run(self, now_ms):
        therapy = self._app.infusion()
        if therapy is not None:
            self._look(therapy, now_ms)
        return _LOOK_MS

    def _look(self, therapy, now_ms):
        if self._is_alarmed():
            therapy.cancel_bolus()
        delivery = self._app.delivery
        turns = delivery.moving and not delivery.back
        therapy.apply_pending(delivery.ramp.stopping_steps(delivery.grid.rate_ul_h) if turns else 0)
        therapy.hold_at_kvo(self._app.alarms.keeps_open())
        limits = self._limits
        if limits is not None:
            limits.update(therapy.given_steps, now_ms)
            if self._limited:
                over = self._app.supervisor.state == sv.IDLE  # the therapy was ended, and its limit with it
                self._set_limited(not over and not limits.allows(), now_ms)
            elif limits.is_exceeded():
                self._set_limited(True, now_ms)
        complete = therapy.ended and therapy.target_ul_h > 0  # a motor that comes to rest tells it itself
        if complete and not self._complete:
            self._app.tell_of("infusion_complete", now_ms)
        self._complete = complete

    def request_bolus(self, now_ms):
        """The patient asks for one. Returns why it is not given, or None when it is."""
        self.requests += 1
        why = self._refusal(now_ms)
        if why is None:
            bolus = self._limits.bolus
            self.boluses += 1
            self._limits.on_bolus()
            self._therapy.give(self._therapy.patient, bolus["volume_nl"], bolus["rate_ul_h"])
        elif why == LIMIT:
            self._set_limited(True, now_ms)
        return why

    def _refusal(self, now_ms):
        if self._app.supervisor.state != sv.INFUSING:
            return NOT_INFUSING
        therapy, limits = self._therapy, self._limits
        if limits is None:
            return NO_BOLUS
        if self._is_alarmed():
            return ALARM
        if therapy.kvo:
            return ENDED
        if therapy.patient.left_ticks:
            return RUNNING
        limits.update(therapy.given_steps, now_ms)
        if limits.lockout_s:
            return LOCKOUT
        return None if limits.allows(steps_of(therapy.square.left_nl(), self._step_pl)) else LIMIT

    def refusal_of_square(self):
        """Why a clinician's bolus is not given now, or None."""
        if self._app.supervisor.state != sv.INFUSING:
            return NOT_INFUSING
        if self._is_alarmed():
            return ALARM
        if self._therapy.kvo:
            return ENDED
        return RUNNING if self._therapy.square.left_ticks else None

    def give_square(self, volume_nl, rate_ul_h):
        self._therapy.give(self._therapy.square, volume_nl, rate_ul_h)

    def _is_alarmed(self):
        owner = self._app.alarms.highest()
        return owner is not None and owner.priority >= MEDIUM

    def _set_limited(self, limited, now_ms):
        if limited != self._limited:
            self._limited = limited
            self._app.report("dose_limit", limited, now_ms)

    def tell(self, now_ms):
        """For the link: what of the regimen is under way and what is left."""
        therapy = self._app.infusion()
        if therapy is None:
            return None
        left_s, left_nl = therapy.left()
        limits = self._limits
        if limits is not None:
            limits.update(therapy.given_steps, now_ms)
        return {
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
