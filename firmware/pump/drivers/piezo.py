"""The piezo: one PIO state machine that plays words (core/alarms/tones.py), fed from a table by DMA.

A whole burst is handed over at once, so that no edge of it waits for the CPU. When the words are over the state machine
waits in `pull` with the pin low: a CPU that hangs leaves a piezo that falls silent after the burst, until the watchdog
restarts the pump and the alarm of that sounds.

A word takes 3 ticks, and each of its cycles high + 2 of high and low + 7 of low:
    pull, out, mov                  3, once a word
    mov, out, jmp                   3 low
    set 1, jmp x-- (high + 1)       high + 2
    set 0, out, jmp x--, jmp y--    low + 4
"""

# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false
# The instructions of a PIO program are names that its decorator provides.

from machine import Pin
from micropython import const
from rp2 import DMA, PIO, StateMachine, asm_pio, asm_pio_encode

from pump import wiring
from pump.core.alarms.tones import TONE_TICK_HZ

_STATE_MACHINE = const(5)  # beside the step counter
_REQUEST = const(9)  # of that state machine's FIFO


@asm_pio(set_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_RIGHT, fifo_join=PIO.JOIN_TX)
def tone_words():
    wrap_target()
    pull(block)
    out(y, 11)
    mov(isr, osr)
    label("cycle")
    mov(osr, isr)
    out(x, 9)
    jmp(not_x, "rest")
    set(pins, 1)
    label("high")
    jmp(x_dec, "high")
    label("rest")
    set(pins, 0)
    out(x, 10)
    label("low")
    jmp(x_dec, "low")
    jmp(y_dec, "cycle")
    wrap()


class Piezo:
    """Plays tables of words."""

    def __init__(self):
        self._pin = Pin(wiring.PIEZO, Pin.OUT, value=0)
        self._low = asm_pio_encode("set(pins, 0)", 0)
        self._machine = StateMachine(_STATE_MACHINE, tone_words, freq=TONE_TICK_HZ, set_base=self._pin)
        self._channel = DMA()
        ctrl = self._channel.pack_ctrl(size=2, inc_write=False, treq_sel=_REQUEST)
        self._channel.config(write=self._machine, ctrl=ctrl)  # stays; what is read and how much comes with each table

    def play(self, words):
        """At once, whatever sounded before."""
        self._channel.active(0)
        self._machine.init(tone_words, freq=TONE_TICK_HZ, set_base=self._pin)  # empties the FIFO, pin low
        self._machine.active(1)
        self.follow(words)

    def follow(self, words):
        """After what is being played, without a gap. The caller has checked `busy()`."""
        self._channel.config(read=words, count=len(words), trigger=True)

    def busy(self):
        """Words of the last table are not in the FIFO yet."""
        return self._channel.active()

    def silent(self):
        """At once."""
        self._channel.active(0)
        self._machine.active(0)
        self._machine.exec(self._low)

    safe = silent
