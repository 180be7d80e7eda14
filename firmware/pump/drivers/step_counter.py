"""The step counter: a second state machine that counts the rising edges on the STEP pin, whatever made them.

X counts down from 2**30 - 1; the CPU reads it by pushing a copy. It shares no state with the generator: another
PIO block, another clock.
"""

# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false
# The instructions of a PIO program are names that its decorator provides.

from machine import Pin
from micropython import const
from rp2 import StateMachine, asm_pio, asm_pio_encode

from pump import wiring

FEEDBACK_STATE_MACHINE = 7
_STATE_MACHINE = const(4)  # the first of the second block
_CLOCK_HZ = const(12500000)  # 80 ns: sees pulses of 2 µs many times over
_START = const(0x3FFFFFFF)
_WRAP = const(0x100000000)


@asm_pio()
def count_edges():
    wrap_target()
    label("edge")
    wait(0, pin, 0)
    wait(1, pin, 0)
    jmp(x_dec, "edge")  # to the same place by the wrap when X was 0
    wrap()


class StepCounter:
    """The self-test counts the piezo's feedback with another one."""

    def __init__(self, gpio=wiring.STEP, number=_STATE_MACHINE):
        self._machine = StateMachine(number, count_edges, freq=_CLOCK_HZ, in_base=Pin(gpio))
        self._machine.put(_START)
        self._machine.exec("pull(block)")
        self._machine.exec("mov(x, osr)")
        self._copy = asm_pio_encode("mov(isr, x)", 0)
        self._push = asm_pio_encode("push(noblock)", 0)
        self._last = _START
        self._back = False
        self.steps = 0  # edges, whichever way the motor turned
        self.net_steps = 0  # those forward less those back
        self._machine.active(1)

    def read(self):
        """Steps counted since the last read; `steps` and `net_steps` have all of them."""
        self._machine.exec(self._copy)
        self._machine.exec(self._push)
        left = self._machine.get()
        steps = self._last - left
        if steps < 0:
            steps += _WRAP
        self._last = left
        self.steps += steps
        self.net_steps += -steps if self._back else steps
        return steps

    def turn(self, back):
        """From here on the motor turns back, or forward again. Call it while the motor stands."""
        self.read()
        self._back = back

    def forget(self):
        """Counts from 0 again."""
        self.read()
        self.steps = self.net_steps = 0
