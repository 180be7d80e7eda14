"""Quantities as people write them in a regimen: mL/h or a dose, mL or an amount of drug, minutes to days.

Everything is a Fraction out of the digits that were typed, rounded once: a rate to 1 µL/h, a volume down to 1 nL.
"""

import re
from fractions import Fraction

from picoinfuse.common import units
from picoinfuse.common.errors import BadQuantity
from picoinfuse.dosing.dose import Dosing, Quantity, nearest, parse_dose
from picoinfuse.dosing.units import AMOUNTS, canonical, shown

MOST_OFF = Fraction(1, 100)  # of a rate, by rounding it to what the pump can do
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}

_SPELLINGS = {
    "sec": "s",
    "minute": "min",
    "minutes": "min",
    "hr": "h",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
}
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([a-z]+)", re.IGNORECASE)
_AMOUNT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-zµμ]+)", re.IGNORECASE)
_ML_H = re.compile(r"([0-9.]+)\s*(?:ml/h(?:r|our)?)?", re.IGNORECASE)


class Drug:
    """What a mL holds, and for whom; both None where the regimen is in mL alone.

    `shown` collects each conversion both ways, `ordered` the dose that a rate in µL/h was made from.
    """

    def __init__(self, concentration: Quantity | None = None, weight_g: int | None = None) -> None:
        self.concentration = concentration
        self.weight_g = weight_g
        self.shown: list[str] = []
        self.ordered: dict[int, Quantity] = {}

    def rate_ul_h(self, text: str) -> int:
        """`5 mL/h`, `10 mg/h`, `0.1 µg/kg/min`; `0` for none. Raises BadQuantity."""
        if plain := _ML_H.fullmatch(text.strip()):
            return 0 if plain[1] == "0" else units.rate_ul_h(plain[1])
        if re.fullmatch(r"[0-9.]+\s*ml", text.strip(), re.IGNORECASE):
            raise BadQuantity(f"{text!r} is a volume, not a rate: write it for an hour, such as 5 mL/h")
        dose = parse_dose(text)
        dosing = Dosing(dose.unit, self._known(text), self.weight_g if "/kg" in dose.unit else None)
        exact = dose.milli * dosing.rate_per_dose
        rate_ul_h = dosing.rate_ul_h(dose.milli)
        if abs(rate_ul_h - exact) > MOST_OFF * exact:
            raise BadQuantity(f"{text!r} is {float(exact) / units.UL_PER_ML:.3g} mL/h, finer than the pump can do")
        self.shown.append(dosing.both_ways(dose.milli))
        self.ordered[rate_ul_h] = dose
        return rate_ul_h

    def volume_nl(self, text: str) -> int:
        """`50 mL`, `500 mg`. Raises BadQuantity."""
        if re.fullmatch(r"[0-9.]+\s*ml", text.strip(), re.IGNORECASE):
            return units.volume_nl(text)
        match = _AMOUNT.fullmatch(text.strip())
        unit = "" if match is None else canonical(match[2])
        if match is None or unit not in AMOUNTS:
            raise BadQuantity(f"{text!r} is not a volume: give mL, or an amount such as 500 mg")
        concentration = self._known(text)
        kind, size = AMOUNTS[unit]
        other_kind, other_size = AMOUNTS[concentration.unit]
        if kind != other_kind:
            raise BadQuantity(f"{text!r} does not fit a drug measured in {shown(concentration.unit)}")
        ml = Fraction(match[1]) * size * 1000 / (concentration.milli * other_size)
        self.shown.append(f"{text.strip()} = {float(ml):.6g} mL")
        return int(ml * units.NL_PER_ML)

    def _known(self, text: str) -> Quantity:
        if self.concentration is None:
            raise BadQuantity(f'{text!r} needs a concentration: [drug] concentration = "1 mg/mL"')
        return self.concentration


def seconds(text: str) -> int:
    """`30 min`, `72 h`, `7 d`. Raises BadQuantity."""
    match = _DURATION.fullmatch(text.strip())
    unit = "" if match is None else _SPELLINGS.get(match[2].lower(), match[2].lower())
    if match is None or unit not in SECONDS:
        raise BadQuantity(f"{text!r} is not a duration: give a number and s, min, h or d")
    value = Fraction(match[1]) * SECONDS[unit]
    if value.denominator != 1 or not value:
        raise BadQuantity(f"{text!r} must be whole seconds, at least one")
    return int(value)


def rate_of(volume_nl: int, duration_s: int) -> int:
    """The nearest µL/h that gives a volume in a time. Raises BadQuantity where that is more than 1 % off."""
    exact = Fraction(volume_nl * 18, duration_s * 5)
    if abs(nearest(exact) - exact) > MOST_OFF * exact:
        rate = f"{float(exact) / units.UL_PER_ML:.3g} mL/h"
        text = f"{units.ml(volume_nl)} in {duration_text(duration_s)} is {rate}, finer than the pump can do"
        raise BadQuantity(text)
    return nearest(exact)


def duration_text(duration_s: int) -> str:
    """`90 s`, `30 min`, `5 h`, `400 d`: in the largest unit that it is a whole number of."""
    unit = max((unit for unit in SECONDS if duration_s % SECONDS[unit] == 0), key=SECONDS.__getitem__)
    return f"{duration_s // SECONDS[unit]} {unit}"
