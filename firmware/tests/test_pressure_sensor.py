"""The pressure sensor on a strict fake of `machine`. Piezo, lamps and stepper are PIO programs: host/tests/stub runs
them."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fake_machine import TEMPERATURE, Board

PRESSURE = 26


@pytest.fixture
def board():
    return Board()


@pytest.mark.parametrize("raw", [0, 1, 2048, 4095])
def test_a_sample_is_the_sum_of_four_reads_of_12_bits(board, monkeypatch, raw):
    (module,) = board.load(monkeypatch, "pump.drivers.inputs")
    reads = [raw, raw, max(raw - 1, 0), raw]
    board.adc[PRESSURE] = iter(reads).__next__
    sensor = module.PressureSensor(PRESSURE)
    assert sensor.read_sum() == sum(reads)
    assert sensor.code == raw


def test_the_chip_s_temperature_is_read_from_its_own_channel(board, monkeypatch):
    (module,) = board.load(monkeypatch, "pump.drivers.inputs")
    board.adc[TEMPERATURE] = lambda: 876
    assert module.PressureSensor(PRESSURE).read_temperature() == 876


def test_a_pin_without_a_converter_is_refused(board, monkeypatch):
    (module,) = board.load(monkeypatch, "pump.drivers.inputs")
    with pytest.raises(ValueError, match="ADC"):
        module.PressureSensor(6)
