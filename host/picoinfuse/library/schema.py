"""The schema of a drug library: each key with what it takes and means. Numbers become thousandths, as on the pump."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from picoinfuse.common.errors import BadQuantity
from picoinfuse.common.schema import Finding, Table, refused
from picoinfuse.common.words import one_of, shown
from picoinfuse.dosing import units
from picoinfuse.dosing.dose import MAX_MILLI, in_smaller_unit

# Of the pump: firmware/pump/storage/library_lines.py
MAX_DRUGS = 200
MAX_CONCENTRATIONS = 8
MAX_VERSION = 1_000_000

MAX_NUMBER = MAX_MILLI // 1000
NAME = r"[a-z0-9-]{1,24}"


def _check_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise refused("out_of_range", f"{shown(name)} is not 1 to 24 of a-z, 0-9 and -")
    return name


def _milli(value: Any, info: ValidationInfo) -> int:
    """Thousandths, of a number that is exact."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise refused("wrong_type", f"{shown(value)} is not a number")
    number = Decimal(value)
    if not number.is_finite() or not 0 <= number <= MAX_NUMBER:
        raise refused("out_of_range", f"{shown(value)} is out of range, 0 to {MAX_NUMBER}")
    if number * 1000 != (number * 1000).to_integral_value():
        raise refused("out_of_range", f"{shown(value)} is finer than a thousandth: {_how_to_write(number, info)}")
    return int(number * 1000)


def _how_to_write(number: Decimal, info: ValidationInfo) -> str:
    key = "unit" if str(info.field_name).startswith("dose") else "amount"
    unit = info.data.get(key)
    return f"{in_smaller_unit(number, unit)}, with that as the drug's {key}" if unit else "use a smaller unit"


def _unit(text: str) -> str:
    try:
        unit = units.canonical(text)
        units.parts(unit)
    except BadQuantity as error:
        raise refused("out_of_range", str(error)) from error
    return unit


def _amount(text: str) -> str:
    try:
        amount = units.canonical(text)
    except BadQuantity as error:
        raise refused("out_of_range", str(error)) from error
    if amount not in units.AMOUNTS:
        raise refused("out_of_range", f"{shown(text)} is not an amount of a drug; it is {one_of(list(units.AMOUNTS))}")
    return amount


def _above_0(milli: int) -> int:
    if not milli:
        raise refused("out_of_range", "a concentration must be above 0")
    return milli


def _unlike(concentrations: list[int]) -> list[int]:
    if len(set(concentrations)) < len(concentrations):
        raise refused("out_of_range", "a concentration is listed twice")
    return concentrations


Name = Annotated[str, AfterValidator(_check_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]
Milli = Annotated[int, BeforeValidator(_milli), WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_NUMBER})]
Concentration = Annotated[
    Milli, AfterValidator(_above_0), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_NUMBER})
]
Unit = Annotated[
    str, AfterValidator(_unit), WithJsonSchema({"type": "string", "examples": ["mg/h", "ug/kg/min", "units/h"]})
]
Amount = Annotated[str, AfterValidator(_amount), WithJsonSchema({"type": "string", "examples": [*units.AMOUNTS]})]


def _limit(description: str) -> Any:
    return Field(None, description=description)


def check_kinds(unit: str, amount: str) -> Iterator[Finding]:
    """Unit and amount are of one kind: mass, units or mmol."""
    if units.AMOUNTS[units.parts(unit)[0]][0] != units.AMOUNTS[amount][0]:
        text = f"unit: a dose in {units.shown(unit)} does not fit an amount in {units.shown(amount)}"
        yield Finding("out_of_range", ("unit",), text)


def check_dose_order(
    dose_hard_min: int | None, dose_soft_min: int | None, dose_soft_max: int | None, dose_hard_max: int
) -> Iterator[Finding]:
    """Hard, soft, soft, hard."""
    return _in_order(locals())


def check_bolus_order(bolus_soft_max: int | None, bolus_hard_max: int | None) -> Iterator[Finding]:
    """The soft limit is not above the hard one."""
    return _in_order(locals())


def check_hour_order(hour_soft_max: int | None, hour_hard_max: int | None) -> Iterator[Finding]:
    """The soft limit is not above the hard one."""
    return _in_order(locals())


def _in_order(limits: dict[str, int | None]) -> Iterator[Finding]:
    """The limits that are there, in the order of the arguments, do not fall."""
    there = [(name, milli) for name, milli in limits.items() if milli is not None]
    for (low, smaller), (high, larger) in pairwise(there):
        if smaller > larger:
            yield Finding(
                "limit_order", (high,), f"{high} is {larger / 1000:g}, must be at least {low} ({smaller / 1000:g})"
            )


class DrugTable(Table):
    """A drug: its units, its concentrations and its limits. Hard limits are refused, soft ones ask for confirmation."""

    unit: Unit = Field(description="Unit of a dose and its limits.")
    amount: Amount = Field(
        description="Unit of the drug in a mL, in a bolus and in an hour; per kg for the last two if `unit` is."
    )
    concentrations: Annotated[
        list[Concentration], Field(min_length=1, max_length=MAX_CONCENTRATIONS), AfterValidator(_unlike)
    ] = Field(description="Amounts in a mL.")
    dose_hard_min: Milli | None = _limit("A dose below is refused.")
    dose_soft_min: Milli | None = _limit("A dose below has to be confirmed.")
    dose_soft_max: Milli | None = _limit("A dose above has to be confirmed.")
    dose_hard_max: Milli = Field(description="A dose above is refused.")
    bolus_soft_max: Milli | None = _limit("A bolus above has to be confirmed.")
    bolus_hard_max: Milli | None = _limit("A bolus above is refused.")
    hour_soft_max: Milli | None = _limit("More in an hour has to be confirmed.")
    hour_hard_max: Milli | None = _limit("More in an hour is refused.")

    checks = (check_kinds, check_dose_order, check_bolus_order, check_hour_order)


class LibraryFile(Table):
    """A drug library: which drugs a pump gives, at which concentrations, and within which limits."""

    name: Name = Field(description="The library's name: 1 to 24 of a-z, 0-9 and -.")
    version: int = Field(ge=1, le=MAX_VERSION, description="Counts up with each change.")
    drug: dict[Name, DrugTable] = Field(
        min_length=1, max_length=MAX_DRUGS, description=f"1 to {MAX_DRUGS} tables, each with the name of a drug."
    )
