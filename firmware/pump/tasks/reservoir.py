"""The reservoir in use: its alarms, the refill, and the record that outlives a reset.

The record is written only while the motor stands, and says whether it may have moved since: what was given between a
record and a reset nobody knows, and then what is left is unknown until a person says it.
"""

import json
import time

from micropython import const

from pump.core import supervisor as sv
from pump.core.therapy.forecast import seconds_until
from pump.core.therapy.reservoir import LEVEL_EMPTY, LEVEL_LOW, Reservoir
from pump.link.schema import Refused, out_of_range
from pump.storage.record import RecordFault

_LOOK_MS = const(1000)
_VERSION = const(1)
_MAX_BYTES = const(128)
_S_PER_MIN = const(60)
_KEPT = (sv.IDLE, sv.PAUSED, sv.ALARM_STOPPED)  # states in which what is left is written down, once the motor stands


class ReservoirTask:
    name = "reservoir"
    max_late_ms = 1000

    def __init__(self, app, limits, step_pl):
        """`limits`: the profile's section."""
        self._app = app
        self._limits = limits
        self._reservoir = Reservoir(limits, step_pl[0], step_pl[1])
        self._record = app.store.record("reservoir", _VERSION, _MAX_BYTES)
        self._known = False  # as recorded: what is left
        self._open = False  # as recorded: the motor may move
        self._deaf = True  # the self-test counts steps that are none; a boot begins with it
        self.lost = False  # no copy of the record can be read
        self.drug = None  # that a person said is in it
        self._raised = {"reservoir_near_empty": False, "reservoir_urgent": False}
        self._raised.update({"reservoir_low": False, "reservoir_empty": False})
        self._load()

    # ---- what is left ----

    def left_nl(self):
        """None: unknown."""
        return self._reservoir.left_nl(self._net())

    def empty_s(self):
        """Seconds until the pump stops because it is empty; None: unknown, or the therapy ends before."""
        left_nl = self.left_nl()
        therapy = self._app.infusion()
        if left_nl is None or therapy is None or self._app.supervisor.state not in (sv.INFUSING, sv.PAUSED):
            return None
        return seconds_until(therapy, self._reservoir.usable_nl(left_nl))

    def tell(self):
        """For the link."""
        return {
            "left_nl": self.left_nl(),
            "empty_s": self.empty_s(),
            "drug": self.drug,
            "capacity_nl": self._limits["capacity_ul"] * 1000,
        }

    def _net(self):
        return 0 if self._deaf else self._app.delivery.net_steps()

    def new_account(self):
        """The account of the delivery begins anew, right after this."""
        self._reservoir.deduct(self._net())
        self._deaf = False

    def before_test(self):
        """The steps of the self-test move nothing."""
        self._reservoir.deduct(self._net())
        self._deaf = True

    # ---- the refill ----

    def refill(self, volume_nl, drug):
        """(changes, act) for commands/confirmation.py. `drug` None: it is not said."""
        app = self._app
        most_nl = self._limits["capacity_ul"] * 1000
        if not 1 <= volume_nl <= most_nl:
            raise out_of_range("volume_nl", volume_nl, 1, most_nl)
        if app.supervisor.state in (sv.SELF_TEST, sv.FAULT, sv.SERVICE):
            state = sv.STATES[app.supervisor.state]
            raise Refused("wrong_state", "refill is refused while %s" % state, {"state": state})
        changes = {"reservoir_nl": [self.left_nl(), volume_nl]}
        stops = False
        if drug is not None:
            app.pharmacy.known(drug)
            changes["drug"] = [self.drug, drug]
            # GIP 6: a change of drug stops the infusion.
            stops = sv.takes(app.supervisor.state, sv.PAUSE) and drug != app.pharmacy.drug()
            if stops:
                changes["state"] = [sv.STATES[app.supervisor.state], sv.STATES[sv.IDLE]]

        def act():
            if stops:
                app.commands.flow.send(sv.STOP)
            if drug is not None:
                self.drug = drug
            self._reservoir.fill(volume_nl, self._net())
            self._known = False
            if self._may_write():
                self._store(False)  # before the answer: a reset right after it must not tell what was left before
            app.wake(self)
            return {"reservoir_nl": volume_nl}

        return changes, act

    def check_start(self, order):
        """Raises Refused when what is in it is not for this start."""
        left_nl = self.left_nl()
        if left_nl is None and self._limits["must_be_told"]:
            raise Refused("reservoir_unknown", "nobody has said what is in the reservoir: refill first")
        if left_nl is not None and self._reservoir.level(left_nl) == LEVEL_EMPTY:
            raise Refused("reservoir_empty", "the reservoir is empty: refill first", {"reservoir_nl": left_nl})
        drug = None if order is None else order.drug
        if self.drug is not None and drug != self.drug:
            raise Refused("other_drug", "%s is in the reservoir" % self.drug, {"drug": self.drug})

    # ---- the task ----

    def run(self, now_ms):
        left_nl = self.left_nl()
        if left_nl is not None:
            self._look(left_nl, now_ms)
            if not self._known and self._may_write():
                self._store(False)
        return _LOOK_MS

    def _look(self, left_nl, now_ms):
        app = self._app
        level = self._reservoir.level(left_nl)
        infusing = app.supervisor.state == sv.INFUSING
        near_s = urgent_s = -1
        if infusing:
            limits = self._limits
            near_s = limits["near_empty_min"] * _S_PER_MIN
            if app.infusion().regimen.get("harmful_stop"):
                near_s, urgent_s = limits["harmful_near_empty_min"] * _S_PER_MIN, near_s
        left_s = self.empty_s() if infusing else None
        self._tell("reservoir_near_empty", left_s is not None and left_s <= near_s, now_ms)
        self._tell("reservoir_urgent", left_s is not None and left_s <= urgent_s, now_ms)
        self._tell("reservoir_low", level == LEVEL_LOW and infusing, now_ms)
        # Once it has stopped the infusion it stays until there is something in it.
        empty = level == LEVEL_EMPTY and (infusing or self._raised["reservoir_empty"])
        self._tell("reservoir_empty", empty, now_ms)

    def _tell(self, name, active, now_ms):
        if active is not self._raised[name]:
            self._raised[name] = active
            self._app.report(name, active, now_ms)

    # ---- the record ----

    def before_motion(self):
        """The motor is about to move: from now on the record is no longer what is left."""
        if self._reservoir.left_nl(self._net()) is None:
            return
        if not self._open:
            self._store(True)
        self._known = False

    def _may_write(self):
        app = self._app
        return app.supervisor.state in _KEPT and not app.delivery.moving and not app.relief.busy

    def _store(self, is_open):
        """A flash that does not take it is told; it is tried again when something has changed."""
        app = self._app
        try:
            self._record.store(json.dumps({"left_nl": self.left_nl(), "open": is_open, "drug": self.drug}).encode())
            self._open = is_open
        except OSError:
            app.tell_of("storage_fault", time.ticks_ms())
        self._known = not is_open
        app.stalled()

    def _load(self):
        """What the last boot left. A record that cannot be read, or that was open, is no volume."""
        value = None
        try:
            found = self._record.load()
            value = None if found is None else json.loads(found[1])
        except (RecordFault, ValueError):
            self.lost = True
        if value is not None:
            self.drug = value["drug"]
            if not value["open"]:
                self._reservoir.fill(value["left_nl"], 0)
                self._known = True
