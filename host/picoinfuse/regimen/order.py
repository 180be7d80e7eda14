"""The order of a regimen: its rates and its bolus as doses of its drug. The pump checks them against its library.

A rate that the file gives as a dose in the drug's unit is that dose. Any other rate is the nearest dose in thousandths.
"""

from fractions import Fraction

from picoinfuse.common.errors import BadQuantity
from picoinfuse.common.units import ml_h
from picoinfuse.dosing.dose import Dosing, Order, Quantity, nearest
from picoinfuse.dosing.units import AMOUNTS, shown
from picoinfuse.library.model import Drug
from picoinfuse.regimen.read import Regimen


def order_of(regimen: Regimen, drug: Drug) -> Order:
    """The order for `drug`, which is the pump's row of `regimen.drug_name`.

    Raises BadQuantity when the concentration or a rate does not fit the drug.
    """
    dosing = _dosing(regimen, drug)
    doses: list[int] = []
    for begin_ul_h, end_ul_h, _, _ in regimen.compiled["segments"]:
        doses += [_dose_milli(regimen, dosing, rate) for rate in dict.fromkeys((begin_ul_h, end_ul_h))]
    bolus = regimen.compiled.get("bolus")
    amount = None if bolus is None else nearest(Fraction(bolus["volume_nl"] * dosing.concentration.milli, 1_000_000))
    return Order(drug.name, tuple(doses), dosing, amount)


def _dosing(regimen: Regimen, drug: Drug) -> Dosing:
    concentration = regimen.drug.concentration
    if concentration is None:
        raise BadQuantity(f"{drug.name} needs its concentration in [drug]: {', '.join(drug.concentration_texts())}")
    if AMOUNTS[concentration.unit][0] != AMOUNTS[drug.amount][0]:
        raise BadQuantity(f"{drug.name} is measured in {shown(drug.amount)}, not in {shown(concentration.unit)}")
    milli = Fraction(concentration.milli * AMOUNTS[concentration.unit][1], AMOUNTS[drug.amount][1])
    if milli not in drug.concentrations:
        listed = ", ".join(drug.concentration_texts())
        raise BadQuantity(f"{drug.name} of {concentration}/mL is not in the library, which has {listed}")
    return Dosing(drug.unit, Quantity(int(milli), drug.amount), regimen.drug.weight_g if "/kg" in drug.unit else None)


def _dose_milli(regimen: Regimen, dosing: Dosing, rate_ul_h: int) -> int:
    ordered = regimen.drug.ordered.get(rate_ul_h)
    dose = ordered if ordered is not None and ordered.unit == dosing.unit else dosing.dose(rate_ul_h)
    if dosing.rate_ul_h(dose.milli) != rate_ul_h:
        unit = shown(dosing.unit)
        raise BadQuantity(f"{ml_h(rate_ul_h)} is between two thousandths of a {unit}: give the rate as a dose")
    return dose.milli
