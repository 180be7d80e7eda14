"""The battery's voltage by its divider, on a strict fake of `machine`."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fake_machine import Board

from pump import wiring


@pytest.mark.parametrize(("code", "millivolts"), [(0, 0), (2048, 3300), (4095, 6598)])
def test_a_voltage_is_four_reads_times_the_divider(monkeypatch, code, millivolts):
    # 2:1. 4095 of 4096 of 3300 mV are 3299.2, rounded down to 3299, times 2.
    board = Board()
    board.adc[wiring.BATTERY] = lambda: code
    (module,) = board.load(monkeypatch, "pump.drivers.inputs")
    assert module.BatterySensor((2, 1)).millivolts() == millivolts


def test_reads_that_differ_are_averaged(monkeypatch):
    board = Board()
    board.adc[wiring.BATTERY] = iter([2000, 2001, 2002, 2005]).__next__
    (module,) = board.load(monkeypatch, "pump.drivers.inputs")
    assert module.BatterySensor((1, 1)).millivolts() == 8008 * 3300 // 16384  # 1612 mV
