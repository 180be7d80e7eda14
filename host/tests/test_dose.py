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
        ("18 IU/hr", 18_000, "units/h"),
        ("5 mcg/kg/minute", 5_000, "ug/kg/min"),
        ("1 mmol/d", 1_000, "mmol/day"),
    ],
)
def test_a_dose_is_exact(text: str, milli: int, unit: str) -> None:
    assert parse_dose(text) == Quantity(milli, unit)


@pytest.mark.parametrize("text", ["", "5", "mg/h", "5 mL/h", "-1 mg/h", "1,5 mg/h", "0 mg/h", "0.0005 mg/h", "5 mg/kg"])
def test_what_is_no_dose_is_refused(text: str) -> None:
    with pytest.raises(BadQuantity):
        parse_dose(text)


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("20 mEq/h", "write mmol"),
        ("18 U/h", "write units"),
        ("0.0005 mg/h", "write 0.5 µg/h"),
        ("0.0005 g/kg/min", "write 0.5 mg/kg/min"),
        ("0.0005 ng/h", "at most three places"),
        ("5 mg/week", "such units are mg/h"),
    ],
)
def test_a_dose_that_is_refused_says_what_to_write(text: str, write: str) -> None:
    with pytest.raises(BadQuantity, match=write):
        parse_dose(text)


@pytest.mark.parametrize(
    ("text", "milli", "unit"),
    [
        ("1.6 mg/mL", 1_600, "mg"),
        ("800 mg/500 mL", 1_600, "mg"),
        ("800 mg / 500 mL", 1_600, "mg"),
        ("1 mg/250 mL", 4, "mg"),
        ("1 g/8000 mL", 125, "mg"),  # 0.125 thousandths of a g are none
        ("100 IU/mL", 100_000, "units"),
        ("4 mcg/ml", 4_000, "ug"),
    ],
)
def test_a_concentration_is_an_amount_in_a_ml_or_in_a_volume(text: str, milli: int, unit: str) -> None:
    assert parse_concentration(text) == Quantity(milli, unit)


@pytest.mark.parametrize("text", ["1.6 mg", "1.6 mg/L", "5 %", "1.6 mg/h", "1 mg/3 mL", "1 mg/0 mL", "2 mEq/mL"])
def test_what_is_no_concentration_is_refused(text: str) -> None:
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
