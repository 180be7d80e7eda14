"""Reads a library's TOML, and collects every mistake with its line."""

import re
import tomllib
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from picoinfuse.common.errors import BadQuantity, Mistake
from picoinfuse.common.toml import KeyLines, syntax_mistake
from picoinfuse.dosing import dose
from picoinfuse.library.errors import LibraryError, LibraryNotFound
from picoinfuse.library.model import Drug, Library, Limits

MAX_DRUGS = 200  # of the pump
MAX_CONCENTRATIONS = 8
MAX_VERSION = 1_000_000

_NAME = re.compile(r"[a-z0-9-]{1,24}")
_ENDS = ("hard_min", "soft_min", "soft_max", "hard_max")  # must come in this order
_LIMITS = {"dose": _ENDS, "bolus": _ENDS[2:], "hour": _ENDS[2:]}
_KEYS = {
    "unit",
    "amount",
    "concentrations",
    *(f"{what}_{end}" for what, ends in _LIMITS.items() for end in ends),
}


class _Wrong(Exception):
    """A value that cannot be used, and why."""


def load_library(file: Path | str) -> Library:
    return _Reading(Path(file)).library()


class _Reading:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise LibraryError(file, [Mistake("syntax", 1, "the file is not UTF-8 text")]) from error
        except OSError as error:
            raise LibraryNotFound(f"{file} cannot be read: {error.strerror}") from error
        try:
            self.values: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise LibraryError(file, [syntax_mistake(error, text)]) from error
        self.lines = KeyLines(text)

    def library(self) -> Library:
        for key in self.values.keys() - {"name", "version", "drug"}:
            self.mistake("unknown_key", "", key, f"unknown key {key}")
        name, version = self.values.get("name"), self.values.get("version")
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            self.mistake("out_of_range", "", "name", "name must be 1 to 24 of a-z, 0-9 and -")
        if not (isinstance(version, int) and _is_int(version) and 1 <= version <= MAX_VERSION):
            self.mistake("out_of_range", "", "version", f"version must be a whole number, 1 to {MAX_VERSION}")
        drugs = self.values.get("drug")
        if not isinstance(drugs, dict) or not 1 <= len(drugs) <= MAX_DRUGS:
            self.mistake("missing_key", "", "drug", f"there must be 1 to {MAX_DRUGS} tables [drug.NAME]")
            drugs = {}
        found = [self.drug(drug, drugs[drug]) for drug in sorted(drugs)]
        if self.mistakes:
            raise LibraryError(self.file, self.mistakes)
        return Library(str(name), int(version or 0), self.file, tuple(drug for drug in found if drug is not None))

    def drug(self, name: str, values: Any) -> Drug | None:
        table = f"drug.{name}"
        before = len(self.mistakes)
        if not _NAME.fullmatch(name):
            self.mistake("out_of_range", table, "", f"{name!r}: a drug's name must be 1 to 24 of a-z, 0-9 and -")
        if not isinstance(values, dict):
            self.mistake("wrong_type", "", "drug", f"drug.{name} must be a table")
            return None
        for key in values.keys() - _KEYS:
            self.mistake("unknown_key", table, key, f"unknown key {key} in [{table}]")
        unit, amount = self.units(table, values)
        concentrations = self.concentrations(table, values.get("concentrations"))
        limits = {what: self.limits(table, what, ends, values) for what, ends in _LIMITS.items()}
        if limits["dose"].hard_max is None and "dose_hard_max" not in values:
            self.mistake("missing_key", table, "dose_hard_max", f"dose_hard_max is missing in [{table}]")
        if len(self.mistakes) > before:
            return None
        return Drug(name, unit, amount, concentrations, **limits)

    def units(self, table: str, values: dict[str, Any]) -> tuple[str, str]:
        unit, amount = (str(values.get(key, "")).replace("µ", "u").replace("μ", "u") for key in ("unit", "amount"))
        if amount not in dose.AMOUNTS:
            text = f"amount must be one of {', '.join(dose.AMOUNTS)}: what is in a mL"
            self.mistake("out_of_range" if amount else "missing_key", table, "amount", text)
        try:
            of = dose.parts(unit)[0]
        except BadQuantity as error:
            self.mistake("out_of_range" if unit else "missing_key", table, "unit", str(error))
            return unit, amount
        if amount in dose.AMOUNTS and dose.AMOUNTS[of][0] != dose.AMOUNTS[amount][0]:
            self.mistake("out_of_range", table, "unit", f"a dose in {unit} is no dose of what is measured in {amount}")
        return unit, amount

    def concentrations(self, table: str, values: Any) -> tuple[int, ...]:
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_CONCENTRATIONS:
            text = f"concentrations must be a list of 1 to {MAX_CONCENTRATIONS} numbers"
            self.mistake("missing_key" if values is None else "wrong_type", table, "concentrations", text)
            return ()
        try:
            found = [_milli(value) for value in values]
        except _Wrong as wrong:
            self.mistake("out_of_range", table, "concentrations", f"concentrations: {wrong}")
            return ()
        if 0 in found or len(set(found)) < len(found):
            self.mistake("out_of_range", table, "concentrations", "concentrations must be above 0, and none twice")
        return tuple(found)

    def limits(self, table: str, what: str, ends: tuple[str, ...], values: dict[str, Any]) -> Limits:
        found: dict[str, int] = {}
        for end in ends:
            key = f"{what}_{end}"
            if key in values:
                try:
                    found[end] = _milli(values[key])
                except _Wrong as wrong:
                    self.mistake("out_of_range", table, key, f"{key}: {wrong}")
        for low, high in pairwise(end for end in ends if end in found):
            if found[low] > found[high]:
                text = f"{what}_{high} is below {what}_{low}"
                self.mistake("limit_order", table, f"{what}_{high}", text)
        return Limits(**found)

    def mistake(self, name: str, table: str, key: str, message: str) -> None:
        self.mistakes.append(Mistake(name, self.lines.of(table, key), message))


def _milli(value: Any) -> int:
    if not (_is_int(value) or isinstance(value, Decimal)):
        raise _Wrong(f"{value!r} is not a number")
    milli = Decimal(value) * 1000
    if not milli.is_finite() or milli != milli.to_integral_value():
        raise _Wrong(f"{value} is finer than a thousandth: use a smaller unit")
    if not 0 <= milli <= dose.MAX_MILLI:
        raise _Wrong(f"{value} is out of all bounds")
    return int(milli)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
