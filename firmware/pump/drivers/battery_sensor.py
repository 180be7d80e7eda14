"""The battery's voltage by a divider, on an ADC pin."""

from machine import ADC, Pin
from micropython import const

from pump import wiring

_REFERENCE_MV = const(3300)
_CODES = const(16384)  # of four reads of 12 bits


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
