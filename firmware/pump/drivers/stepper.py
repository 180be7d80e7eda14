"""The stepper: one PIO state machine that makes the steps it was granted, and no others.

A word grants `count` steps, `ticks` apart (200 ns each), or a wait of `ticks`. The FIFO holds eight words. When
it is empty the state machine waits in `pull`: a CPU that hangs starves it, and the motor stops. Where words are
short, `feed` keeps the FIFO full from tables that end by themselves.

Each step takes `field + 17` ticks, whether it is the first of a word or not, so a change of word leaves no gap:
    pull, out, jmp          3   (or the nop [2] on the way round)
    mov, jmp x--            1 + field + 1
    set 1 [9]               10  2 µs high; drivers ask for 1 µs or more
    set 0, jmp y--          2
and a wait takes 3 + 1 + field + 1 + 12, the same.
"""

# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false
# The instructions of a PIO program are names that its decorator provides.

from machine import Pin
from micropython import const
from rp2 import PIO, StateMachine, asm_pio, asm_pio_encode

from pump import wiring
from pump.core.motion.step_grid import TICK_HZ
from pump.drivers.step_feed import StepFeed

_FIFO_WORDS = const(8)
_STATE_MACHINE = const(0)


@asm_pio(set_init=PIO.OUT_LOW, out_shiftdir=PIO.SHIFT_RIGHT, fifo_join=PIO.JOIN_TX)
def step_words():
    wrap_target()
    label("next")
    pull(block)
    out(y, 11)
    jmp(y_dec, "step")
    mov(x, osr)
    label("wait")
    jmp(x_dec, "wait")
    jmp("next")[11]
    label("again")
    nop()[2]
    label("step")
    mov(x, osr)
    label("delay")
    jmp(x_dec, "delay")
    set(pins, 1)[9]
    set(pins, 0)
    jmp(y_dec, "again")
    wrap()


class Stepper:
    """STEP by PIO; DIR and ENABLE by the CPU."""

    def __init__(self, reverse):
        self._step = Pin(wiring.STEP, Pin.OUT, value=0)
        self._forward = 0 if reverse else 1
        self._dir = Pin(wiring.DIR, Pin.OUT, value=self._forward)
        self._enable = Pin(wiring.ENABLE, Pin.OUT, value=1)
        self._low = asm_pio_encode("set(pins, 0)", 0)
        self._machine = StateMachine(_STATE_MACHINE, step_words, freq=TICK_HZ, set_base=self._step)
        self.feed = StepFeed(self._machine, _STATE_MACHINE)
        self.enabled = False

    def start(self, enable=True):
        """An empty FIFO and, unless it is a test of the generator alone, the motor's enable; nothing moves
        before a word is granted.
        """
        self._machine.init(step_words, freq=TICK_HZ, set_base=self._step)
        if enable:
            self._enable.value(0)
            self.enabled = True
        self._machine.active(1)

    def turn(self, back):
        """Which way the next steps go; the motor stands. A driver wants DIR to be steady for 1 µs before STEP rises:
        a step is made at the end of its interval, which is 20 ticks, 4 µs, at least.
        """
        self._dir.value(1 - self._forward if back else self._forward)

    def room(self):
        """Words that the FIFO can take."""
        return _FIFO_WORDS - self._machine.tx_fifo()

    def grant(self, word):
        """Grants one word (core/motion/step_words.py). The caller has checked `room()`: a put on a full FIFO would
        block."""
        self._machine.put(word)

    def halt(self):
        """At once, in the middle of a step if need be: the enable goes first. What was granted is taken back."""
        self._enable.value(1)
        self._machine.active(0)
        self.feed.abort()
        self._machine.exec(self._low)
        self.enabled = False

    safe = halt
