"""Replies made from their shapes: what a fake pump answers, and what a lying pump begins with."""

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from picoinfuse.client.wire import Length, Range, Text


def example(hint: Any, full: bool = False) -> Any:
    """A JSON value that fits an annotation: as little as possible, or (`full`) with every field and list filled."""
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        wanted = [field.name for field in fields(hint) if full or field.default is MISSING]
        return {name: example(hints[name], full) for name in wanted}
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return arguments[0]
    if origin in (types.UnionType, Union):
        return None if types.NoneType in arguments and not full else example(arguments[0], full)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return [example(argument, full) for argument in arguments]
    if origin in (tuple, list):
        length = next((mark for mark in marks if isinstance(mark, Length)), Length(0, 1))
        return [example(arguments[0], full)] * max(length.low, int(full))
    if origin is dict:
        return {"rate_ul_h": example(marks[0].kind_of("rate_ul_h"), full)} if full else {}
    return _scalar(hint, marks)


def _scalar(hint: Any, marks: tuple[Any, ...]) -> Any:
    for mark in marks:
        if isinstance(mark, Range):
            return max(mark.low, min(0, mark.high))
        if isinstance(mark, Text):
            return mark.example
    assert hint is bool, f"{hint} has no limits"
    return False
