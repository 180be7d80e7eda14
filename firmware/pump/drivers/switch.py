"""An input with a pull-up: a contact to ground, or a detector's output. A wire that is broken reads high."""

from machine import Pin


class Switch:
    """`value()` is 1 when the contact is open, 0 when it is closed."""

    def __init__(self, pin):
        self.value = Pin(pin, Pin.IN, Pin.PULL_UP).value
