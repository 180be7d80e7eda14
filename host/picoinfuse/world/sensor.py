"""A pressure sensor on an ADC pin: offset, gain, noise and faults.

An integer generator draws the noise from a table of 256 values, so the same seed gives the same readings on every
interpreter.
"""

_REFERENCE_MV = 3300
_COUNTS = 4096 * 65536 / _REFERENCE_MV  # 2**-16 of an ADC count per mV
_MASK = 0x7FFFFFFF
_LOW_REFERENCE_MV = 2700  # a reference fault: 80 kPa reads as 104, less than a jump (30 kPa) at any pressure of a line
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
    """The sensor and the converter that reads it.

    `config`: "offset_mv" (output at 0 Pa), "mv_per_pa" (gain), "noise_mv" (standard deviation). `seed`: of the noise.

    `fault`: None, or of the sensor "open" (the pull-up determines the voltage), "short" (to ground), "frozen" (repeats
    the last reading), "jump" (700 mV more); or of the converter "stuck" (one code on every channel), "reference"
    (2.7 V instead of 3.3 V, so every channel reads high).
    """

    def __init__(self, config: dict, seed: int):
        self._offset = config["offset_mv"] * _COUNTS
        self._drift = 0
        self._gain = config["mv_per_pa"] * _COUNTS
        sigma = config["noise_mv"] * _COUNTS / 1000
        self._noise = [round(-q * sigma) for q in _QUANTILES] + [round(q * sigma) for q in _QUANTILES]
        self._state = seed & _MASK
        self.fault = None
        self._raw = 0
        self._pressure_pa = None  # pressure to which `_level` belongs
        self._level = 0

    def drift(self, millivolts: float):
        """Shifts the offset from its first value, as temperature does; 0 restores it."""
        self._offset = self._offset - self._drift + millivolts * _COUNTS
        self._drift = millivolts * _COUNTS
        self._pressure_pa = None

    def temperature_u16(self) -> int:
        """Reading of the chip's temperature channel on the same converter: 27 °C, 706 mV (RP2040 datasheet 4.9.5)."""
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
        """12 bits scaled to 16, as the RP2040's `ADC.read_u16` returns them."""
        return raw << 4 | raw >> 8

    def _draw(self, pressure_pa):
        """Voltage on the pin with the next noise, in 2**-16 counts. Floats only for a new pressure, since this is the
        most frequent call of the stub.
        """
        if pressure_pa is not self._pressure_pa:
            self._pressure_pa = pressure_pa
            self._level = int(self._offset + self._gain * pressure_pa)
        self._state = state = (self._state * 1103515245 + 12345) & _MASK
        return self._level + self._noise[state >> 23]

    def millivolts(self, t_ns: int, pressure_pa: float) -> float:
        """Voltage on the pin in mV. Draws the next noise."""
        fault = self.fault
        if fault and fault not in _MOVED_MV:
            return _FAULTS_MV[fault]
        return self._draw(pressure_pa) / _COUNTS + (_MOVED_MV[fault] if fault else 0)

    def read_u16(self, t_ns: int, pressure_pa: float) -> int:
        """Reading of the pin: 12 bits scaled to 16, as the RP2040's `ADC.read_u16` returns them."""
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
        """Returns a function `read_u16()` for the pin, equal to the method above at `world.now_ns` with the pressure
        `pressure_at(now_ns)`. A closure, because it is the stub's most frequent call and the MicroPython VM finds
        variables of a closure faster than attributes.
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

    def snapshot(self) -> list:
        """State for `restore`."""
        return [self._state, self.fault, self._raw, self._drift / _COUNTS]

    def restore(self, state: list):
        """Sets the state that `snapshot` returned."""
        self._state, self.fault, self._raw = state[:3]
        self.drift(state[3])
