"""Reads a profile's TOML against the schema, and collects every mistake with its line."""

import re
import tomllib
from pathlib import Path
from typing import Any

from picoinfuse.common.errors import Mistake, ProfileError, ProfileNotFound
from picoinfuse.common.toml import KeyLines, syntax_mistake
from picoinfuse.profile.schema import KINDS, OPTIONAL_TABLES, TABLES, TOP, Key

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_TYPES = {"int": "a whole number", "number": "a number", "bool": "true or false", "text": "a text"}


class Reading:
    """A file while it is read: its values, where they stand, and what is wrong with them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.faulty_tables: set[str] = set()
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ProfileError(file, [Mistake("syntax", 1, "the file is not UTF-8 text")]) from error
        except OSError as error:
            raise ProfileNotFound(f"{file} cannot be read: {error.strerror}") from error
        try:
            self.values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ProfileError(file, [syntax_mistake(error, text)]) from error
        self.lines = KeyLines(text)

    def mistake(self, name: str, table: str, key: str, message: str) -> None:
        self.faulty_tables.add(table or key)
        self.mistakes.append(Mistake(name, self.lines.of(table, key), message))

    def check_schema(self) -> None:
        """Unknown, missing, of the wrong type, out of range."""
        top = {key: value for key, value in self.values.items() if key not in TABLES}
        self._check_table("", top, TOP)
        for table, keys in TABLES.items():
            values = self.values.get(table)
            if isinstance(values, dict):
                self._check_table(table, values, _keys_of(table, keys, values))
            elif values is None and table in OPTIONAL_TABLES:
                continue
            elif values is None:
                self.mistake("missing_key", "", table, f"the table [{table}] is missing")
            else:
                self.mistake("wrong_type", "", table, f"{table} must be a table")

    def _check_table(self, table: str, values: dict[str, Any], keys: dict[str, Key]) -> None:
        where = f" in [{table}]" if table else ""
        for key, value in values.items():
            if key in keys:
                self._check_value(table, key, value, keys[key])
            else:
                self.mistake("unknown_key", table, key, f"unknown key {key}{where}")
        for key, rule in keys.items():
            if rule.required and key not in values:
                self.mistake("missing_key", table, key, f"{key} is missing{where}")

    def _check_value(self, table: str, key: str, value: Any, rule: Key) -> None:
        if rule.kind == "ratio":
            self._check_ratio(table, key, value, rule)
        elif not _is(rule.kind, value):
            self.mistake("wrong_type", table, key, f"{key} must be {_TYPES[rule.kind]}, not {value!r}")
        elif rule.words and value not in rule.words:
            self.mistake("out_of_range", table, key, f"{key} is {value!r}, must be one of {', '.join(rule.words)}")
        elif rule.kind in ("int", "number") and not rule.low <= value <= rule.high:
            self.mistake("out_of_range", table, key, f"{key} is {value}, must be {rule.low:g} to {rule.high:g}")
        elif key == "name" and not _NAME.fullmatch(value):
            self.mistake("out_of_range", table, key, "name must be 1 to 32 of a-z, 0-9 and -, not - first")

    def _check_ratio(self, table: str, key: str, value: Any, rule: Key) -> None:
        if not (isinstance(value, list) and len(value) == 2 and all(_is("int", part) for part in value)):
            self.mistake("wrong_type", table, key, f"{key} must be two whole numbers, not {value!r}")
        elif not all(rule.low <= part <= rule.high for part in value):
            text = f"{key} is {value}, each must be {rule.low:g} to {rule.high:g}"
            self.mistake("out_of_range", table, key, text)


def _keys_of(table: str, keys: dict[str, Key], values: dict[str, Any]) -> dict[str, Key]:
    """What a kind of pump has only shows once its kind is known."""
    if table != "mechanics":
        return keys
    kind = values.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return {**keys, **KINDS[kind]}
    either = {
        key: Key(rule.kind, rule.low, rule.high, required=False) for k in KINDS.values() for key, rule in k.items()
    }
    return {**keys, **either}


def _is(kind: str, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "text":
        return isinstance(value, str)
    return isinstance(value, int if kind == "int" else int | float) and not isinstance(value, bool)
