"""Puts the calibration in force at boot, tells it, sets it, and takes it back.

The volume of a step is known to the grid, the ramp, the monitor and every therapy. They are made with it at boot and
keep it: no part of a pump can go on with another one. So a new factor is written, the pump resets as by the command
`reset`, and the next start is under it. It is the way out of a fault of the calibration, too: what somebody sets
takes the place of what could not be read.
"""

import time

from pump.core import supervisor as sv
from pump.core.calibration import BadFactor
from pump.link.schema import Refused
from pump.storage.calibration import BadEntry, Calibration, CalibrationFault, load_calibration, store_calibration
from pump.storage.reset_note import NO_NOTE


class Calibrator:
    def __init__(self, app, profile):
        """Reads the calibration for `profile` (None: there is no valid one) and puts the calibrated volume of a step
        in the place of the geometric one. `fault` says why that could not be done.
        """
        self._app = app
        self._profile = profile
        self._calibration = self.fault = None
        if profile is None:
            return
        mechanics = profile["mechanics"]
        self._geometric_step_pl = mechanics["step_pl"]
        try:
            self._calibration = load_calibration(profile["name"], self._geometric_step_pl, app.store)
            mechanics["step_pl"] = list(self._calibration.step_pl)
        except CalibrationFault as fault:
            self.fault = fault

    def factor_text(self):
        """`1031/1000`; None when it is not known."""
        calibration = self._calibration
        return None if calibration is None else "%d/%d" % (calibration.num, calibration.den)

    def tell(self):
        calibration = self._calibration
        entries = [] if calibration is None else calibration.entries
        return {
            "factor": self.factor_text(),
            "step_pl": None if calibration is None else "%d/%d" % tuple(calibration.step_pl),
            "entries": entries[::-1],
            "fault": None if self.fault is None else str(self.fault),
        }

    def calibrate(self, entry):
        self._refuse_unless_at_rest("calibrate")
        before = self._calibration
        if before is None:
            before = Calibration(self._profile["name"], self._geometric_step_pl)
        refusal = None
        try:
            return self._put_in_force(before.with_entry(entry))
        except BadEntry as bad:
            refusal = Refused("out_of_range", str(bad), {"parameter": bad.parameter})
        except BadFactor as bad:
            refusal = Refused("out_of_range", str(bad), {"parameter": "num"})
        raise refusal

    def undo(self):
        self._refuse_unless_at_rest("uncalibrate")
        if self._calibration is None or not self._calibration.entries:
            raise Refused("wrong_state", "there is no calibration to take back", {"state": "not_calibrated"})
        return self._put_in_force(self._calibration.without_last())

    def _refuse_unless_at_rest(self, method):
        app = self._app
        state = sv.STATES[app.supervisor.state]
        if self._profile is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": state})
        if self.fault is None and (app.supervisor.state != sv.IDLE or app.delivery.moving):
            raise Refused("wrong_state", "%s is refused while %s" % (method, state), {"state": state})

    def _put_in_force(self, calibration):
        store_calibration(calibration, self._app.store)
        now_ms = time.ticks_ms()
        self._calibration = calibration
        self._app.supervisor.handle(sv.RESET_ASKED, now_ms)
        self._app.leave.ask(NO_NOTE, now_ms)
        return {"factor": self.factor_text()}
