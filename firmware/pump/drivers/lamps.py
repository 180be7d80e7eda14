"""The alarm lamps, high is lit: one PIO state machine that repeats a word for both, so that a flash keeps its time
while the CPU is busy. The two pins are neighbours.

A word is (levels, ticks) twice: 2 bits of levels, 13 of ticks, in ticks of 0.5 ms; 30 bits, a small int on the Pico. A
light that is steady has the same levels twice.
"""

# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false
# The instructions of a PIO program are names that its decorator provides.

from machine import Pin
from micropython import const
from rp2 import PIO, StateMachine, asm_pio

from pump import wiring
from pump.core.alarms.bursts import LAMPS

_STATE_MACHINE = const(6)
_TICK_HZ = const(2000)
_TICKS_PER_MS = const(2)
# Ticks that the program needs beside what is in the fields.
_FIRST_TICKS = const(3)
_SECOND_TICKS = const(5)
_STEADY_MS = const(10)


@asm_pio(out_init=(PIO.OUT_LOW, PIO.OUT_LOW), out_shiftdir=PIO.SHIFT_RIGHT)  # pyright: ignore[reportArgumentType]
def lamp_word():
    wrap_target()
    pull(noblock)  # the new word, or else what is in x: the old one
    mov(x, osr)
    out(pins, 2)
    out(y, 13)
    label("first")
    jmp(y_dec, "first")
    out(pins, 2)
    out(y, 13)
    label("second")
    jmp(y_dec, "second")
    wrap()


def encode(red, yellow, on_ms, off_ms):
    """The word of a light: `red` and `yellow` are 0 or 1; `off_ms` 0 is a steady light."""
    levels = red | yellow << 1
    first = on_ms * _TICKS_PER_MS - _FIRST_TICKS
    second = (off_ms or _STEADY_MS) * _TICKS_PER_MS - _SECOND_TICKS
    return levels | first << 2 | (0 if off_ms else levels) << 15 | second << 17


def lamp_feedback():
    """The wire that is high while current flows through either lamp; one that is broken says dark."""
    return Pin(wiring.LAMP_FEEDBACK, Pin.IN, Pin.PULL_DOWN)


class Lamps:
    """The red and the yellow lamp."""

    def __init__(self):
        self._red = Pin(wiring.LAMP_RED, Pin.OUT, value=0)
        Pin(wiring.LAMP_YELLOW, Pin.OUT, value=0)
        self._words = [encode(*lamp) if lamp[2] else 0 for lamp in LAMPS]
        self._machine = StateMachine(_STATE_MACHINE, lamp_word, freq=_TICK_HZ, out_base=self._red)

    def show(self, priority):
        """The light of a priority, from its beginning; of NONE, dark."""
        self._begin(self._words[priority])

    def light(self, red, yellow):
        """Steady."""
        self._begin(encode(red, yellow, _STEADY_MS, 0) if red or yellow else 0)

    def _begin(self, word):
        machine = self._machine
        machine.init(lamp_word, freq=_TICK_HZ, out_base=self._red)  # stops it, empties the FIFO, pins low
        if word:
            machine.put(word)
            machine.active(1)

    def safe(self):
        self.show(0)
