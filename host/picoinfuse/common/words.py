"""What a key of a file takes, in words, out of its JSON Schema; and a value as the file shows it.

described({"type": "integer", "minimum": 4, "maximum": 2000})  ->  "a whole number from 4 to 2000"
"""

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

MAX_SHOWN = 60  # characters of a value that a message repeats

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text in quotes",
    "object": "a table",
    "array": "a list",
}
_COUNTS = ("no", "one", "two", "three", "four")


def described(schema: dict[str, Any]) -> str:
    """What a JSON Schema accepts, as a person would say it."""
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        choices = [choice for choice in choices if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(described(choice) for choice in choices))
    if "$ref" in schema:
        return _TYPES["object"]
    if "enum" in schema or "const" in schema:
        return one_of([str(word) for word in schema.get("enum", [schema.get("const")])])
    if schema.get("type") == "array":
        return _list(schema)
    if schema.get("format") == "date-time":
        return "a date and a time, such as 2026-11-22T20:00:00"
    words = _TYPES[schema["type"]] + _range(schema)
    examples = schema.get("examples")
    return f"{words}, such as {shown(examples[0])}" if examples else words


def one_of(words: list[str]) -> str:
    """`low, medium or high`."""
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def shown(value: Any) -> str:
    """A value as TOML writes it, without what could steer a terminal, and not longer than a message can be."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, list):
        text = f"[{', '.join(shown(part) for part in value[:10])}{', …' if len(value) > 10 else ''}]"
    elif isinstance(value, dict):
        text = "a table"
    elif isinstance(value, datetime | date | time):
        text = value.isoformat()
    elif isinstance(value, Decimal) and not value.is_finite():
        text = str(value).lower().replace("infinity", "inf")
    else:
        text = str(value)
    text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _list(schema: dict[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    items = described(schema["items"]).removeprefix("a ").removeprefix("an ").replace("number", "numbers", 1)
    if least == most and least is not None:
        return f"a list of {_COUNTS[least]} {items.replace(' from', ', each from', 1)}"
    return f"a list of {least} to {most} {items}" if most is not None else f"a list of {items}"


def _range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    if "exclusiveMinimum" in schema:
        return f" above {_number(schema['exclusiveMinimum'])}"
    return "" if low is None else f" of at least {_number(low)}"


def _number(value: float) -> str:
    """`1200000`, `0.1`; without the `.0` of a bound that is whole."""
    return str(int(value)) if value == int(value) else str(value)
