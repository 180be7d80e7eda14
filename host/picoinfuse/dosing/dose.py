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

# amount: (kind, how many of the smallest of its kind)
AMOUNTS = {
    "ng": ("mass", 1),
    "ug": ("mass", 1_000),
    "mg": ("mass", 1_000_000),
    "g": ("mass", 1_000_000_000),
    "munits": ("units", 1),
    "units": ("units", 1_000),
    "mmol": ("mmol", 1),
}
PER_HOUR = {"min": Fraction(60), "h": Fraction(1), "day": Fraction(1, 24)}
UL_PER_ML = 1_000
MAX_MILLI = 10**12
MAX_WEIGHT_G = 500_000

_TEXT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-zµμ]+(?:/[a-z]+)*)", re.IGNORECASE)


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
            raise BadQuantity(f"{shown(self.unit)} is no dose of what is measured in {shown(self.concentration.unit)}")
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


def parts(unit: str) -> tuple[str, bool, Fraction]:
    """(amount, by weight, times an hour) of the unit of a dose."""
    words = unit.split("/")
    by_weight = len(words) == 3 and words[1] == "kg"
    if (len(words) != 2 and not by_weight) or words[0] not in AMOUNTS or words[-1] not in PER_HOUR:
        raise BadQuantity(f"{unit!r} is no unit of a dose; mg/h, µg/kg/min and units/h are")
    return words[0], by_weight, PER_HOUR[words[-1]]


def parse_dose(text: str) -> Quantity:
    """`5 µg/kg/min`, `1.5mg/h`."""
    quantity = _parse(text, "dose", "5 µg/kg/min")
    parts(quantity.unit)
    return quantity


def parse_concentration(text: str) -> Quantity:
    """`1600 µg/mL`: the amount in a mL."""
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


def shown(unit: str) -> str:
    """As people write it."""
    return "µg" + unit[2:] if unit.startswith("ug") else unit


def limit_units(unit: str, amount: str) -> dict[str, str]:
    """What the limits of a drug are in, as people write it: by the names that the pump gives them."""
    by_kg = f"{shown(amount)}/kg" if parts(unit)[1] else shown(amount)
    return {"dose": shown(unit), "bolus": by_kg, "hour": by_kg}


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
    milli = Decimal(match[1]) * 1000
    if milli != milli.to_integral_value():
        raise BadQuantity(f"{text!r} is finer than a thousandth of its unit: use a smaller unit")
    if not 1 <= milli <= MAX_MILLI:
        raise BadQuantity(f"a {what} of {text!r} is out of all bounds")
    unit = match[2].replace("µ", "u").replace("μ", "u").lower()
    return Quantity(int(milli), unit)
