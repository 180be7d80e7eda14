"""Units of doses: the amounts and times that the pump knows, and the other ways in which people write them.

The pump's own units are in firmware/pump/core/therapy/dose.py. A spelling that can only mean one of them is understood;
one that cannot be converted, or that is a known source of mistakes, is refused with what to write instead.
"""

from fractions import Fraction

from picoinfuse.common.errors import BadQuantity

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
EXAMPLES = "mg/h, µg/kg/min and units/h"

_SPELLINGS = {
    "mcg": "ug",
    "unit": "units",
    "iu": "units",
    "munit": "munits",
    "hr": "h",
    "hour": "h",
    "minute": "min",
    "d": "day",
}
_ADVICE = {
    "meq": "how much a mEq is depends on the ion's charge: write mmol (1 mEq of K+, Na+ or Cl- is 1 mmol, "
    "of Ca2+ or Mg2+ 0.5 mmol)",
    "u": "a U is easily misread as a 0: write units",
    "%": "write the amount in a mL: 1 % is 10 mg/mL",
    "l": "write the volume in mL",
}


def canonical(unit: str) -> str:
    """`µg/kg/min`, `mcg/kg/hr`, `IU/h` → the pump's `ug/kg/min`, `ug/kg/h`, `units/h`.

    Raises BadQuantity for a unit that is refused by name; other words pass as they are.
    """
    words = unit.strip().replace("µ", "u").replace("μ", "u").lower().split("/")
    for word in words:
        if word in _ADVICE:
            raise BadQuantity(f"{unit!r}: {_ADVICE[word]}")
    return "/".join(_SPELLINGS.get(word, word) for word in words)


def shown(unit: str) -> str:
    """As people write it: `µg/kg/min`."""
    return "µg" + unit[2:] if unit.startswith("ug") else unit


def parts(unit: str) -> tuple[str, bool, Fraction]:
    """(amount, by weight, times an hour) of the unit of a dose, in the pump's spelling. Raises BadQuantity."""
    words = unit.split("/")
    by_weight = len(words) == 3 and words[1] == "kg"
    if (len(words) != 2 and not by_weight) or words[0] not in AMOUNTS or words[-1] not in PER_HOUR:
        raise BadQuantity(f"{shown(unit)!r} is not the unit of a dose; such units are {EXAMPLES}")
    return words[0], by_weight, PER_HOUR[words[-1]]


def smaller(unit: str) -> str | None:
    """The next smaller amount of the same kind, in a unit: `mg/h` → `ug/h`; None where there is none."""
    amount, slash, rest = unit.partition("/")
    kind, size = AMOUNTS[amount]
    below = [(other_size, name) for name, (other, other_size) in AMOUNTS.items() if other == kind and other_size < size]
    return max(below)[1] + slash + rest if below else None


def limit_units(unit: str, amount: str) -> dict[str, str]:
    """What the limits of a drug are in, as people write it: by the names that the pump gives them."""
    by_kg = f"{shown(amount)}/kg" if parts(unit)[1] else shown(amount)
    return {"dose": shown(unit), "bolus": by_kg, "hour": by_kg}
