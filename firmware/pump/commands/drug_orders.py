"""The drug library in use: whether there is one, what it says about an order, and how a new one comes.

A therapy without an order needs no library. One with an order needs its drug: when the library is missing or damaged
it is refused. A profile may ask for a library; then the pump says that it lacks one.
"""

import time

from pump.core import supervisor as sv
from pump.core.therapy.order import BadOrder, Order, rates_of, worst_hour_nl
from pump.link.schema import Refused
from pump.storage.library import Incoming, load_library, text_of
from pump.storage.library_lines import LibraryFault

_NUMBERS = ("concentration", "weight_g", "bolus")
_NEEDED = ("drug", "unit", "concentration", "doses")
_MEMBERS = ("drug", "unit", "concentration", "doses", "weight_g", "bolus")


class Pharmacy:
    def __init__(self, app):
        self._app = app
        self._library = self._fault = None
        self._incoming = Incoming(app.store, self._line_stored)
        self.order = None  # of the therapy at hand

    # ---- the library ----

    def load(self, required, now_ms):
        """At boot, and after a new one came."""
        self._library = self._fault = None
        try:
            self._library = load_library(self._app.store)
        except LibraryFault as fault:
            self._fault = fault
        self._app.tell_restored(now_ms)
        lacking = self._fault is not None and (required or self._fault.reason != "missing")
        self._app.report("library_fault", lacking, now_ms)

    def text(self):
        """`ward-3 7 0a1b2c3d`, or None."""
        return None if self._library is None else self._library.text

    def tell(self, drug=None):
        """For the link: the library, and a drug of it."""
        told = {"library": self.text(), "fault": None if self._fault is None else str(self._fault)}
        if drug is not None:
            told["drug"] = self._row(drug)
        return told

    def take_line(self, at, line):
        """A line of a new library."""
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
        """In one of two copies: up to three erases each, 0.4 s at worst, and the watchdog waits for 2."""
        self._app.stalled()
        self._app.scheduler.feed()

    def change(self, crc):
        """The changes that the new library makes, and what puts it in force (confirmation.py)."""
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
                self._app.stalled()
                self.load(self._app.profile["library"]["required"], time.ticks_ms())
                self._app.stalled()  # some 0.1 s for 200 drugs
            return {"library": self.text()}

        return {"library": [self.text(), new]}, act

    # ---- an order ----

    def read(self, params, segments, soft, repeat=1, repeat_from=0, most_nl=None, bolus_nl=None):
        """The Order of `params` (from the link) for a regimen. What passes a soft limit is added to `soft`. `most_nl`
        is the most that the regimen allows in an hour or at all, when it says so.
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

    def tell_order(self, therapy):
        """For the link: the order of the therapy at hand, and its dose now."""
        if self.order is None or therapy is None:
            return {"order": None}
        told = self.order.to_dict()
        told["dose"] = self.order.dose_milli(therapy.target_ul_h)
        return {"order": told}

    def known(self, drug):
        """Raises Refused unless the library has the drug."""
        self._row(drug)

    def drug(self):
        """Of the therapy at hand, or None."""
        return None if self.order is None else self.order.drug

    def change_rate(self, now_ul_h, rate_ul_h, dose, soft):
        """Another rate of the therapy at hand, whose dose may be told too: [dose now, dose then]."""
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
        """A clinician's, of the therapy at hand."""
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
        """From the flash. Raises Refused."""
        row = None
        fault = self._fault
        if fault is None:
            try:
                row = self._library.drug(drug)
                self._app.tell_restored(time.ticks_ms())
            except LibraryFault as found:
                self._fault = fault = found
                self._library = None
                self._app.report("library_fault", True, time.ticks_ms())
        self._app.stalled()  # some 20 ms on a Pico, at a person's command, and no oftener than such come
        if fault is not None:
            code = "no_library" if fault.reason == "missing" else "library_fault"
            raise Refused(code, "the drug library: %s" % fault, {"reason": fault.reason})
        if row is None:
            raise Refused("not_in_library", "the library has no such drug", {"parameter": "drug"})
        return row

    def _refuse_unless_at_rest(self, method):
        """A store takes the flash from the CPU."""
        app = self._app
        if app.delivery is None or app.supervisor.state != sv.IDLE or app.delivery.moving:
            state = sv.STATES[app.supervisor.state]
            raise Refused("wrong_state", "%s is refused while %s" % (method, state), {"state": state})


def _check_members(params):
    for name in params:
        if name not in _MEMBERS:
            raise Refused("extra_parameter", "an order takes no " + name[:32], {"parameter": name[:32]})
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
