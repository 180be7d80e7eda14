"""Does the analogue converter itself work? Asked of a second channel: the chip's own temperature.

Its voltage is known without a sensor: 706 mV at 27 °C, 1.72 mV less for each degree (RP2040 datasheet 4.9.5). From
-20 to 85 °C that is 787 to 606 mV; a part's own spread is allowed 45 mV beyond. What that can tell:

    reference_fault   outside 560 to 830 mV, five reads in a row: the reference is off by more than some 17 % at
                      room temperature, for all channels alike. What is less looks like a warm or a cold chip and is
                      not seen: pressure is then read wrong by as much. Too low a reference reads high, and alarms
                      early.
    adc_stuck         the same code on both channels for 1.6 s: the converter does not convert, or its input switch
                      does not switch. With a pressure of 12 kPa both are the same by chance one time in five, 16 looks
                      in a row with 0.2**16 = 7e-12.
"""

from micropython import const

ADC_STUCK = "adc_stuck"
REFERENCE_FAULT = "reference_fault"

_LOW_CODE = const(695)  # 560 mV of 3300, in 4096
_HIGH_CODE = const(1030)  # 830 mV
_STUCK_READS = const(16)  # 100 ms apart
_REFERENCE_READS = const(5)


class ConverterCheck:
    """`fault` is None, ADC_STUCK or REFERENCE_FAULT."""

    def __init__(self):
        self.fault = None
        self._same = 0  # reads in a row
        self._beyond = 0
        self._good = 0

    def update(self, pressure_code, temperature_code):
        """Codes of 12 bits, read one after the other, every 100 ms. Returns the fault in force, or None."""
        self._same = self._same + 1 if pressure_code == temperature_code else 0
        # A converter that is stuck says nothing of its reference.
        plausible = _LOW_CODE <= temperature_code <= _HIGH_CODE or temperature_code == pressure_code
        self._beyond = 0 if plausible else self._beyond + 1
        if self._same >= _STUCK_READS:
            self._same = _STUCK_READS
            self._good = 0
            self.fault = ADC_STUCK
        elif self._beyond >= _REFERENCE_READS and self.fault is None:
            self._beyond = _REFERENCE_READS
            self.fault = REFERENCE_FAULT
        if self._same or self._beyond:
            self._good = 0
        elif self.fault is not None:
            self._good += 1
            if self._good >= _REFERENCE_READS:
                self.fault = None
        return self.fault
