"""The alarm lamps: two pins, high is lit."""

from machine import Pin


class Lamps:
    def __init__(self, red_pin, yellow_pin):
        self._red = Pin(red_pin, Pin.OUT, value=0)
        self._yellow = Pin(yellow_pin, Pin.OUT, value=0)

    def set(self, red, yellow):
        self._red.value(red)
        self._yellow.value(yellow)

    def safe(self):
        self.set(0, 0)
