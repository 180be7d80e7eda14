"""Piezo, lamps and pressure sensor on a strict fake of `machine`."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from fake_machine import SIO, Board

PIEZO, RED, YELLOW, PRESSURE = 6, 10, 11, 26


@pytest.fixture
def board():
    return Board()


@pytest.fixture
def piezo(board, monkeypatch):
    (module,) = board.load(monkeypatch, "pump.drivers.piezo")
    return module.Piezo(PIEZO)


@pytest.fixture
def lamps(board, monkeypatch):
    (module,) = board.load(monkeypatch, "pump.drivers.lamps")
    return module.Lamps(RED, YELLOW)


def is_low(board, gpio):
    return board.function[gpio] == SIO and board.mode[gpio] == 1 and board.level[gpio] == 0


def test_the_piezo_is_low_from_the_first_moment(board, piezo):
    assert is_low(board, PIEZO)


def test_silence_drives_the_pin_low_though_a_stopped_pwm_leaves_it_high(board, piezo):
    piezo.tone(523, 32768)
    piezo.silent()
    assert (0, PIEZO, "deinit") in board.log
    assert is_low(board, PIEZO)


def test_pulses_of_one_alarm_share_one_pwm(board, piezo):
    for frequency_hz in (523, 294, 392):
        piezo.tone(frequency_hz, 3277)
        piezo.tone(frequency_hz, 32768)
        piezo.mute()
    assert board.pwm_made == 1
    assert board.log[-1] == (0, PIEZO, "duty", 0)


def test_the_frequency_is_written_only_when_it_changes(board, piezo):
    piezo.tone(523, 3277)
    piezo.tone(523, 32768)
    assert [entry[3] for entry in board.log if entry[2] == "freq"] == [523]


def test_a_tone_after_silence_takes_the_pin_back(board, piezo):
    piezo.tone(523, 32768)
    piezo.silent()
    piezo.tone(523, 32768)
    assert board.function[PIEZO] != SIO
    assert board.log[-2:] == [(0, PIEZO, "freq", 523), (0, PIEZO, "duty", 32768)]


def test_silence_and_mute_may_be_asked_for_at_any_time(board, piezo):
    piezo.mute()
    piezo.silent()
    piezo.safe()
    assert is_low(board, PIEZO)


def test_lamps_are_dark_from_the_first_moment_and_when_safe(board, lamps):
    assert is_low(board, RED)
    assert is_low(board, YELLOW)
    lamps.set(1, 1)
    assert (board.level[RED], board.level[YELLOW]) == (1, 1)
    lamps.safe()
    assert is_low(board, RED)
    assert is_low(board, YELLOW)


@pytest.mark.parametrize("raw", [0, 1, 2048, 4095])
def test_a_sample_is_the_sum_of_four_reads_of_12_bits(board, monkeypatch, raw):
    (module,) = board.load(monkeypatch, "pump.drivers.pressure_sensor")
    reads = [raw, raw, max(raw - 1, 0), raw]
    board.adc[PRESSURE] = iter(reads).__next__
    assert module.PressureSensor(PRESSURE).read_sum() == sum(reads)


def test_a_pin_without_a_converter_is_refused(board, monkeypatch):
    (module,) = board.load(monkeypatch, "pump.drivers.pressure_sensor")
    with pytest.raises(ValueError, match="ADC"):
        module.PressureSensor(PIEZO)
