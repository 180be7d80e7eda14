"""The pressure sensor on its ADC pin: an offset, a gain, noise, and the ways in which it fails.

The noise is drawn from a table of 256 values by an integer generator, so that the same seed gives the same
readings on every VM.
"""

_REFERENCE_MV = 3300
_COUNTS = 4096 * 65536 / _REFERENCE_MV  # of 2**-16, a millivolt
_MASK = 0x7FFFFFFF
_LOW_REFERENCE_MV = 2700  # seen from 2810 on; reads 80 kPa as 104, which is no jump (30) at any pressure of a line
_MOVED_MV = {"jump": 700, "reference": 0}
_TEMPERATURE_MV = 706
_FAULTS_MV = {"open": _REFERENCE_MV, "short": 0}

# Quantiles of the normal distribution at (128.5 + i)/256, in thousandths of sigma; their root mean square is 993.
# fmt: off
_QUANTILES = (
    5, 15, 24, 34, 44, 54, 64, 74, 83, 93, 103, 113, 123, 133, 142, 152, 162, 172, 182, 192, 202, 212, 222,
    232, 242, 252, 262, 273, 283, 293, 303, 313, 324, 334, 345, 355, 365, 376, 386, 397, 408, 418, 429,
    440, 451, 461, 472, 483, 494, 505, 517, 528, 539, 550, 562, 573, 585, 597, 608, 620, 632, 644, 656,
    668, 681, 693, 706, 718, 731, 744, 757, 770, 783, 796, 810, 824, 837, 851, 866, 880, 894, 909, 924,
    939, 954, 970, 986, 1002, 1018, 1035, 1052, 1069, 1086, 1104, 1122, 1141, 1160, 1179, 1199, 1219, 1240,
    1262, 1284, 1306, 1330, 1354, 1379, 1405, 1431, 1459, 1488, 1518, 1550, 1584, 1619, 1656, 1696, 1739,
    1785, 1836, 1891, 1953, 2024, 2107, 2207, 2335, 2521, 2886,
)
# fmt: on


class PressureSensor:
    """With the converter that reads it. `fault` is None or one of the sensor: "open" (the pull-up wins), "short" (to
    ground), "frozen" (the last reading for ever), "jump" (700 mV more); or of the converter: "stuck" (one code on every
    channel), "reference" (2.7 V instead of 3.3: every channel reads high).
    """

    def __init__(self, config, seed):
        self._offset = config["offset_mv"] * _COUNTS
        self._drift = 0
        self._gain = config["mv_per_pa"] * _COUNTS
        sigma = config["noise_mv"] * _COUNTS / 1000
        self._noise = [round(-q * sigma) for q in _QUANTILES] + [round(q * sigma) for q in _QUANTILES]
        self._state = seed & _MASK
        self.fault = None
        self._raw = 0
        self._pressure_pa = None  # that `_level` was worked out for
        self._level = 0

    def drift(self, millivolts):
        """Moves the offset, as temperature does."""
        self._offset = self._offset - self._drift + millivolts * _COUNTS
        self._drift = millivolts * _COUNTS
        self._pressure_pa = None

    def temperature_u16(self):
        """The chip's own temperature, 27 °C, on the same converter."""
        if self.fault == "stuck":
            return self._spread(self._raw)
        self._state = state = (self._state * 1103515245 + 12345) & _MASK
        return self._convert(_TEMPERATURE_MV * _COUNTS + self._noise[state >> 23])

    def _convert(self, level):
        if self.fault == "reference":
            level = level * _REFERENCE_MV // _LOW_REFERENCE_MV
        raw = int(level) >> 16
        return self._spread(0 if raw < 0 else 4095 if raw > 4095 else raw)

    def _spread(self, raw):
        """12 bits, spread over 16 as the RP2040's `ADC.read_u16` does."""
        return raw << 4 | raw >> 8

    def _draw(self, pressure_pa):
        """What is on the pin, in counts * 2**16, with the next noise. Integers but for a new pressure: this is
        the busiest place of the stub.
        """
        if pressure_pa is not self._pressure_pa:
            self._pressure_pa = pressure_pa
            self._level = int(self._offset + self._gain * pressure_pa)
        self._state = state = (self._state * 1103515245 + 12345) & _MASK
        return self._level + self._noise[state >> 23]

    def millivolts(self, t_ns, pressure_pa):
        """What is on the pin. Draws the next noise."""
        fault = self.fault
        if fault and fault not in _MOVED_MV:
            return _FAULTS_MV[fault]
        return self._draw(pressure_pa) / _COUNTS + (_MOVED_MV[fault] if fault else 0)

    def read_u16(self, t_ns, pressure_pa):
        """12 bits, spread over 16 as the RP2040's `ADC.read_u16` does."""
        if self.fault is None:
            raw = self._draw(pressure_pa) >> 16
            self._raw = raw = 0 if raw < 0 else 4095 if raw > 4095 else raw
            return raw << 4 | raw >> 8
        if self.fault in ("frozen", "stuck"):
            return self._spread(self._raw)
        read = self._convert(self.millivolts(t_ns, pressure_pa) * _COUNTS)
        self._raw = read >> 4
        return read

    def reader(self, world, pressure_at):
        """`read_u16` of its pin, where the pressure is `pressure_at(t_ns)`: the same as above, of a clock. This is the
        busiest function of the stub, and what a closure holds the VM finds sooner than an attribute.
        """
        noise = self._noise
        at_ns = -1
        pressure_pa = 0.0
        level = 0

        def read_u16():
            nonlocal at_ns, pressure_pa, level
            if world.now_ns != at_ns:
                at_ns = world.now_ns
                pressure_pa = pressure_at(at_ns)
                level = int(self._offset + self._gain * pressure_pa)
            if self.fault is not None:
                return self.read_u16(at_ns, pressure_pa)
            self._state = state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
            raw = (level + noise[state >> 23]) >> 16
            self._raw = raw = 0 if raw < 0 else 4095 if raw > 4095 else raw
            return raw << 4 | raw >> 8

        return read_u16

    def snapshot(self):
        return [self._state, self.fault, self._raw, self._drift / _COUNTS]

    def restore(self, state):
        self._state, self.fault, self._raw = state[:3]
        self.drift(state[3])
