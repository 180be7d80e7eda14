"""Quantities as people write them in a regimen: mL/h or a dose, mL or an amount of drug, minutes to days.

Everything is a Fraction out of the digits that were typed, rounded once: a rate to 1 µL/h, a volume down to 1 nL.
"""

import re
from fractions import Fraction

from picoinfuse.common import units
from picoinfuse.common.errors import BadQuantity
from picoinfuse.dosing.dose import AMOUNTS, Dosing, Quantity, nearest, parse_dose, shown

MOST_OFF = Fraction(1, 100)  # of a rate, by rounding it to what the pump can do
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}

_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(s|min|h|d)")
_AMOUNT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-zµμ]+)", re.IGNORECASE)


class Drug:
    """What a mL holds, and for whom; both None where the regimen is in mL alone."""

    def __init__(self, concentration: Quantity | None = None, weight_g: int | None = None) -> None:
        self.concentration = concentration
        self.weight_g = weight_g
        self.shown: list[str] = []  # each conversion, both ways
        self.ordered: dict[int, Quantity] = {}  # the dose that a rate in µL/h was made from

    def rate_ul_h(self, text: str) -> int:
        """`5 mL/h`, `10 mg/h`, `0.1 µg/kg/min`; `0` for none."""
        if re.fullmatch(r"0\s*(ml/h)?", text.strip(), re.IGNORECASE):
            return 0
        if re.fullmatch(r"[0-9.]+\s*(ml/h)?", text.strip(), re.IGNORECASE):
            return units.rate_ul_h(text)
        dose = parse_dose(text)
        dosing = Dosing(dose.unit, self._known(text), self.weight_g if "/kg" in dose.unit else None)
        exact = dose.milli * dosing.rate_per_dose
        rate_ul_h = dosing.rate_ul_h(dose.milli)
        if abs(rate_ul_h - exact) > MOST_OFF * exact:
            raise BadQuantity(f"{text!r} is {float(exact):.3g} µL/h, finer than the pump can do")
        self.shown.append(dosing.both_ways(dose.milli))
        self.ordered[rate_ul_h] = dose
        return rate_ul_h

    def volume_nl(self, text: str) -> int:
        """`50 mL`, `500 mg`."""
        if re.fullmatch(r"[0-9.]+\s*ml", text.strip(), re.IGNORECASE):
            return units.volume_nl(text)
        match = _AMOUNT.fullmatch(text.strip())
        unit = "" if match is None else match[2].lower().replace("µ", "u").replace("μ", "u")
        if match is None or unit not in AMOUNTS:
            raise BadQuantity(f"{text!r} is not a volume: give mL, or an amount such as 500 mg")
        concentration = self._known(text)
        kind, size = AMOUNTS[unit]
        other_kind, other_size = AMOUNTS[concentration.unit]
        if kind != other_kind:
            raise BadQuantity(f"{text!r} is no amount of what is measured in {shown(concentration.unit)}")
        ml = Fraction(match[1]) * size * 1000 / (concentration.milli * other_size)
        self.shown.append(f"{text.strip()} = {float(ml):.6g} mL")
        return int(ml * units.NL_PER_ML)

    def _known(self, text: str) -> Quantity:
        if self.concentration is None:
            raise BadQuantity(f'{text!r} needs a concentration: [drug] concentration = "1 mg/mL"')
        return self.concentration


def seconds(text: str) -> int:
    """`30 min`, `72 h`, `7 d`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise BadQuantity(f"{text!r} is not a duration: give a number and s, min, h or d")
    value = Fraction(match[1]) * SECONDS[match[2]]
    if value.denominator != 1 or not value:
        raise BadQuantity(f"{text!r} must be whole seconds, at least one")
    return int(value)


def rate_of(volume_nl: int, duration_s: int) -> int:
    """The nearest µL/h that gives a volume in a time."""
    exact = Fraction(volume_nl * 18, duration_s * 5)
    if abs(nearest(exact) - exact) > MOST_OFF * exact:
        raise BadQuantity(
            f"{units.ml(volume_nl)} in {duration_s} s is {float(exact):.3g} µL/h, finer than the pump can do"
        )
    return nearest(exact)
