"""The commands that show, set and undo the calibration.

The grid, the ramp, the monitor and every therapy know the volume of a step. They are made with it at boot and keep it.
So a new factor is written, the pump resets as by the command `reset`, and the next boot puts it in force. This is also
the way out of a calibration fault: what is set replaces what could not be read.
"""

import time

from pump.core.calibration import BadFactor
from pump.core.supervisor import IDLE, RESET_ASKED, STATES
from pump.link.schema import Refused
from pump.storage.calibration import BadEntry, Calibration, store_calibration
from pump.storage.reset_note import NO_NOTE


class CalibrationCommands:
    def __init__(self, name, geometric_step_pl, calibration, fault, store, supervisor, delivery, shutdown):
        """`name`: of the profile, None without a valid one. `geometric_step_pl`: volume of a step by the mechanics, as
        [numerator, denominator]. `calibration`: in force, or None with the `fault` of reading it. `delivery`: None
        where there is none.
        """
        self._name = name
        self._geometric_step_pl = geometric_step_pl
        self._calibration = calibration
        self._fault = fault
        self._store = store
        self._supervisor = supervisor
        self._delivery = delivery
        self._shutdown = shutdown

    def factor_text(self):
        """The factor as `1031/1000`; None when it is not known."""
        calibration = self._calibration
        return None if calibration is None else "%d/%d" % (calibration.num, calibration.den)

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["calibration"] = self.factor_text()

    def to_dict(self):
        """The reply to `calibration`."""
        calibration = self._calibration
        entries = [] if calibration is None else calibration.entries
        return {
            "factor": self.factor_text(),
            "step_pl": None if calibration is None else "%d/%d" % tuple(calibration.step_pl),
            "entries": entries[::-1],
            "fault": None if self._fault is None else str(self._fault),
        }

    def calibrate(self, num, den, date, operator):
        """Adds an entry: the factor num/den, found on `date` by `operator`. Raises Refused."""
        self._refuse_unless_at_rest("calibrate")
        before = self._calibration
        if before is None:
            before = Calibration(self._name, self._geometric_step_pl)
        refusal = None
        try:
            entry = {"num": num, "den": den, "date": date, "operator": operator}
            return self._put_in_force(before.with_entry(entry))
        except BadEntry as bad:
            refusal = Refused("out_of_range", str(bad), {"parameter": bad.parameter})
        except BadFactor as bad:
            refusal = Refused("out_of_range", str(bad), {"parameter": "num"})
        raise refusal

    def undo(self):
        """Takes the newest entry back. Raises Refused."""
        self._refuse_unless_at_rest("uncalibrate")
        if self._calibration is None or not self._calibration.entries:
            raise Refused("wrong_state", "there is no calibration to take back", {"state": "not_calibrated"})
        return self._put_in_force(self._calibration.without_last())

    def _refuse_unless_at_rest(self, method):
        state = STATES[self._supervisor.state]
        if self._name is None:
            raise Refused("wrong_state", "there is no valid profile", {"state": state})
        if self._fault is None and (self._supervisor.state != IDLE or self._delivery.moving):
            raise Refused("wrong_state", "%s is refused while %s" % (method, state), {"state": state})

    def _put_in_force(self, calibration):
        store_calibration(calibration, self._store)
        now_ms = time.ticks_ms()
        self._calibration = calibration
        self._supervisor.handle(RESET_ASKED, now_ms)
        self._shutdown.ask(NO_NOTE, now_ms)
        return {"factor": self.factor_text()}
