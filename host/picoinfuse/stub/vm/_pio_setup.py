"""Configures a state machine for its program: shift directions, decoded words, driven and watched pins."""

import _pio_ops as ops
from _pio_decode import INPUT, decode
from _pio_loop_fast_forward import mark_heads
from _pio_pulse_batch import PinWatch


def set_up(sm, t_ns, program, offset, in_base=0, out_base=None, set_base=None, side_base=None, jmp_pin=0):
    """Configures `sm`. Bases are GPIO numbers; None means that the group has no pins."""
    sm.program = program
    sm.initial_pc = sm.pc = offset
    sm.in_base = in_base
    sm.jmp_bit = 1 << jmp_pin
    sm.in_right, sm.out_right = bool(program.in_shiftdir), bool(program.out_shiftdir)
    sm.autopush, sm.autopull = bool(program.autopush), bool(program.autopull)
    sm.push_thresh, sm.pull_thresh = program.push_thresh, program.pull_thresh
    sm.tx_depth, sm.rx_depth = ((4, 4), (8, 0), (0, 8))[program.fifo_join]
    sm.out_base, sm.out_count = out_base or 0, 0 if out_base is None else len(program.out_init)
    sm.set_base, sm.set_count = set_base or 0, 0 if set_base is None else len(program.set_init)
    sm.side_base, sm.side_pindir = side_base or 0, program.side_pindir
    side_pins = len(program.sideset_init) if side_base is not None else 0
    sm.side_opt = program.sideset_opt and side_pins > 0
    sm.side_count = side_pins + sm.side_opt
    _decode_program(sm)
    _take_pins(sm, t_ns)
    _watch_pins(sm)


def _decode_program(sm):
    """Decodes the program for this state machine; the rest of the memory is treated as `jmp(0)`."""
    first, last = sm.initial_pc, sm.initial_pc + len(sm.program.words)
    wrap, target = sm.program.wrap + first, sm.program.wrap_target + first
    sm.code = []
    for pc in range(32):
        nxt = target if pc == wrap else (pc + 1) & 31
        word = sm.block.memory[pc] if first <= pc < last else 0
        sm.code.append(decode(word, sm, pc, nxt))
    if sm.short_cuts:
        mark_heads(sm.code, first, last)


def _take_pins(sm, t_ns):
    """Hands the pins of each group to PIO, in their initial states."""
    block = sm.block
    groups = (
        (sm.out_base, sm.out_count, sm.program.out_init),
        (sm.set_base, sm.set_count, sm.program.set_init),
        (sm.side_base, sm.side_count - sm.side_opt, sm.program.sideset_init),
    )
    sm.writes = 0
    for base, count, init in groups:
        for i in range(count):
            n = (base + i) & 31
            sm.writes |= 1 << n
            block.take_pin(t_ns, n, init[i] & 1, init[i] >> 1)
    sm.pins = [(1 << n, block.gpio[n]) for n in range(len(block.gpio)) if sm.writes >> n & 1]


def _watch_pins(sm):
    """Finds the pins that the program reads, and listens to them."""
    first = sm.initial_pc
    sm.reads = 0
    sm.uses_irq = False
    for word in sm.block.memory[first : first + len(sm.program.words)]:
        touch = decode(word, sm, -1, 0)[6]
        kind, source = word >> 13, word >> 5 & 3
        sm.uses_irq = sm.uses_irq or kind == 6 or (kind == 1 and source == 2)
        if not touch & INPUT and not (kind == 2 and word >> 5 & 7 == 0):
            continue
        if kind == 0:
            sm.reads |= sm.jmp_bit
        elif kind == 1:
            sm.reads |= 1 << ((word + sm.in_base if source else word) & 31)
        else:
            count = (word & 31 or 32) if kind == 2 else 32
            sm.reads |= ops.rotated((1 << count) - 1, sm.in_base)
    sm.inputs = 0
    for gpio in sm.block.gpio:
        if sm.reads >> gpio.n & 1:
            sm.inputs |= gpio.level << gpio.n
            watch = PinWatch(sm, gpio)
            gpio.listeners.append(watch)
            sm.watches.append(watch)
