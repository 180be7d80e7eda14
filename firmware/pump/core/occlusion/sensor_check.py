"""From the ADC's counts to a pressure that can be believed, or none.

A sample is the sum of four 12-bit reads (0..16380). SensorCheck says whether the sensor lives,
PressureFilter smooths, Calibration turns counts into millivolts and these into pascals in one
multiplication. All integers, all below 2**30. The pressure task wires the three.
"""

from micropython import const

from pump.core.units import elapsed_ms

_READS = const(4)  # of the ADC in one sample
SAMPLE_MS = const(10)
_FULL_MV = const(3300)  # at the count that the ADC just does not reach
_FULL_SUM = const(16384)  # _READS * 4096
_MAX_SUM = const(16380)  # _READS * 4095

SENSOR_OPEN = "sensor_open"
SENSOR_SHORT = "sensor_short"
SENSOR_FROZEN = "sensor_frozen"
SENSOR_JUMP = "sensor_jump"
SENSOR_STALE = "sensor_stale"

# A jump is looked for without a fault, and while it is the fault: another fault may end in the middle of a sample.
_COMPARED = (None, SENSOR_JUMP)
_PERSISTENCE = const(5)  # samples, 50 ms: one glitch is no alarm
_FROZEN_MS = const(2000)  # of the same sum, from the first to the last
_FROZEN_SAMPLES = const(180)  # and no fewer: a busy loop may miss one in ten
_STALE_MS = const(100)
# From one sample to the next, 10 ms: 225 mmHg. The motor makes 3.3 kPa of it at 1200 mL/h in a line ten times stiffer
# than a syringe, a patient's cough or a bag that falls less than 10. More is no pressure.
_JUMP_PA = const(30_000)

_FILTER_SHIFT = const(2)
_FRACTION_SHIFT = const(6)


class SensorConfigError(ValueError):
    """The profile's numbers for the sensor cannot work with this ADC."""


class PressureFilter:
    """First-order low pass: each sample moves the output a quarter of the way.

    Its lag on a ramp is (1 - 1/4) / (1/4) = 3 samples: 30 ms. White noise comes out at sqrt((1/4) / (2 -
    1/4)) = 0.38 of its rms. The state carries six fractional bits, 16380 << 6 = 1.05 million.
    """

    def __init__(self):
        self._state = -1  # -1: empty, the next sample is taken as it is

    def update(self, raw_sum):
        """Takes a sample (0..16380); returns the filtered one."""
        state = self._state
        if state < 0:
            state = raw_sum << _FRACTION_SHIFT
        else:
            # + 2 rounds to nearest: without it the output would rest up to three fractional bits low
            state += ((raw_sum << _FRACTION_SHIFT) - state + 2) >> _FILTER_SHIFT
        self._state = state
        return (state + 32) >> _FRACTION_SHIFT

    def reset(self):
        """The next sample is taken as it is."""
        self._state = -1


class Calibration:
    """pressure_pa = ((sum + 2) * 3300 / 16384 - offset_mv) * gain, as (sum * slope + bias) >> shift.

    A converter counts whole steps: each of the four reads lies half a count below its voltage on the mean, the sum two.
    Left so, every pressure would be 24 Pa low at 60 Pa/mV, and a limit that is approached by 2 Pa/s passed 12 s
    before it is seen.

    The shift is the largest, up to 16, that keeps every intermediate below 2**30. The result is within 5/8
    Pa and 2**-15 of the sensor's span of the exact value: half a pascal is its own rounding, the rest the
    slope's.
    """

    def __init__(self, offset_mv, gain_pa_per_mv):
        """`gain_pa_per_mv` is a ratio (numerator, denominator)."""
        numerator, denominator = gain_pa_per_mv
        shift = 16
        while True:
            slope = _divide(_FULL_MV * numerator << shift, _FULL_SUM * denominator)
            bias = _divide(-offset_mv * numerator << shift, denominator) + slope * _READS // 2 + (1 << shift >> 1)
            if slope * _MAX_SUM + abs(bias) < 1 << 30:
                break
            shift -= 1
            if shift < 0:
                raise SensorConfigError("sensor: pa_per_mv or offset_mv is too large for 30-bit arithmetic")
        self._slope = slope
        self._bias = bias
        self._shift = shift

    def pa(self, raw_sum):
        """Pascals of a sample (0..16380), rounded down."""
        return (raw_sum * self._slope + self._bias) >> self._shift


