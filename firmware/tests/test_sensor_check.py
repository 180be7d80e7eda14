"""Counts to pascals, the filter's lag and noise, and the checks on the sensor."""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.occlusion import sensor_check as p
from pump.core.units import MASK

OPEN_MV, SHORT_MV = 3200, 100
GAIN = (60, 1)
SMALL_INT = 1 << 30

# Calibration


def exact_pa(raw_sum, offset_mv, gain):
    return (Fraction((raw_sum + 2) * 3300, 16384) - offset_mv) * Fraction(*gain)


def test_a_known_voltage_is_a_known_pressure():
    # 8184, and two that four truncated reads lack: 8186 * 3300 / 16384 = 1648.79 mV; (1648.79 - 500) * 60 = 68 927.5,
    # just below
    assert p.Calibration(500, (60, 1)).pa(8184) == 68_927


def test_pressure_below_zero_is_negative():
    # 200 mV: (200 - 500) * 60 = -18 000; 993 counts are 200.0061 mV
    assert p.Calibration(500, (60, 1)).pa(991) == -18_000


@given(st.integers(0, 16380), st.integers(0, 3000), st.integers(1, 400), st.integers(1, 16))
def test_the_result_is_within_5_8_pa_and_2_to_the_minus_15_of_the_span(raw_sum, offset_mv, num, den):
    # Rounding of the result 1/2 Pa; of the slope 1/2 in >= 2**29 / 16380, on span and offset: 2 * 2**-16;
    # small gains stop at a shift of 16: 16380 / 2 / 2**16 = 1/8 Pa.
    gain = (num, den)
    error_pa = p.Calibration(offset_mv, gain).pa(raw_sum) - exact_pa(raw_sum, offset_mv, gain)
    assert abs(error_pa) <= Fraction(5, 8) + 3300 * Fraction(num, den) / 2**15


@given(st.integers(-500, 3000), st.integers(1, 400), st.integers(1, 16))
def test_no_intermediate_leaves_the_small_integers(offset_mv, num, den):
    calibration = p.Calibration(offset_mv, (num, den))
    for raw_sum in (0, 16380):
        product = raw_sum * calibration._slope
        assert product < SMALL_INT
        assert abs(product + calibration._bias) < SMALL_INT


def test_a_gain_that_30_bits_cannot_hold_is_refused():
    with pytest.raises(p.SensorConfigError, match="too large"):
        p.Calibration(500, (400_000, 1))


# Filter


def test_the_first_sample_is_taken_as_it_is():
    assert p.PressureFilter().update(8000) == 8000


def test_a_ramp_comes_out_30_ms_late():
    # 10 counts a sample: three samples, 30 counts behind when settled
    smooth = p.PressureFilter()
    out = [smooth.update(10 * k) for k in range(200)]
    assert all(10 * k - out[k] == 30 for k in range(50, 200))


def test_after_a_step_nine_tenths_are_there_within_90_ms():
    # 1 - 0.75**8 = 0.90
    smooth = p.PressureFilter()
    smooth.update(0)
    assert [smooth.update(1000) for _ in range(8)][-1] == 900


def test_noise_comes_out_at_0_38_of_its_rms():
    # sigma 3.7 counts in: sqrt(1/7) * 3.7 = 1.4. Tolerance 10 %: 20 000 samples, correlated over 7, know
    # the rms to 2 %; the rounding of the output adds sqrt(1/12) = 0.29 counts in quadrature (2 %).
    noise = random.Random(3)
    smooth = p.PressureFilter()
    out = [smooth.update(8000 + round(noise.gauss(0, 3.7))) for _ in range(20_000)]
    rms = (sum((x - 8000) ** 2 for x in out) / len(out)) ** 0.5
    assert rms == pytest.approx(1.4, rel=0.10)


@given(st.integers(0, 16380), st.integers(0, 16380))
def test_a_constant_input_is_reached_exactly_from_either_side(start, constant):
    smooth = p.PressureFilter()
    smooth.update(start)
    for _ in range(60):  # 0.75**60 * 16380 = 0.0005 counts
        out = smooth.update(constant)
    assert out == constant


