"""A measurement: a value with its unit, its limits and the requirement that it is about. Taken, then asserted.

    measure("time to alarm", 0.31, unit="s", at_most=0.6, req="OCC-3")
    measure("interval", t_ns, unit="ns", near=10**9, by=200)
    measure("state", status.state, equal="idle")

The limits come with the call, so that the report shows what was asked, not only that it was so.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from picoinfuse.common.errors import PicoinfuseError

MOST = 400  # of a test that are kept; a loop that takes more loses the later ones that held

_UNSET: Any = object()
# What each limit asks, and how a reader is told.
LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "at_least": (operator.ge, "≥"),
    "at_most": (operator.le, "≤"),
    "above": (operator.gt, ">"),
    "below": (operator.lt, "<"),
    "equal": (operator.eq, "="),
    "one_of": (lambda value, choice: value in choice, "one of"),
}


class BadMeasurement(PicoinfuseError, TypeError):
    """A measurement that says nothing: without limits, or with half of them."""


@dataclass(frozen=True)
class Measurement:
    """`value` and the limits are plain: numbers, texts, true, false, null, lists of them."""

    name: str
    value: Any
    unit: str
    limits: dict[str, Any]
    req: tuple[str, ...]
    held: bool

    def __str__(self) -> str:
        req = f" ({', '.join(self.req)})" if self.req else ""
        return f"{self.name}: {shown(self.value)} {self.unit}".rstrip() + f", asked {asked(self.limits)}{req}"


class Measure:
    """What the fixture of that name is: called by a test, it takes down the value and asserts its limits."""

    def __init__(self, requirements: Iterable[str] = ()) -> None:
        self.taken: list[Measurement] = []
        self.left_out = 0  # held, but too many to keep
        self._requirements = tuple(requirements)

    def __call__(
        self,
        name: str,
        value: Any,
        *,
        unit: str = "",
        at_least: Any = _UNSET,
        at_most: Any = _UNSET,
        above: Any = _UNSET,
        below: Any = _UNSET,
        equal: Any = _UNSET,
        one_of: Any = _UNSET,
        near: Any = _UNSET,
        by: Any = _UNSET,
        req: str | Iterable[str] = (),
    ) -> None:
        """Raises AssertionError when a limit is not kept. `near` goes with `by`: from near - by to near + by."""
        __tracebackhide__ = True
        if (near is _UNSET) != (by is _UNSET):
            raise BadMeasurement(f"{name}: near says the value, by the tolerance; one without the other says nothing")
        if near is not _UNSET:
            at_least, at_most = near - by, near + by
        given = dict(zip(LIMITS, (at_least, at_most, above, below, equal, one_of), strict=True))
        given = {limit: asked for limit, asked in given.items() if asked is not _UNSET}
        if not given:
            raise BadMeasurement(f"{name} has no limit: what must hold of it?")
        held = all(bool(LIMITS[limit][0](value, asked)) for limit, asked in given.items())
        about = (req,) if isinstance(req, str) else tuple(req)
        limits = {limit: plain(asked) for limit, asked in given.items()}
        taken = Measurement(name, plain(value), unit, limits, about or self._requirements, held)
        if held and len(self.taken) >= MOST:
            self.left_out += 1
        else:
            self.taken.append(taken)
        assert held, str(taken)


def plain(value: Any) -> Any:
    """As JSON can hold it. What no number is, is told as text."""
    if isinstance(value, bool | str | None):
        return value
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return plain(value.tolist())
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)


def shown(value: Any) -> str:
    """For a reader: seven digits of a number with a fraction."""
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value) or "none"
    if value is None:
        return "none"
    return str(value)


def asked(limits: dict[str, Any]) -> str:
    """The limits for a reader: `≥ 9800 and ≤ 10200`."""
    return " and ".join(f"{LIMITS[limit][1]} {shown(value)}" for limit, value in limits.items())