class SensorCheck:
    """Does the sensor live? Names the fault, or None.

    A sample that is open, short, frozen or too far from the last good one is bad and is not to be used
    (`good`). Five bad ones make a fault, five good ones end it: a score counts up and down between 0 and 5,
    so a loose contact that is bad more often than good is a fault too.

    Frozen is the same sum for 2 s. A living sensor cannot do that: with 1.5 mV rms of noise at 0.806 mV a
    count, the sum of four reads has a sigma of 2 * 1.5 / 0.806 = 3.7 counts, the likeliest sum comes with p
    = 1 / (3.7 * sqrt(2 pi)) = 0.11, and 179 more of it in a row with 0.11**179 = 3e-172. With a tenth of
    that noise (sigma 0.37, p = 0.82) it is 0.82**179 = 4e-16: 1e-6 a year at 100 Hz.
    """

    def __init__(self, open_mv, short_mv, gain_pa_per_mv):
        # At or above open_mv, at or below short_mv, in counts: rounded towards the middle would call a good
        # sample bad.
        self._open_sum = -(-open_mv * _FULL_SUM // _FULL_MV)
        self._short_sum = short_mv * _FULL_SUM // _FULL_MV
        if not 0 <= short_mv < open_mv < _FULL_MV:
            raise SensorConfigError("sensor: short_mv is to be 0 or more, open_mv above it and at most 3299")
        numerator, denominator = gain_pa_per_mv
        self._jump_sum = max(1, _JUMP_PA * denominator * _FULL_SUM // (numerator * _FULL_MV))
        self._trusted = -1  # the last good sum; -1: none to compare with
        self.fault = None
        self.good = False  # the last sample may be used
        self._score = 0
        self._previous = -1
        self._equal = 0  # samples in a row with the same sum
        self._since_ms = 0  # when the first of them was taken
        self._last_ms = None  # None: no sample yet

    def update(self, raw_sum, now_ms):
        """Takes a sample. Returns the fault in force, or None."""
        self._last_ms = now_ms
        bad = None
        if raw_sum != self._previous:
            self._previous = raw_sum
            self._equal = 1
            self._since_ms = now_ms
        elif self._equal < _FROZEN_SAMPLES:
            self._equal += 1
        if raw_sum >= self._open_sum:
            bad = SENSOR_OPEN
        elif raw_sum <= self._short_sum:
            bad = SENSOR_SHORT
        elif self._equal >= _FROZEN_SAMPLES and (self.fault is SENSOR_FROZEN or self._stood(now_ms)):
            bad = SENSOR_FROZEN
            self._score = _PERSISTENCE  # it has persisted
        elif self._trusted >= 0 and self.fault in _COMPARED and abs(raw_sum - self._trusted) > self._jump_sum:
            bad = SENSOR_JUMP
        self.good = bad is None
        if bad is not None:
            if self._score < _PERSISTENCE:
                self._score += 1
            if self._score >= _PERSISTENCE:
                self.fault = bad
                self._trusted = -1  # what comes after a fault is compared with nothing from before it
            return self.fault
        self._trusted = raw_sum
        if self._score:
            self._score -= 1
            if not self._score:
                self.fault = None
        return self.fault

    def _stood(self, now_ms):
        return elapsed_ms(now_ms, self._since_ms) >= _FROZEN_MS

    def excuse(self, now_ms):
        """There could be no sample up to now."""
        if self._last_ms is not None:
            self._last_ms = now_ms

    def check_age(self, now_ms):
        """Is the last sample too old? Returns the fault in force, or None. Before the first sample there is
        nothing to be stale."""
        if self._last_ms is not None and elapsed_ms(now_ms, self._last_ms) > _STALE_MS:
            self.fault = SENSOR_STALE
            self._trusted = -1
            self._score = _PERSISTENCE
        return self.fault


def _divide(numerator, denominator):
    """Rounded to nearest."""
    return (2 * numerator + denominator) // (2 * denominator)
