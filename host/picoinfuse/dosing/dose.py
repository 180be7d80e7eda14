"""Doses: mg/h, µg/kg/min and the like, converted to a rate once, exactly, and shown both ways.

The pump gets the dose and the rate in integers (thousandths of the unit, µL/h) and checks that one follows from the
other: firmware/pump/core/therapy/dose.py. Here everything is a Fraction, out of the digits that a person typed.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from picoinfuse.common.errors import BadQuantity
from picoinfuse.common.units import ml_h
from picoinfuse.dosing.units import AMOUNTS, canonical, parts, shown, smaller

UL_PER_ML = 1_000
MAX_MILLI = 10**12
MAX_WEIGHT_G = 500_000

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_TEXT = re.compile(_NUMBER + r"\s*([a-zµμ%]+(?:/[a-z]+)*)", re.IGNORECASE)
_IN_VOLUME = re.compile(_NUMBER + r"\s*([a-zµμ]+)\s*/\s*" + _NUMBER + r"\s*ml", re.IGNORECASE)


@dataclass(frozen=True)
class Quantity:
    """A number of thousandths, and its unit."""

    milli: int
    unit: str

    def __str__(self) -> str:
        return f"{decimal(self.milli)} {shown(self.unit)}"


@dataclass(frozen=True)
class Dosing:
    """One drug's unit at one concentration (an amount in a mL) for one patient."""

    unit: str
    concentration: Quantity
    weight_g: int | None

    def __post_init__(self) -> None:
        amount, by_weight, _ = parts(self.unit)
        if AMOUNTS[amount][0] != AMOUNTS[self.concentration.unit][0]:
            measured = shown(self.concentration.unit)
            raise BadQuantity(f"a dose in {shown(self.unit)} does not fit a drug measured in {measured}")
        if by_weight and self.weight_g is None:
            raise BadQuantity(f"a dose in {shown(self.unit)} needs the patient's weight")
        if not by_weight and self.weight_g is not None:
            raise BadQuantity(f"a dose in {shown(self.unit)} takes no weight")

    @property
    def rate_per_dose(self) -> Fraction:
        """µL/h for a thousandth of the unit."""
        amount, _, per_hour = parts(self.unit)
        kg = Fraction(1) if self.weight_g is None else Fraction(self.weight_g, 1000)
        given_h = Fraction(AMOUNTS[amount][1], 1000) * kg * per_hour
        in_ml = Fraction(self.concentration.milli, 1000) * AMOUNTS[self.concentration.unit][1]
        return given_h / in_ml * UL_PER_ML

    def rate_ul_h(self, dose_milli: int) -> int:
        """The nearest rate, a half upwards."""
        return nearest(dose_milli * self.rate_per_dose)

    def dose(self, rate_ul_h: int) -> Quantity:
        """What a rate gives, to the nearest thousandth of the unit."""
        return Quantity(nearest(rate_ul_h / self.rate_per_dose), self.unit)

    def both_ways(self, dose_milli: int) -> str:
        """`5 µg/kg/min = 13.125 mL/h`, and what a rounded rate really gives."""
        rate_ul_h = self.rate_ul_h(dose_milli)
        text = f"{Quantity(dose_milli, self.unit)} = {ml_h(rate_ul_h)}"
        given = rate_ul_h / self.rate_per_dose
        if given != dose_milli:
            text += f", which gives {float(given) / 1000:.6g} {shown(self.unit)}"
        return text


@dataclass(frozen=True)
class Order:
    """A drug and the doses that the rates of a regimen are to be, for the pump: the parameter `order` of `start`.

    The concentration is in the library's unit of the drug. `bolus_milli` is the amount that the patient may ask for.
    """

    drug: str
    doses_milli: tuple[int, ...]
    dosing: Dosing
    bolus_milli: int | None = None

    def params(self) -> dict[str, Any]:
        params: dict[str, Any] = {
            "drug": self.drug,
            "unit": self.dosing.unit,
            "concentration": self.dosing.concentration.milli,
            "doses": list(self.doses_milli),
        }
        if self.dosing.weight_g is not None:
            params["weight_g"] = self.dosing.weight_g
        if self.bolus_milli is not None:
            params["bolus"] = self.bolus_milli
        return params


def parse_dose(text: str) -> Quantity:
    """`5 µg/kg/min`, `1.5mg/h`."""
    quantity = _parse(text, "dose", "5 µg/kg/min")
    parts(quantity.unit)
    return quantity


def parse_concentration(text: str) -> Quantity:
    """`1600 µg/mL`, `800 mg/500 mL`: the amount in a mL. Raises BadQuantity."""
    if in_volume := _IN_VOLUME.fullmatch(text.strip()):
        return _divided(text, *in_volume.groups())
    quantity = _parse(text, "concentration", "4 mg/mL")
    amount, _, per = quantity.unit.partition("/")
    if per != "ml" or amount not in AMOUNTS:
        raise BadQuantity(f"{text!r} is not a concentration: give an amount in a mL, such as 4 mg/mL")
    return Quantity(quantity.milli, amount)


def parse_weight_g(text: str) -> int:
    """`70`, `3.45kg` → g."""
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*(?:kg)?", text.strip(), re.IGNORECASE)
    if match is None or not 1 <= (weight_g := int(Decimal(match[1]) * 1000)) <= MAX_WEIGHT_G:
        raise BadQuantity(f"{text!r} is not a weight: give kg with at most three places, up to 500")
    return weight_g


def decimal(milli: int) -> str:
    """1500 → `1.5`."""
    return f"{(Decimal(milli) / 1000).normalize():f}"


def nearest(value: Fraction) -> int:
    """A half goes upwards, as on the pump."""
    return int((2 * value + 1) // 2)


def _parse(text: str, what: str, example: str) -> Quantity:
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise BadQuantity(f"{text!r} is not a {what}: give a number with a point and its unit, such as {example}")
    unit = canonical(match[2])
    milli = Decimal(match[1]) * 1000
    if milli != milli.to_integral_value():
        raise BadQuantity(
            f"{text!r} is finer than a thousandth of its unit: {in_smaller_unit(Decimal(match[1]), unit)}"
        )
    if not 1 <= milli <= MAX_MILLI:
        raise BadQuantity(f"{text!r} is not a {what} that a pump can give: 0.001 to 1000000000 of a unit")
    return Quantity(int(milli), unit)


def in_smaller_unit(number: Decimal, unit: str) -> str:
    """How to write a number that has more than three places: `write 0.5 µg/h`."""
    amount = unit.partition("/")[0]
    less = smaller(unit) if amount in AMOUNTS else None
    if less is None:
        return "write at most three places"
    factor = AMOUNTS[amount][1] // AMOUNTS[less.partition("/")[0]][1]
    return f"write {(number * factor).normalize():f} {shown(less)}"


def _divided(text: str, number: str, unit: str, volume: str) -> Quantity:
    """An amount in several mL: in its own unit, or in the first smaller one that has it in whole thousandths."""
    amount: str | None = canonical(unit)
    if amount not in AMOUNTS or not Decimal(volume):
        raise BadQuantity(f"{text!r} is not a concentration: give an amount in a volume, such as 800 mg/500 mL")
    smallest = Fraction(number) * AMOUNTS[amount][1] * 1000 / Fraction(volume)
    while amount is not None:
        milli = smallest / AMOUNTS[amount][1]
        if milli.denominator == 1 and 1 <= milli <= MAX_MILLI:
            return Quantity(int(milli), amount)
        amount = smaller(amount)
    raise BadQuantity(f"{text!r} is no whole number of thousandths in a mL: give the amount in a mL")