@given(st.lists(st.integers(0, 16380), min_size=1, max_size=100))
def test_the_output_stays_between_the_smallest_and_the_largest_input(samples):
    smooth = p.PressureFilter()
    for k, sample in enumerate(samples):
        assert min(samples[: k + 1]) <= smooth.update(sample) <= max(samples[: k + 1])
        assert smooth._state < SMALL_INT


# Sensor check


class Sensor:
    """Feeds a check every 10 ms; `live` moves by at least one count from sample to sample."""

    def __init__(self):
        self.check = p.SensorCheck(OPEN_MV, SHORT_MV, GAIN)
        self.now_ms = 0
        self._toggle = 0

    def feed(self, raw_sum, samples=1):
        for _ in range(samples):
            fault = self.check.update(raw_sum, self.now_ms)
            self.now_ms += 10
        return fault

    def live(self, samples=1):
        for _ in range(samples):
            self._toggle ^= 1
            fault = self.feed(8000 + self._toggle)
        return fault


@pytest.fixture
def sensor():
    return Sensor()


# 3200 mV * 16384 / 3300 = 15887.5: 15888 is the first sum at or above. 100 mV: 496.5, 496 is the last at or
# below.
@pytest.mark.parametrize(("raw_sum", "fault"), [(15888, p.SENSOR_OPEN), (496, p.SENSOR_SHORT)])
def test_five_bad_samples_are_a_fault_and_four_are_not(sensor, raw_sum, fault):
    assert sensor.live(20) is None
    assert sensor.feed(raw_sum, 4) is None
    assert not sensor.check.good
    assert sensor.feed(raw_sum) == fault


@pytest.mark.parametrize("raw_sum", [15887, 497])
def test_a_sum_just_inside_is_good(sensor, raw_sum):
    assert sensor.feed(raw_sum, 20) is None
    assert sensor.check.good


def test_five_good_samples_end_a_fault_and_four_do_not(sensor):
    sensor.feed(16380, 5)
    assert sensor.live(4) == p.SENSOR_OPEN
    assert sensor.live() is None


def test_a_loose_contact_that_is_bad_two_times_in_three_is_a_fault(sensor):
    # net one bad sample in three: five of them after 13 samples
    faults = [sensor.feed(16380) if k % 3 < 2 else sensor.live() for k in range(15)]
    assert p.SENSOR_OPEN in faults


def test_single_glitches_are_no_fault_however_many(sensor):
    for _ in range(200):
        assert sensor.feed(16380) is None
        assert sensor.live(2) is None


def test_a_sensor_that_goes_from_open_to_short_is_named_anew(sensor):
    sensor.feed(16380, 5)
    assert sensor.feed(0) == p.SENSOR_SHORT


def test_a_reading_that_stands_still_for_two_seconds_is_frozen(sensor):
    sensor.live(20)
    assert sensor.feed(7000, 200) is None  # the first at t, the 200th at t + 1.99 s
    assert sensor.feed(7000) == p.SENSOR_FROZEN


def test_a_loop_that_misses_a_sample_now_and_then_sees_it_as_soon(sensor):
    """One in twelve: 184 samples in 2.00 s, and 180 are enough."""
    sensor.live(20)
    began_ms = sensor.now_ms
    while sensor.feed(7000) is None:
        if (sensor.now_ms - began_ms) % 120 == 110:
            sensor.now_ms += 10
    assert sensor.now_ms - 10 - began_ms == 2000


def test_a_loop_that_misses_every_second_sample_takes_as_many_of_them(sensor):
    sensor.live(20)
    began_ms = sensor.now_ms
    while sensor.feed(7000) is None:
        sensor.now_ms += 10
    assert sensor.now_ms - 10 - began_ms == 179 * 20


def test_it_is_frozen_for_as_long_as_it_stands_still(sensor):
    sensor.feed(7000, 201)
    sensor.now_ms += MASK  # the clock is where it was 1 ms ago, and the sum has not moved in between
    assert sensor.feed(7000) == p.SENSOR_FROZEN


