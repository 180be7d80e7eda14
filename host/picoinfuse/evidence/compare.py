"""What differs between two runs, or two benches: outcome by outcome, measurement by measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Key = tuple[str, int, str, int]  # test, repetition, name, which of that name


@dataclass(frozen=True)
class Difference:
    """`what` is outcome, measurement, only in one: then the other side is None, or skipped in one: then `reason` says
    why.
    """

    what: str
    test: str
    name: str
    unit: str
    first: Any
    second: Any
    reason: str = ""

    @property
    def percent(self) -> float | None:
        """Of the second against the first; None where that is no number or 0."""
        if not all(_is_number(value) for value in (self.first, self.second)) or self.first == 0:
            return None
        return 100 * (self.second - self.first) / abs(self.first)


def compare(first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    """Outcomes before measurements, and among these the greatest change first. What one of them skipped comes last: as
    a rule its bench has not got what the test needs.
    """
    found = [*_outcomes(first, second), *_measurements(first, second)]
    order = ("outcome", "only in one", "measurement", "skipped in one")
    return sorted(found, key=lambda one: (order.index(one.what), -abs(one.percent or 0.0)))


def _outcomes(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    a, b = ({_test(test): test for test in run["tests"]} for run in (first, second))
    for test in dict.fromkeys([*a, *b]):
        x, y = (run[test]["outcome"] if test in run else None for run in (a, b))
        if x == y or {x, y} == {None, "skipped"}:  # neither ran it
            continue
        if x is None or y is None:
            yield Difference("only in one", test, "", "", x, y)
        elif "skipped" in (x, y):
            reason = (a if x == "skipped" else b)[test]["reason"]
            yield Difference("skipped in one", test, "", "", x, y, reason)
        else:
            yield Difference("outcome", test, "", "", x, y)


def _measurements(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Difference]:
    a, b = _values(first), _values(second)
    ran = {key[:2] for key in a} & {key[:2] for key in b}  # what a test that did not run lacks is no difference
    for key in dict.fromkeys([*a, *b]):
        if key[:2] not in ran:
            continue
        name = key[2] if key[3] == 0 else f"{key[2]} ({key[3] + 1})"
        unit = (a.get(key) or b[key])["unit"]
        test = key[0] if key[1] == 1 else f"{key[0]} #{key[1]}"
        if key not in a or key not in b:
            x, y = (run[key]["value"] if key in run else None for run in (a, b))
            yield Difference("only in one", test, name, unit, x, y)
        elif a[key]["value"] != b[key]["value"]:
            yield Difference("measurement", test, name, unit, a[key]["value"], b[key]["value"])


def _values(run: dict[str, Any]) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for test in run["tests"]:
        seen: dict[str, int] = {}
        for one in test["measurements"]:
            k = seen[one["name"]] = seen.get(one["name"], -1) + 1
            found[test["test"], test["repetition"], one["name"], k] = one
    return found


def _test(test: dict[str, Any]) -> str:
    return test["test"] if test["repetition"] == 1 else f"{test['test']} #{test['repetition']}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
