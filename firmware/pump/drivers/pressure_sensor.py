"""The pressure sensor's voltage, on an ADC pin. Four reads a sample: their sum has two bits more and half
the noise."""

from machine import ADC, Pin


class PressureSensor:
    def __init__(self, pin):
        self._read = ADC(Pin(pin)).read_u16  # bound once: nothing is allocated in a sample

    def read_sum(self):
        """0..16380. `read_u16` repeats the converter's 12 bits in the low four: they are dropped."""
        read = self._read
        return (read() >> 4) + (read() >> 4) + (read() >> 4) + (read() >> 4)

    def safe(self):
        """An input drives nothing."""