def test_one_count_of_movement_in_two_seconds_is_life(sensor):
    for k in range(20):
        assert sensor.feed(7000 + k % 2, 199) is None


def test_a_frozen_sensor_that_moves_again_is_believed_after_five_samples(sensor):
    sensor.feed(7000, 300)
    assert sensor.live(4) == p.SENSOR_FROZEN
    assert sensor.live() is None


def test_an_open_sensor_is_called_open_however_still_it_stands(sensor):
    assert sensor.feed(16380, 400) == p.SENSOR_OPEN


def test_a_living_sensor_is_never_called_frozen():
    # 1.5 mV rms at 3300/4096 mV a count, four reads: as the docstring of SensorCheck. A day at 100 Hz is
    # 8.6 million samples; one in nine repeats the last, and the longest run of repeats in 200 000 is around
    # log(200 000)/log(9) = 6, far from 200.
    noise = random.Random(5)
    check = p.SensorCheck(OPEN_MV, SHORT_MV, GAIN)
    longest = 0
    for k in range(200_000):
        raw_sum = sum(round(noise.gauss(2000.3, 1.5 / (3300 / 4096))) for _ in range(4))
        assert check.update(raw_sum, 10 * k & MASK) is None
        longest = max(longest, check._equal)
    assert longest < 15


def test_no_sample_for_more_than_100_ms_is_stale(sensor):
    sensor.live()  # at 0
    assert sensor.check.check_age(100) is None
    assert sensor.check.check_age(101) == p.SENSOR_STALE


def test_a_stale_sensor_is_believed_after_five_samples(sensor):
    sensor.live()
    sensor.check.check_age(500)
    assert sensor.live(4) == p.SENSOR_STALE
    assert sensor.live() is None


def test_before_the_first_sample_nothing_is_stale(sensor):
    assert sensor.check.check_age(5_000) is None


def test_age_is_right_across_a_wrap_of_the_clock(sensor):
    sensor.check.update(8000, MASK)
    assert sensor.check.check_age(99) is None  # 100 ms later
    assert sensor.check.check_age(100) == p.SENSOR_STALE


@pytest.mark.parametrize(("open_mv", "short_mv"), [(3300, 100), (100, 100), (3200, -1)])
def test_limits_that_the_converter_cannot_reach_are_refused(open_mv, short_mv):
    with pytest.raises(p.SensorConfigError):
        p.SensorCheck(open_mv, short_mv, GAIN)


# Jumps: 30 kPa at 60 Pa/mV are 500 mV, 500 * 16384 / 3300 = 2482 counts of the sum.


def test_a_jump_that_no_pressure_makes_is_a_fault_after_five_samples(sensor):
    sensor.live(50)
    assert [sensor.feed(8000 + 2484 + k % 2) for k in range(5)] == [None] * 4 + [p.SENSOR_JUMP]


@pytest.mark.parametrize("step", [2481, -2481])
def test_a_step_just_within_is_believed(sensor, step):
    sensor.live(50)
    assert [sensor.feed(8001 + step - k % 2) for k in range(20)] == [None] * 20


def test_a_sample_after_a_jump_is_not_used(sensor):
    sensor.live(50)
    sensor.feed(11_000)
    assert not sensor.check.good


def test_a_single_jump_and_back_is_a_glitch(sensor):
    sensor.live(50)
    for _ in range(20):
        assert sensor.feed(11_000) is None
        assert sensor.live(3) is None


def test_a_fault_that_ends_in_the_middle_of_a_sample_is_no_jump(sensor):
    sensor.live(50)
    for _ in range(8):
        sensor.feed(0)
    assert sensor.feed(2000) == p.SENSOR_SHORT  # one of its four reads was good
    assert [sensor.feed(8000 + k % 2) for k in range(5)] == [p.SENSOR_SHORT] * 3 + [None] * 2


def test_where_it_jumped_to_is_believed_after_five_samples_more(sensor):
    sensor.live(50)
    faults = [sensor.feed(11_000 + k % 2) for k in range(12)]
    assert faults[4:] == [p.SENSOR_JUMP] * 5 + [None] * 3
