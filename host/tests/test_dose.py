"""Doses as people type and read them."""

import pytest

from picoinfuse.common.errors import BadQuantity
from picoinfuse.dosing.dose import Dosing, Order, Quantity, parse_concentration, parse_dose, parse_weight_g


@pytest.mark.parametrize(
    ("text", "milli", "unit"),
    [
        ("1.5 mg/h", 1_500, "mg/h"),
        ("5µg/kg/min", 5_000, "ug/kg/min"),  # the micro sign
        ("5 μg/kg/min", 5_000, "ug/kg/min"),  # the Greek letter
        ("0.05 UG/KG/MIN", 50, "ug/kg/min"),
        ("18 units/h", 18_000, "units/h"),
    ],
)
def test_a_dose_is_exact(text: str, milli: int, unit: str) -> None:
    assert parse_dose(text) == Quantity(milli, unit)


@pytest.mark.parametrize("text", ["", "5", "mg/h", "5 mL/h", "-1 mg/h", "1,5 mg/h", "0 mg/h", "0.0005 mg/h", "5 mg/kg"])
def test_what_is_no_dose_is_refused(text: str) -> None:
    with pytest.raises(BadQuantity):
        parse_dose(text)


def test_a_concentration_is_an_amount_in_a_ml() -> None:
    assert parse_concentration("1.6 mg/mL") == Quantity(1_600, "mg")
    for text in ("1.6 mg", "1.6 mg/L", "5 %", "1.6 mg/h"):
        with pytest.raises(BadQuantity):
            parse_concentration(text)


def test_a_weight_is_in_kg() -> None:
    assert (parse_weight_g("70"), parse_weight_g("3.45kg")) == (70_000, 3_450)
    for text in ("0", "700", "3.4567", "70 lb", "-3"):
        with pytest.raises(BadQuantity):
            parse_weight_g(text)


def test_it_is_shown_both_ways() -> None:
    dopamine = Dosing("ug/kg/min", Quantity(1_600, "mg"), 70_000)
    assert dopamine.both_ways(5_000) == "5 µg/kg/min = 13.125 mL/h"
    third = Dosing("mg/h", Quantity(3_000, "mg"), None)
    assert third.both_ways(1_000) == "1 mg/h = 0.333 mL/h, which gives 0.999 mg/h"


def test_a_weight_that_is_missing_or_too_much_is_refused() -> None:
    with pytest.raises(BadQuantity, match="needs the patient's weight"):
        Dosing("ug/kg/min", Quantity(1, "mg"), None)
    with pytest.raises(BadQuantity, match="takes no weight"):
        Dosing("mg/h", Quantity(1, "mg"), 70_000)
    with pytest.raises(BadQuantity, match="does not fit a drug measured in units"):
        Dosing("mg/h", Quantity(1, "units"), None)


def test_an_order_is_what_start_takes() -> None:
    order = Order("dopamine", (5_000,), Dosing("ug/kg/min", Quantity(1_600, "mg"), 70_000))
    assert order.params() == {
        "drug": "dopamine",
        "unit": "ug/kg/min",
        "concentration": 1_600,
        "doses": [5_000],
        "weight_g": 70_000,
    }
