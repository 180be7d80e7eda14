"""A measurement is taken down whether it holds or not, and a failure says value, limits and requirement."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from picoinfuse.evidence.measuring import MOST, BadMeasurement, Measure, plain


def test_a_value_within_its_limits_is_taken_down_with_them() -> None:
    measure = Measure()
    measure("time to alarm", 0.31, unit="s", at_least=0.1, at_most=0.6, req="OCC-3")
    (one,) = measure.taken
    assert (one.value, one.unit, one.limits, one.req) == (0.31, "s", {"at_least": 0.1, "at_most": 0.6}, ("OCC-3",))
    assert one.held


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        ({"at_least": 5}, True),
        ({"at_least": 6}, False),
        ({"at_most": 5}, True),
        ({"at_most": 4}, False),
        ({"above": 5}, False),
        ({"below": 5}, False),
        ({"near": 7, "by": 2}, True),
        ({"near": 8, "by": 2}, False),
        ({"equal": 5}, True),
        ({"equal": 6}, False),
        ({"one_of": (4, 5)}, True),
        ({"one_of": (4, 6)}, False),
        ({"at_least": 0, "at_most": 4}, False),
    ],
)
def test_limits(limits: dict[str, object], held: bool) -> None:
    measure = Measure()
    if held:
        measure("n", 5, **limits)  # pyright: ignore[reportArgumentType]
    else:
        with pytest.raises(AssertionError):
            measure("n", 5, **limits)  # pyright: ignore[reportArgumentType]
    assert [one.held for one in measure.taken] == [held]


def test_a_failure_says_what_was_measured_and_what_was_asked() -> None:
    measure = Measure(["OCC-3"])
    with pytest.raises(AssertionError, match=r"time to alarm: 0\.73 s, asked ≤ 0\.6 \(OCC-3\)"):
        measure("time to alarm", 0.73, unit="s", at_most=0.6)


def test_no_number_is_within_no_limits() -> None:
    measure = Measure()
    with pytest.raises(AssertionError):
        measure("error", float("nan"), at_most=1e9)
    assert measure.taken[0].value == "nan"


@pytest.mark.parametrize("limits", [{}, {"near": 5}, {"by": 5}])
def test_a_measurement_without_limits_is_a_mistake_in_the_test(limits: dict[str, int]) -> None:
    with pytest.raises(BadMeasurement):
        Measure()("n", 5, **limits)  # pyright: ignore[reportArgumentType]


def test_a_loop_of_measurements_is_kept_up_to_a_bound_and_the_failure_always() -> None:
    measure = Measure()
    for k in range(MOST + 100):
        measure("k", k, at_least=0)
    with pytest.raises(AssertionError):
        measure("k", -1, at_least=0)
    assert (len(measure.taken), measure.left_out) == (MOST + 1, 100)
    assert not measure.taken[-1].held


def test_whatever_is_measured_can_be_written_as_json() -> None:
    values = [np.int64(3), np.float64(0.5), np.array([1, 2]), Fraction(1, 3), Fraction(6, 3), {2, 1}, (1, "a"), None]
    told = json.loads(json.dumps(plain(values), allow_nan=False))
    assert told == [3, 0.5, [1, 2], pytest.approx(1 / 3), 2, [1, 2], [1, "a"], None]
