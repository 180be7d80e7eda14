"""The refill, and whether the content of the reservoir allows a start."""

from pump.core.supervisor import FAULT, IDLE, PAUSE, SELF_TEST, SERVICE, STATES, STOP, takes
from pump.link.schema import Refused, out_of_range


class ReservoirCommands:
    def __init__(self, reservoir, supervisor, drug_orders, operator):
        """`reservoir`: its task. A refill with another drug stops the infusion through `operator`."""
        self._reservoir = reservoir
        self._supervisor = supervisor
        self._drug_orders = drug_orders
        self._operator = operator

    def refill(self, volume_nl, drug=None):
        """Proposes a new level, and a new drug where one is given (see flow_changes.py)."""
        reservoir, state = self._reservoir, self._supervisor.state
        if not 1 <= volume_nl <= reservoir.capacity_nl:
            raise out_of_range("volume_nl", volume_nl, 1, reservoir.capacity_nl)
        if state in (SELF_TEST, FAULT, SERVICE):
            raise Refused("wrong_state", "refill is refused while %s" % STATES[state], {"state": STATES[state]})
        changes = {"reservoir_nl": [reservoir.left_nl(), volume_nl]}
        stops = False
        if drug is not None:
            self._drug_orders.check_drug(drug)
            changes["drug"] = [reservoir.drug, drug]
            # GIP 6: a change of drug stops the infusion.
            stops = takes(state, PAUSE) and drug != self._drug_orders.drug()
            if stops:
                changes["state"] = [STATES[state], STATES[IDLE]]

        def act():
            if stops:
                self._operator.send(STOP)
            reservoir.fill(volume_nl, drug)
            return {"reservoir_nl": volume_nl}

        return changes, act, ()

    def check_start(self, order):
        """Raises Refused unless the reservoir is ready for an infusion with `order` (None: without a drug)."""
        reservoir = self._reservoir
        if reservoir.needs_level():
            raise Refused("reservoir_unknown", "the volume in the reservoir is unknown: refill first")
        if reservoir.is_empty():
            left_nl = reservoir.left_nl()
            raise Refused("reservoir_empty", "the reservoir is empty: refill first", {"reservoir_nl": left_nl})
        drug = None if order is None else order.drug
        if reservoir.drug is not None and drug != reservoir.drug:
            raise Refused("other_drug", "%s is in the reservoir" % reservoir.drug, {"drug": reservoir.drug})
