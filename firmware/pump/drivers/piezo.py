"""The piezo, on a PWM pin with a pull-down.

Three conditions: *tone*, *mute* (between two pulses: the slice runs at duty 0, so that no pulse needs a new
PWM) and *silent* (no alarm: the pin is an output at low). Silent ends in driving the pin low because
stopping a slice leaves the pin where it happened to be, which for a piezo can be high. Taking the pin so
also takes it from the PWM: only a new PWM gives it back. On the RP2040 that is a static object and costs no
memory.
"""

from machine import PWM, Pin


class Piezo:
    def __init__(self, pin):
        self._pin = Pin(pin, Pin.OUT, value=0)
        self._pwm = None  # None while silent
        self._frequency_hz = 0

    def tone(self, frequency_hz, duty_u16):
        if self._pwm is None:
            self._pwm = PWM(self._pin, freq=frequency_hz, duty_u16=duty_u16)
        else:
            if frequency_hz != self._frequency_hz:
                self._pwm.freq(frequency_hz)
            self._pwm.duty_u16(duty_u16)
        self._frequency_hz = frequency_hz

    def mute(self):
        if self._pwm is not None:
            self._pwm.duty_u16(0)

    def silent(self):
        if self._pwm is not None:
            self._pwm.duty_u16(0)
            self._pwm.deinit()
            self._pwm = None
        self._pin.init(Pin.OUT, value=0)

    def safe(self):
        self.silent()
