"""Checks what a pump says against the shape that it should have. This is the only place that does.

A shape is a frozen dataclass whose fields are annotated with the kinds of `wire.py`. `decode` returns an object
of it, or raises BadReply with the method, the field and what was expected: a damaged or hostile pump can cause
that one error and no other. Nothing is converted, and nothing is replaced by a default.

Fields that the shape does not have are ignored: a newer pump may report more than this program knows, and an old
program must still be able to stop it. A field with a default may be absent.
"""

import re
import reprlib
import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from picoinfuse.client.wire import ByName, Length, Name, Range, Text
from picoinfuse.common.errors import BadReply

MAX_ELEMENTS = 256  # of a list; a line has 1024 bytes

T = TypeVar("T")
Check = Callable[[Any, str], Any]


class _Wrong(Exception):
    def __init__(self, field: str, expected: str, value: Any) -> None:
        self.field, self.expected, self.value = field, expected, value


def decode(shape: type[T], message: Any, method: str) -> T:
    """An object of the dataclass `shape` out of a JSON value; `method` is for the error.

    Raises BadReply when a field is missing, of another type, out of its range, or no known choice.
    """
    try:
        return _check_of(shape)(message, "")
    except _Wrong as wrong:
        raise BadReply(method, wrong.field or "result", wrong.expected, reprlib.repr(wrong.value)) from None


@cache
def _check_of(hint: Any) -> Check:
    """`check(value, path)` for an annotation: returns the value, or raises _Wrong."""
    if is_dataclass(hint):
        return _object(hint)
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _choice(arguments)
    if origin in (types.UnionType, Union):
        return _any_of(arguments)
    if origin is tuple:
        return _list(arguments[0], marks) if arguments[-1] is Ellipsis else _row(arguments)
    if origin is list:
        return _as_list(_list(arguments[0], marks))
    if origin is dict:
        return _named(marks[0])
    return {int: _int, str: _str, bool: _bool, types.NoneType: _none}[hint](*marks)


def _object(shape: Any) -> Check:
    hints = get_type_hints(shape, include_extras=True)
    plan = [(field.name, field.default is MISSING, _check_of(hints[field.name])) for field in fields(shape)]

    def check(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _Wrong(path, "an object", value)
        found = {}
        for name, required, check_field in plan:
            where = f"{path}.{name}" if path else name
            if name in value:
                found[name] = check_field(value[name], where)
            elif required:
                raise _Wrong(where, "this field, and it is missing", None)
        return shape(**found)

    return check


def _choice(choices: tuple[Any, ...]) -> Check:
    def check(value: Any, path: str) -> Any:
        if type(value) is not str or value not in choices:
            raise _Wrong(path, f"one of {', '.join(choices)}", value)
        return value

    return check


def _any_of(hints: tuple[Any, ...]) -> Check:
    checks = [_check_of(hint) for hint in hints]

    def check(value: Any, path: str) -> Any:
        if value is None and types.NoneType in hints:
            return None
        problems: list[_Wrong] = []
        for check_one in checks:
            try:
                return check_one(value, path)
            except _Wrong as wrong:
                problems.append(wrong)
        # The first says where in a nested value; null alone is no help.
        raise problems[0]

    return check


def _list(element: Any, marks: tuple[Any, ...]) -> Check:
    length = next((mark for mark in marks if isinstance(mark, Length)), Length(0, MAX_ELEMENTS))
    check_element = _check_of(element)

    def check(value: Any, path: str) -> Any:
        if not isinstance(value, list) or not length.low <= len(value) <= length.high:
            raise _Wrong(path, f"a list of {length.low} to {length.high}", value)
        return tuple(check_element(item, f"{path}[{place}]") for place, item in enumerate(value))

    return check


def _as_list(check_tuple: Check) -> Check:
    return lambda value, path: list(check_tuple(value, path))


def _row(hints: tuple[Any, ...]) -> Check:
    checks = [_check_of(hint) for hint in hints]

    def check(value: Any, path: str) -> Any:
        if not isinstance(value, list) or len(value) != len(checks):
            raise _Wrong(path, f"a list of {len(checks)}", value)
        return tuple(check(value[place], f"{path}[{place}]") for place, check in enumerate(checks))

    return check


def _named(by_name: ByName) -> Check:
    check_name = _check_of(Name)

    def check(value: Any, path: str) -> Any:
        if not isinstance(value, dict) or len(value) > MAX_ELEMENTS:
            raise _Wrong(path, "an object", value)
        found = {}
        for name, item in value.items():
            check_name(name, f"{path}, a name in it")
            found[name] = _check_of(by_name.kind_of(name))(item, f"{path}.{name}")
        return found

    return check


def _int(limits: Range) -> Check:
    def check(value: Any, path: str) -> Any:
        if type(value) is not int or not limits.low <= value <= limits.high:  # true is no integer
            raise _Wrong(path, f"an integer from {limits.low} to {limits.high}", value)
        return value

    return check


def _str(limits: Text) -> Check:
    pattern = None if limits.pattern is None else re.compile(limits.pattern, re.ASCII)

    def check(value: Any, path: str) -> Any:
        if type(value) is not str or not limits.least <= len(value) <= limits.most or not value.isprintable():
            raise _Wrong(path, f"{limits.what} of {limits.least} to {limits.most} characters", value)
        if pattern is not None and not pattern.fullmatch(value):
            raise _Wrong(path, f"{limits.what} such as {limits.example}", value)
        return value

    return check


def _bool() -> Check:
    def check(value: Any, path: str) -> Any:
        if type(value) is not bool:
            raise _Wrong(path, "true or false", value)
        return value

    return check


def _none() -> Check:
    def check(value: Any, path: str) -> Any:
        if value is not None:
            raise _Wrong(path, "null", value)
        return value

    return check
