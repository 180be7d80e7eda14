"""The pump's inputs: pressure and battery voltage on ADC pins, and contacts.

Four reads of the ADC make a sample: their sum has two bits more and half the noise. One file, since each module costs
two blocks of the Pico's filesystem while a deployment is staged.
"""

from machine import ADC, Pin
from micropython import const

from pump import wiring

_TEMPERATURE = const(4)  # a channel without a pin
_REFERENCE_MV = const(3300)
_CODES = const(16384)  # of four reads of 12 bits


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


class BatterySensor:
    """The battery at its ADC pin, behind a divider."""

    def __init__(self, divider):
        """`divider`: mV of the battery, mV at the pin."""
        self._read = ADC(Pin(wiring.BATTERY)).read_u16
        self._num, self._den = divider

    def millivolts(self):
        """mV of the battery, by the mean of four reads."""
        read = self._read
        codes = (read() >> 4) + (read() >> 4) + (read() >> 4) + (read() >> 4)
        return codes * _REFERENCE_MV // _CODES * self._num // self._den

    def safe(self):
        """An input drives nothing."""


class Switch:
    """An input with a pull-up: a contact to ground, or a detector's output. A broken wire reads high.

    `value()` is 1 when the contact is open, 0 when it is closed.
    """

    def __init__(self, pin):
        self.value = Pin(pin, Pin.IN, Pin.PULL_UP).value
