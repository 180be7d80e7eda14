"""The reservoir in use: its level, its alarms, and the record that outlives a reset.

The record is written only while the motor stands, and says whether the motor may have moved since. The volume delivered
between a record and a reset is unknown; then what is left is unknown until a person enters it.
"""

import json
import time

from micropython import const

from pump.core.supervisor import ALARM_STOPPED, IDLE, INFUSING, PAUSED
from pump.core.therapy.forecast import seconds_until
from pump.core.therapy.reservoir import LEVEL_EMPTY, LEVEL_LOW, Reservoir
from pump.storage.record import RecordFault

_POLL_MS = const(1000)
_VERSION = const(1)
_MAX_BYTES = const(128)
_S_PER_MIN = const(60)
_WRITING = (IDLE, PAUSED, ALARM_STOPPED)  # states in which the level is recorded, once the motor stands


class ReservoirTask:
    name = "reservoir"
    max_late_ms = 1000

    def __init__(self, limits, step_pl, store, delivery, relief, supervisor, scheduler, report, report_once):
        """`limits`: the section `reservoir` of the profile. `step_pl`: volume of a step as [numerator, denominator].
        `store`: where the record is kept. `report(name, active, now_ms)` and `report_once(name, now_ms)` raise alarms.
        """
        self._limits = limits
        self._delivery = delivery
        self._relief = relief
        self._supervisor = supervisor
        self._scheduler = scheduler
        self._report = report
        self._report_once = report_once
        self._reservoir = Reservoir(limits, step_pl[0], step_pl[1])
        self._record = store.record("reservoir", _VERSION, _MAX_BYTES)
        self._known = False  # as recorded: what is left
        self._open = False  # as recorded: the motor may move
        self._ignore_steps = True  # the self-test counts steps that move nothing; a boot begins with one
        self.capacity_nl = limits["capacity_ul"] * 1000
        self.lost = False  # no copy of the record can be read
        self.drug = None  # in it, as a person entered
        self._raised = {"reservoir_near_empty": False, "reservoir_urgent": False}
        self._raised.update({"reservoir_low": False, "reservoir_empty": False})
        self._load()

    # ---- what is left ----

    def left_nl(self):
        """None: unknown."""
        return self._reservoir.left_nl(self._net_steps())

    def is_empty(self):
        left_nl = self.left_nl()
        return left_nl is not None and self._reservoir.level(left_nl) == LEVEL_EMPTY

    def needs_level(self):
        """The profile allows no start while the level is unknown, and it is."""
        return bool(self._limits["must_be_told"]) and self.left_nl() is None

    def empty_s(self):
        """Seconds until the pump stops because it is empty; None: unknown, or the therapy ends before."""
        left_nl = self.left_nl()
        therapy = self._delivery.therapy
        if left_nl is None or therapy is None or self._supervisor.state not in (INFUSING, PAUSED):
            return None
        return seconds_until(therapy, self._reservoir.usable_nl(left_nl))

    def to_dict(self):
        """The reply to `reservoir`."""
        return {
            "left_nl": self.left_nl(),
            "empty_s": self.empty_s(),
            "drug": self.drug,
            "capacity_nl": self.capacity_nl,
        }

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["reservoir_nl"] = self.left_nl()
        status["empty_s"] = self.empty_s()

    def fill(self, volume_nl, drug):
        """A person has entered what is in it. `drug` None: as before."""
        if drug is not None:
            self.drug = drug
        self._reservoir.fill(volume_nl, self._net_steps())
        self._known = False
        if self._may_write():
            self._store(False)  # before the reply: a reset right after it must not bring back the level before
        self._scheduler.wake(self)

    def _net_steps(self):
        return 0 if self._ignore_steps else self._delivery.net_steps()

    # ---- what the delivery and the dispatcher call ----

    def on_account(self):
        """The account of the delivery is about to start at 0."""
        self._reservoir.deduct(self._net_steps())
        self._ignore_steps = False

    def before_test(self):
        """The self-test is about to make steps, which move nothing."""
        self._reservoir.deduct(self._net_steps())
        self._ignore_steps = True

    def before_motion(self):
        """The motor is about to move: from now on the record no longer says what is left."""
        if self._reservoir.left_nl(self._net_steps()) is None:
            return
        if not self._open:
            self._store(True)
        self._known = False

    # ---- the task ----

    def run(self, now_ms):
        left_nl = self.left_nl()
        if left_nl is not None:
            self._update_alarms(left_nl, now_ms)
            if not self._known and self._may_write():
                self._store(False)
        return _POLL_MS

    def _update_alarms(self, left_nl, now_ms):
        level = self._reservoir.level(left_nl)
        infusing = self._supervisor.state == INFUSING
        near_s = urgent_s = -1
        if infusing:
            limits = self._limits
            near_s = limits["near_empty_min"] * _S_PER_MIN
            if self._delivery.therapy.regimen.get("harmful_stop"):
                near_s, urgent_s = limits["harmful_near_empty_min"] * _S_PER_MIN, near_s
        left_s = self.empty_s() if infusing else None
        self._set_alarm("reservoir_near_empty", left_s is not None and left_s <= near_s, now_ms)
        self._set_alarm("reservoir_urgent", left_s is not None and left_s <= urgent_s, now_ms)
        self._set_alarm("reservoir_low", level == LEVEL_LOW and infusing, now_ms)
        # Once it has stopped the infusion it stays until the reservoir is filled.
        empty = level == LEVEL_EMPTY and (infusing or self._raised["reservoir_empty"])
        self._set_alarm("reservoir_empty", empty, now_ms)

    def _set_alarm(self, name, active, now_ms):
        if active is not self._raised[name]:
            self._raised[name] = active
            self._report(name, active, now_ms)

    # ---- the record ----

    def _may_write(self):
        return self._supervisor.state in _WRITING and not self._delivery.moving and not self._relief.busy

    def _store(self, is_open):
        """Writes the record. A flash that fails is reported; the next change tries again."""
        try:
            self._record.store(json.dumps({"left_nl": self.left_nl(), "open": is_open, "drug": self.drug}).encode())
            self._open = is_open
        except OSError:
            self._report_once("storage_fault", time.ticks_ms())
        self._known = not is_open
        self._scheduler.excuse_stall()

    def _load(self):
        """Reads what the last boot left. A record that cannot be read, or that was open, gives no level."""
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
