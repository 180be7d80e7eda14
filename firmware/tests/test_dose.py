"""Doses on the pump: numbers that can be done by hand, and the host's exact fractions against the pump's integers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.dosing import dose as host
from picoinfuse.dosing import units
from pump.core.therapy import dose as pump
from pump.core.therapy.dose import BadDose, Dosing, amount_milli

# unit, dose, concentration (thousandths), its unit, weight in g, µL/h
BY_HAND = [
    ("mg/h", 1_500, 10_000, "mg", None, 150),  # 1.5 mg/h of 10 mg/mL
    ("ug/kg/min", 5_000, 1_600_000, "ug", 70_000, 13_125),  # 5 * 70 * 60 / 1600 = 13.125 mL/h
    ("ug/kg/min", 5_000, 1_600, "mg", 70_000, 13_125),  # the same, 1.6 mg/mL
    ("ug/kg/min", 50, 64_000, "ug", 80_000, 3_750),  # 0.05 * 80 * 60 / 64
    ("mg/kg/h", 2_000, 10_000, "mg", 3_450, 690),  # a newborn: 2 * 3.45 / 10
    ("units/h", 18_000, 25_000, "units", None, 720),  # 18 / 25 mL/h
    ("munits/min", 4_000, 10_000, "munits", None, 24_000),  # 4 * 60 / 10
    ("units/kg/h", 18_000, 100_000, "units", 80_000, 14_400),  # 18 * 80 / 100
    ("g/day", 24_000, 100_000, "mg", None, 10_000),  # 24 g a day are 1 g/h; of 100 mg/mL 10 mL/h
    ("mmol/h", 10_000, 1_000, "mmol", None, 10_000),
    ("mg/h", 1_000, 3_000, "mg", None, 333),  # 333.3: rounded down
    ("mg/h", 2_000, 3_000, "mg", None, 667),  # 666.7: rounded up
]


@pytest.mark.parametrize(("unit", "milli", "concentration", "amount", "weight_g", "rate_ul_h"), BY_HAND)
def test_a_rate_is_what_a_pencil_makes_of_it(unit, milli, concentration, amount, weight_g, rate_ul_h):
    dosing = Dosing(unit, concentration, amount, weight_g)
    assert dosing.rate_ul_h(milli) == rate_ul_h
    assert dosing.fits(milli, rate_ul_h)
    assert not dosing.fits(milli, rate_ul_h + 1)
    assert not dosing.fits(milli, rate_ul_h - 1)


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        (("mg", 1, "mg", None), "unit"),
        (("mg/kg", 1, "mg", None), "unit"),
        (("mg/min/kg", 1, "mg", 70_000), "unit"),
        (("mg/h/kg/h", 1, "mg", None), "unit"),
        (("mL/h", 1, "mg", None), "unit"),
        (("mg/s", 1, "mg", None), "unit"),
        (("", 1, "mg", None), "unit"),
        (("mg/h", 1, "units", None), "unit"),  # a mass is no number of units
        (("units/h", 1, "mg", None), "unit"),
        (("mg/h", 1, "pg", None), "concentration"),
        (("mg/h", 0, "mg", None), "concentration"),
        (("mg/h", 10**12 + 1, "mg", None), "concentration"),
        (("mg/h", 1, "mg", 70_000), "weight_g"),
        (("mg/kg/h", 1, "mg", None), "weight_g"),
        (("mg/kg/h", 1, "mg", 0), "weight_g"),
        (("mg/kg/h", 1, "mg", 500_001), "weight_g"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments, parameter):
    with pytest.raises(BadDose) as refused:
        Dosing(*arguments)
    assert refused.value.parameter == parameter


def test_the_content_of_a_volume():
    assert amount_milli(2_500_000, 10_000) == 25_000  # 2.5 mL of 10 mg/mL are 25 mg
    assert amount_milli(1, 10_000) == 0


def test_both_sides_know_the_same_units():
    assert units.AMOUNTS == pump.AMOUNTS
    assert {k: Fraction(*v) for k, v in pump._TIMES.items()} == units.PER_HOUR


@st.composite
def orders(draw):
    kind = draw(st.sampled_from(["mass", "units", "mmol"]))
    amounts = [name for name, (k, _) in pump.AMOUNTS.items() if k == kind]
    by_weight = draw(st.booleans())
    middle = "/kg/" if by_weight else "/"
    unit = draw(st.sampled_from(amounts)) + middle + draw(st.sampled_from(["min", "h", "day"]))
    weight_g = draw(st.integers(1, pump.MAX_WEIGHT_G)) if by_weight else None
    concentration = draw(st.integers(1, 10**9))
    return unit, concentration, draw(st.sampled_from(amounts)), weight_g


@given(orders(), st.integers(1, 10**9))
def test_the_pump_makes_of_a_dose_what_the_host_makes_of_it(order, milli):
    unit, concentration, amount, weight_g = order
    theirs = host.Dosing(unit, host.Quantity(concentration, amount), weight_g)
    ours = Dosing(*order)
    rate_ul_h = theirs.rate_ul_h(milli)
    assert ours.rate_ul_h(milli) == rate_ul_h
    assert ours.fits(milli, rate_ul_h)
    assert ours.dose_milli(rate_ul_h) == theirs.dose(rate_ul_h).milli


@given(orders(), st.integers(1, 10**9), st.integers(-3, 3))
def test_a_rate_fits_when_it_is_the_dose_to_half_a_microlitre_an_hour(order, milli, off):
    unit, concentration, amount, weight_g = order
    exact = milli * host.Dosing(unit, host.Quantity(concentration, amount), weight_g).rate_per_dose
    rate_ul_h = host.nearest(exact) + off
    assert Dosing(*order).fits(milli, rate_ul_h) == (abs(rate_ul_h - exact) <= Fraction(1, 2))
