"""The generated parts of docs/protocol.md: every method and notification, with its parameters and its reply.

    python -m picoinfuse.client.reference docs/protocol.md

brings the page up to date; `make docs` runs it. Parameters and kinds come from the firmware's table, replies from the
client's shapes, the texts from the docstrings of both. The rest of the page is written by hand.
"""

import ast
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from picoinfuse.client.caller import ProposalReply
from picoinfuse.client.method import Command, Method, Query, TwoStep
from picoinfuse.client.notifications import NOTIFICATIONS
from picoinfuse.client.pump import Pump, methods
from picoinfuse.client.wire import Length, Range, Text
from picoinfuse.common.firmware_tables import pure_module

_KINDS = {
    Query: "Query.",
    Command: "Command.",
    TwoStep: "Command in [two steps](#two-steps); its confirmation returns the result below.",
}
_TYPES = {int: "integer", str: "text", dict: "object"}
_WIDTH = 120
_FIELDS_HEAD = ("field", "value", "meaning")


def updated(page: str) -> str:
    """`page` with its generated parts made anew."""
    for name, make in (("methods", _methods), ("proposal", _proposal), ("notifications", _notifications)):
        begin, end = f"<!-- {name}: made by `make docs` -->\n", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found or not found_end:
            raise ValueError(f"the page has no part {begin.strip()}")
        page = f"{before}{begin}\n{make()}\n\n{end}{after}"
    return page


def field_texts(shape: type) -> dict[str, str]:
    """What each field of a shape means: the string below it in the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(shape))).body[0]
    assert isinstance(tree, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            texts[field.target.id] = ast.literal_eval(text.value)
    return texts


def _methods() -> str:
    return "\n\n".join(_method(method) for _, method in sorted(methods().items()))


def _method(method: Method[Any]) -> str:
    parts = [f"### `{method.name}`", _wrapped(f"{_KINDS[type(method)]} {_first_paragraph(getattr(Pump, method.name))}")]
    if method.notes:
        parts.append(_table(("parameter", "value", "meaning"), list(_parameters(method))))
    if rows := list(_rows(method.reply)):
        parts += [_wrapped(f"Result: {_lower(_first_paragraph(method.reply))}"), _table(_FIELDS_HEAD, rows)]
    return "\n\n".join(parts)


def _proposal() -> str:
    return _table(_FIELDS_HEAD, list(_rows(ProposalReply)))


def _notifications() -> str:
    parts = []
    for name, shape in NOTIFICATIONS.items():
        parts += [
            f"### Notification `{name}`",
            _wrapped(_first_paragraph(shape)),
            _table(_FIELDS_HEAD, list(_rows(shape))),
        ]
    return "\n\n".join(parts)


def _parameters(method: Method[Any]) -> Iterator[tuple[str, ...]]:
    for name, kind, required, limits in pure_module("pump.link.schema").METHODS[method.name][1]:
        value = _TYPES[kind]
        if kind is str and limits:
            value = _choices(limits)
        elif limits:
            value = ", or ".join([_range(*limits[:2]), *(str(also) for also in limits[2:])])
        yield f"`{name}`", value if required else f"{value}; optional", method.notes[name]


def _rows(shape: Any, path: str = "") -> Iterator[tuple[str, ...]]:
    """A row for each field; those of an object within follow it."""
    hints, texts = get_type_hints(shape, include_extras=True), field_texts(shape)
    for field in fields(shape):
        hint = hints[field.name]
        where = path + field.name
        yield f"`{where}`", _value(hint), texts[field.name].removesuffix(".")
        inner, is_list = _shape_within(hint)
        if inner is not None:
            yield from _rows(inner, f"{where}[]." if is_list else f"{where}.")


def _shape_within(hint: Any) -> tuple[Any, bool]:
    """The dataclass that a field holds, if any, and whether it is a list of them."""
    if isinstance(hint, type) and is_dataclass(hint):
        return hint, False
    for inner in get_args(hint):
        if (found := _shape_within(inner)[0]) is not None:
            return found, get_origin(hint) is tuple
    return None, False


def _value(hint: Any) -> str:
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    origin, arguments = get_origin(hint), get_args(hint)
    for mark in marks:
        if isinstance(mark, Range):
            return _range(mark.low, mark.high)
        if isinstance(mark, Text):
            return "text" if mark.pattern is None else f"{mark.what} such as `{mark.example}`"
    if origin is Literal:
        return _choices(arguments)
    if origin in (types.UnionType, Union):
        return ", or ".join(["null" if argument is types.NoneType else _value(argument) for argument in arguments])
    if origin is tuple and arguments[-1] is not Ellipsis:
        return "list: " + "; ".join(_value(argument) for argument in arguments)
    if origin in (tuple, list):
        length = next((f" {mark.low} to {mark.high}" for mark in marks if isinstance(mark, Length)), "")
        element = arguments[0]
        return "list of objects" if is_dataclass(element) else f"list of{length}: {_value(element)}"
    if is_dataclass(hint) or origin is dict:
        return "object"
    return {bool: "true or false"}[hint]


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"integer, {low:,} to {high:,}"


def _choices(choices: Any) -> str:
    named = [f"`{choice}`" for choice in choices]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"


def _first_paragraph(thing: Any) -> str:
    return re.sub(r"\s+", " ", (inspect.getdoc(thing) or "").split("\n\n")[0])


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("--",) * len(head), *rows]
    return "\n".join("| " + " | ".join(re.sub(r"\s+", " ", cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(updated(page.read_text("utf-8")), "utf-8")
