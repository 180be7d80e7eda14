"""What the PIO tests share: the step program, a counter, a wire that remembers. Runs on both VMs."""

# ruff: noqa: F821

from _gpio import COUNT, Gpio
from _pio import PioBlocks
from _pioasm import asm_pio

STEP_PIN = 2
TICK_NS = 200  # 5 MHz: divider 25
TICK_DIVIDER = 25 * 256
OUT_LOW = 2
SHIFT_RIGHT = 1
JOIN_TX = 1


@asm_pio(set_init=OUT_LOW, out_shiftdir=SHIFT_RIGHT, fifo_join=JOIN_TX)
def step_program():
    """A word is 13 bits of count, 19 of delay. A step takes delay + 17 ticks; count 0 waits for delay + 6."""
    label("start")
    pull(block)
    out(y, 13)
    jmp(y_dec, "go")
    mov(x, osr)
    label("wait")
    jmp(x_dec, "wait")
    jmp("start")
    label("pad")
    nop()[2]
    label("go")
    mov(x, osr)
    label("delay")
    jmp(x_dec, "delay")
    set(pins, 1)[9]
    set(pins, 0)
    jmp(y_dec, "pad")


@asm_pio()
def edge_counter():
    label("again")
    wait(0, pin, 0)
    wait(1, pin, 0)
    jmp(x_dec, "again")


def word(count, delay):
    return count | delay << 13


class Wire:
    """Records the edges on a GPIO as (ns, level), batches pulse by pulse, and counts the calls."""

    def __init__(self):
        self.changes = []
        self.rises = 0
        self.calls = 0

    def on_level(self, t_ns, level):
        self.calls += 1
        self.rises += level
        self.changes.append((t_ns, level))

    def on_pulses(self, t_ns, period_ns, high_ns, count):
        self.calls += 1
        self.rises += count
        for i in range(count):
            self.changes.append((t_ns + i * period_ns, 1))
            self.changes.append((t_ns + i * period_ns + high_ns, 0))


class Rig:
    """A board's pins and PIO with one program on state machine 0, all its groups at `STEP_PIN`."""

    def __init__(self, program, divider=TICK_DIVIDER, short_cuts=True, number=0, **pins):
        self.gpio = [Gpio(n) for n in range(COUNT)]
        self.pio = PioBlocks(self.gpio, short_cuts)
        self.wire = Wire()
        self.gpio[STEP_PIN].listeners.append(self.wire)
        self.sm = self.add(number, program, divider, **pins)

    def add(self, number, program, divider=TICK_DIVIDER, **pins):
        sm = self.pio.machine(number)
        offset = sm.block.offset_of(program)
        if offset < 0:
            offset = sm.block.load(program)
        bases = {
            "in_base": STEP_PIN,
            "out_base": STEP_PIN,
            "set_base": STEP_PIN,
            "side_base": STEP_PIN,
            "jmp_pin": STEP_PIN,
        }
        bases.update(pins)
        sm.configure(0, program, offset, divider, **bases)
        return sm

    def registers(self, t_ns):
        """What a debugger would read at `t_ns`."""
        self.pio.run_until(t_ns)
        sm = self.sm
        sm.sync(t_ns)
        pc = sm.pc - sm.initial_pc
        return sm.x, sm.y, sm.isr, sm.isr_count, sm.osr, sm.osr_count, pc, list(sm.tx), list(sm.rx)
