"""Faults of the converter, distinguished from a sensor's by a second channel."""

import random

import pytest

from pump.core.occlusion.adc_check import ADC_STUCK, REFERENCE_FAULT, ConverterCheck

WARM = 876  # 706 mV of 3300 in 4096: 27 °C


def feed(check, pressure, temperature, looks):
    """`pressure` and `temperature` give a code a look. Returns the faults seen."""
    return [check.update(pressure(), temperature()) for _ in range(looks)]


def around(code, sigma=1.9, seed=1):
    noise = random.Random(seed)
    return lambda: round(noise.gauss(code, sigma))


def test_a_converter_that_works_has_no_fault():
    assert set(feed(ConverterCheck(), around(1300), around(WARM, seed=2), 5_000)) == {None}


def test_a_pressure_that_looks_like_the_temperature_is_no_fault():
    assert set(feed(ConverterCheck(), around(WARM), around(WARM, seed=2), 50_000)) == {None}


@pytest.mark.parametrize("code", [0, 620, WARM, 3000, 4095])
def test_one_code_on_both_channels_is_a_stuck_converter_after_a_second_and_a_half(code):
    faults = feed(ConverterCheck(), lambda: code, lambda: code, 16)
    assert faults == [None] * 15 + [ADC_STUCK]


# 2.6 V instead of 3.3: 706 mV read as 706 * 4096 / 2600 = 1112. -20 °C are 787 mV, 977; 85 °C 606 mV, 752.
@pytest.mark.parametrize(
    ("temperature", "fault"), [(1112, REFERENCE_FAULT), (690, REFERENCE_FAULT), (977, None), (752, None)]
)
def test_a_temperature_that_no_chip_has_is_a_wrong_reference(temperature, fault):
    faults = feed(ConverterCheck(), around(1300), lambda: temperature, 5)
    assert faults == [None] * 4 + [fault]


def test_a_fault_ends_after_five_good_readings():
    check = ConverterCheck()
    feed(check, lambda: 700, lambda: 700, 40)
    assert feed(check, lambda: 1300, lambda: WARM, 6) == [ADC_STUCK] * 4 + [None] * 2
