"""The pressure sensor's voltage, on an ADC pin. Four reads a sample: their sum has two bits more and half
the noise. Beside it the chip's own temperature, whose voltage is known: a check of the converter."""

from machine import ADC, Pin
from micropython import const

_TEMPERATURE = const(4)  # a channel without a pin


class PressureSensor:
    """A pressure sensor at an ADC pin, and the temperature of the chip."""

    def __init__(self, pin):
        self._read = ADC(Pin(pin)).read_u16  # bound once: nothing is allocated in a sample
        self._read_temperature = ADC(_TEMPERATURE).read_u16
        self.code = 0  # of the last read, 0..4095

    def read_sum(self):
        """0..16380. `read_u16` repeats the converter's 12 bits in the low four: they are dropped."""
        read = self._read
        self.code = code = read() >> 4
        return code + (read() >> 4) + (read() >> 4) + (read() >> 4)

    def read_temperature(self):
        """The code of the chip's temperature, 0..4095."""
        return self._read_temperature() >> 4

    def safe(self):
        """An input drives nothing."""
