"""The pressure sensor: its line, its noise, its faults, and the 16 bits that the firmware reads."""

import statistics
from itertools import pairwise

import pytest

from picoinfuse.world.sensor import PressureSensor

CONFIG = {"offset_mv": 500, "mv_per_pa": 1 / 60, "noise_mv": 1.5}
QUIET = {**CONFIG, "noise_mv": 0}


def test_the_voltage_is_offset_plus_gain_times_pressure():
    sensor = PressureSensor(QUIET, 1)
    assert sensor.millivolts(0, 0) == pytest.approx(500)
    assert sensor.millivolts(0, 60_000) == pytest.approx(1500)


@pytest.mark.parametrize(
    ("pressure_pa", "raw"),
    [
        (0, 620),  # 500 mV * 4096 / 3300 = 620.6
        (60_000, 1861),  # 1500 mV: 1861.8
        (-60_000, 0),  # below ground
        (600_000, 4095),  # above the reference
    ],
)
def test_the_reading_is_12_bits_spread_over_16(pressure_pa, raw):
    assert PressureSensor(QUIET, 1).read_u16(0, pressure_pa) == raw << 4 | raw >> 8


def test_the_noise_has_the_asked_size_and_no_bias():
    """Of 20,000 readings the mean errs by 1.5/sqrt(20000) = 0.011 mV, taken four times; sigma is 0.993 * 1.5."""
    sensor = PressureSensor(CONFIG, 7)
    readings = [sensor.millivolts(0, 0) for _ in range(20_000)]
    assert statistics.mean(readings) == pytest.approx(500, abs=0.045)
    assert statistics.stdev(readings) == pytest.approx(1.5 * 0.993, rel=0.02)
    assert max(readings) - 500 == pytest.approx(2.886 * 1.5, rel=0.001)


def test_the_noise_does_not_repeat_itself_soon():
    sensor = PressureSensor(CONFIG, 7)
    readings = [sensor.millivolts(0, 0) for _ in range(5000)]
    assert readings[:1000] not in [readings[shift : shift + 1000] for shift in (256, 512, 1024, 2048, 4000)]
    mean = statistics.mean(readings)
    near = sum((a - mean) * (b - mean) for a, b in pairwise(readings))
    assert abs(near / sum((a - mean) ** 2 for a in readings)) < 0.06  # 4/sqrt(5000)


def test_the_same_seed_gives_the_same_readings():
    one, same, other = PressureSensor(CONFIG, 3), PressureSensor(CONFIG, 3), PressureSensor(CONFIG, 4)
    readings = [one.read_u16(0, 1000) for _ in range(50)]
    assert [same.read_u16(0, 1000) for _ in range(50)] == readings
    assert [other.read_u16(0, 1000) for _ in range(50)] != readings


@pytest.mark.parametrize(("fault", "expected"), [("open", 65535), ("short", 0)])
def test_a_broken_wire_reads_its_rail(fault, expected):
    sensor = PressureSensor(CONFIG, 1)
    sensor.fault = fault
    assert {sensor.read_u16(0, 5000) for _ in range(10)} == {expected}


def test_a_frozen_sensor_holds_its_last_reading_exactly():
    sensor = PressureSensor(CONFIG, 1)
    last = sensor.read_u16(0, 5000)
    sensor.fault = "frozen"
    assert {sensor.read_u16(0, pressure_pa) for pressure_pa in range(0, 60_000, 1000)} == {last}
    sensor.fault = None
    assert sensor.read_u16(0, 60_000) > last


def test_an_unknown_fault_is_refused():
    sensor = PressureSensor(CONFIG, 1)
    sensor.fault = "tired"
    with pytest.raises(KeyError):
        sensor.read_u16(0, 0)


def test_a_snapshot_goes_on_with_the_same_noise():
    one, again = PressureSensor(CONFIG, 5), PressureSensor(CONFIG, 9)
    one.read_u16(0, 0)
    again.restore(one.snapshot())
    assert [again.read_u16(0, 100) for _ in range(20)] == [one.read_u16(0, 100) for _ in range(20)]
