"""The drug library in use, what it says about an order, and how a new one arrives.

A therapy without an order needs no library. A therapy with an order needs its drug: it is refused when the library is
missing or damaged. A profile can require a library; then the pump raises an alarm while it has none.
"""

import time

from micropython import const

from pump.core.supervisor import IDLE, STATES
from pump.core.therapy.order import BadOrder, Order, rates_of, worst_hour_nl
from pump.link.schema import Refused
from pump.storage.library import Incoming, load_library, text_of
from pump.storage.library_lines import LibraryFault

_NUMBERS = ("concentration", "weight_g", "bolus")
_NEEDED = ("drug", "unit", "concentration", "doses")
_MEMBERS = ("drug", "unit", "concentration", "doses", "weight_g", "bolus")
_NAME_SHOWN = const(32)  # characters of a name that the host sent, in a message


class DrugOrders:
    def __init__(self, store, supervisor, delivery, scheduler, report, report_once, required):
        """`store`: where the library is kept. `delivery`: None without a valid profile. `report(name, active, now_ms)`
        and `report_once(name, now_ms)` raise alarms. `required`: the profile requires a library.
        """
        self._store = store
        self._supervisor = supervisor
        self._delivery = delivery
        self._scheduler = scheduler
        self._report = report
        self._report_once = report_once
        self._required = required
        self._library = self._fault = None
        self._incoming = Incoming(store, self._line_stored)
        self.order = None  # type: Order | None  # of the therapy at hand

    # ---- the library ----

    def load(self, now_ms):
        """Loads the library: at boot, and after a new one was put in force."""
        self._library = self._fault = None
        try:
            self._library = load_library(self._store)
        except LibraryFault as fault:
            self._fault = fault
        self._report_restored(now_ms)
        lacking = self._fault is not None and (self._required or self._fault.reason != "missing")
        self._report("library_fault", lacking, now_ms)

    def _report_restored(self, now_ms):
        """Reports that one copy of a record was damaged and the other is in use."""
        if self._store.restored:
            self._store.restored.clear()
            self._report_once("record_restored", now_ms)

    def text(self):
        """The library in use, `ward-3 7 0a1b2c3d`, or None."""
        return None if self._library is None else self._library.text

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["library"] = self.text()
        status["drug"] = self.drug()

    def library(self, drug=None):
        """The reply to `library`: which one is in use, and one drug of it."""
        reply = {"library": self.text(), "fault": None if self._fault is None else str(self._fault)}
        if drug is not None:
            reply["drug"] = self._row(drug)
        return reply

    def take_line(self, at, line):
        """Takes one line of a new library. Raises Refused."""
        self._refuse_unless_at_rest("library_line")
        refusal = None
        try:
            self._incoming.take(at, line.encode(), self._library)
        except LibraryFault as fault:
            refusal = _refused(fault)
        if refusal is not None:
            raise refusal
        return {"lines": self._incoming.lines}

    def _line_stored(self):
        """A line was stored in one of two copies: up to three erases each, 0.4 s at worst; the watchdog waits 2 s."""
        self._scheduler.excuse_stall()
        self._scheduler.feed()

    def change_library(self, crc):
        """Prepares the change to the new library (flow_changes.py). `crc`: of the library that was sent."""
        self._refuse_unless_at_rest("library_change")
        refusal = None
        try:
            self._incoming.check()
        except LibraryFault as fault:
            refusal = _refused(fault)
        if refusal is not None:
            raise refusal
        head = self._incoming.head
        new = text_of(head)
        if head["crc"] != crc:
            raise Refused("library_other", "the library that came is " + new, {"library": new})

        def act():
            try:
                self._incoming.put_in_force()
            finally:
                self._scheduler.excuse_stall()
                self.load(time.ticks_ms())
                self._scheduler.excuse_stall()  # some 0.1 s for 200 drugs
            return {"library": self.text()}

        return {"library": [self.text(), new]}, act, ()

    # ---- an order ----

    def check_order(self, params, segments, soft, repeat=1, repeat_from=0, most_nl=None, bolus_nl=None):
        """Returns the Order of `params` (of the link) for a regimen. Adds what passes a soft limit to `soft`.
        `most_nl`: the most that the regimen allows in an hour or in all, when it limits that. Raises Refused.
        """
        _check_members(params)
        row = self._row(params["drug"])
        if params["unit"] != row[1]:
            message = "%s is dosed in %s" % (row[0], row[1])
            raise Refused("not_in_library", message, {"parameter": "unit", "unit": row[1]})
        refusal = None
        try:
            order = Order(row, params["concentration"], params.get("weight_g"))
            order.check_rates(params["doses"], rates_of(segments))
            order.limit_rates(rates_of(segments), soft)
            if bolus_nl is not None:
                order.check_bolus(params.get("bolus", 0), bolus_nl)
                order.limit_bolus(bolus_nl, soft)
            hour_nl = worst_hour_nl(segments, repeat, repeat_from)
            order.limit_hour(hour_nl if most_nl is None else min(most_nl, hour_nl), soft)
            return order
        except BadOrder as bad:
            refusal = Refused(bad.code, bad.message, bad.data)
        raise refusal

    def order_to_dict(self):
        """The reply to `order`: the order of the therapy at hand, and its dose now."""
        therapy = None if self._delivery is None else self._delivery.therapy
        if self.order is None or therapy is None:
            return {"order": None}
        reply = self.order.to_dict()
        reply["dose"] = self.order.dose_milli(therapy.target_ul_h)
        return {"order": reply}

    def check_drug(self, drug):
        """Raises Refused unless the library has the drug."""
        self._row(drug)

    def drug(self):
        """The drug of the therapy at hand, or None."""
        return None if self.order is None else self.order.drug

    def change_rate(self, now_ul_h, rate_ul_h, dose, soft):
        """Checks another rate of the therapy at hand, and its dose where one is given. Returns [dose now, dose then].
        Raises Refused.
        """
        order = self.order
        refusal = None
        try:
            if dose is not None:
                order.check_rates([dose], [rate_ul_h])
            order.limit_rates([rate_ul_h], soft)
            order.limit_hour(rate_ul_h * 1000, soft)
            return [order.dose_milli(now_ul_h), order.dose_milli(rate_ul_h)]
        except BadOrder as bad:
            refusal = Refused(bad.code, bad.message, bad.data)
        raise refusal

    def limit_bolus(self, volume_nl, soft):
        """Checks a clinician's bolus of the therapy at hand. Raises Refused."""
        refusal = None
        if self.order is None:
            return
        try:
            self.order.limit_bolus(volume_nl, soft)
        except BadOrder as bad:
            refusal = Refused(bad.code, bad.message, bad.data)
        if refusal is not None:
            raise refusal

    def _row(self, drug):
        """Reads the drug's row from the flash. Raises Refused."""
        row = None
        fault = self._fault
        if fault is None:
            try:
                row = self._library.drug(drug)
                self._report_restored(time.ticks_ms())
            except LibraryFault as found:
                self._fault = fault = found
                self._library = None
                self._report("library_fault", True, time.ticks_ms())
        self._scheduler.excuse_stall()  # some 20 ms on a Pico, only at a person's command
        if fault is not None:
            code = "no_library" if fault.reason == "missing" else "library_fault"
            raise Refused(code, "the drug library: %s" % fault, {"reason": fault.reason})
        if row is None:
            raise Refused("not_in_library", "the library has no such drug", {"parameter": "drug"})
        return row

    def _refuse_unless_at_rest(self, method):
        """A store of the flash holds the CPU."""
        delivery = self._delivery
        if delivery is None or self._supervisor.state != IDLE or delivery.moving:
            state = STATES[self._supervisor.state]
            raise Refused("wrong_state", "%s is refused while %s" % (method, state), {"state": state})


def _check_members(params):
    for name in params:
        if name not in _MEMBERS:
            raise Refused(
                "extra_parameter", "an order takes no " + name[:_NAME_SHOWN], {"parameter": name[:_NAME_SHOWN]}
            )
    for name in _NEEDED:
        if name not in params:
            raise Refused("missing_parameter", "an order needs " + name, {"parameter": name})
    doses = params["doses"]
    right = type(params["drug"]) is str and type(params["unit"]) is str and type(doses) is list
    right = right and all(type(params.get(name, 1)) is int for name in _NUMBERS)
    if not right or not all(type(dose) is int and dose >= 0 for dose in doses):
        raise Refused("wrong_type", "an order has two texts, whole numbers and a list of them", {"parameter": "order"})


def _refused(fault):
    return Refused("bad_library", str(fault), {"reason": fault.reason})
