"""Shows limits of the drug library in the drug's units. The pump reports them in thousandths, without a unit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from picoinfuse.client.methods.drugs import DrugOrder
from picoinfuse.common.errors import PumpError
from picoinfuse.dosing.dose import Order, decimal
from picoinfuse.dosing.units import limit_units

Units = Mapping[str, str]  # of dosing.units.limit_units; empty without a drug
NO_DRUG: Units = {}
_KINDS = {"hard_limit": "hard", "soft_limit": "soft"}


def limits_of(order: Order | DrugOrder | None) -> Units:
    """The units of the limits of the ordered drug."""
    if order is None:
        return NO_DRUG
    if isinstance(order, Order):
        return limit_units(order.dosing.unit, order.dosing.concentration.unit)
    return limit_units(order.unit, order.amount)


def amount(limit: str, milli: int, units: Units) -> str:
    """A value of a limit with its unit: `10.5 mg/h`."""
    return f"{decimal(milli)} {units.get(limit, '')}".rstrip()


def beyond(limit: str, value: int, bound: int, kind: str, units: Units) -> str:
    """`dose: 12 mg/h is beyond the hard limit of 10 mg/h`."""
    passed = amount(limit, value, units)
    return f"{limit}: {passed} is beyond the {kind} limit of {amount(limit, bound, units)}"


@contextmanager
def in_drug_units(units: Units) -> Iterator[None]:
    """Rewrites the PumpError of a limit of the drug library in the drug's units. Raises PumpError."""
    try:
        yield
    except PumpError as error:
        if error.code not in _KINDS:
            raise
        limit, value, bound = (error.data[name] for name in ("limit", "value", "bound"))
        raise PumpError(error.code, beyond(limit, value, bound, _KINDS[error.code], units), error.data) from error
