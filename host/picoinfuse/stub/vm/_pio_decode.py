"""Decodes a PIO word into the interpreter's form, `(operation, a, b, next, cycles, side, touch)`.

Words are decoded once, when a state machine is configured: operands, pins, delay and side-set depend on the
configuration. `touch` lists the state that the instruction depends on, other than whether a register is zero;
`_pio_loop_fast_forward` and `_pio_pulse_batch` use it.
"""

import _pio_ops as ops

# touch
X = 1  # reads or writes X, other than in the tests of jmp
Y = 2
INPUT = 4  # reads a pin
UNFORESEEABLE = 8  # reads or changes FIFOs, IRQ flags or pin directions

_REGISTER_TOUCH = (INPUT, X, Y, 0, 0, 0, 0, 0)


def decode(word, sm, pc, nxt):
    """Decodes `word`. `pc` is its address, -1 when it is executed from outside memory; `nxt` the address after it."""
    side, delay = _side_and_delay(word >> 8 & 31, sm)
    side_mask = side[0] if side and not sm.side_pindir else 0
    kind = word >> 13
    field = word >> 5 & 7
    low = word & 31
    cycles = 1 + delay
    if kind == 0:
        operation, a, b, touch = _jmp(field, low, pc, cycles)
    elif kind == 1:
        operation, a, b, touch = _wait(word, sm)
    elif kind == 2:
        operation, a, b = ops.in_, field, low or 32
        touch = UNFORESEEABLE if sm.autopush else _REGISTER_TOUCH[field]
    elif kind == 3:
        operation, a, b, touch = _out(field, low or 32, sm, side_mask)
        cycles = 1 if field == 7 else cycles  # out exec: only the executed instruction can have a delay
    elif kind == 4:
        operation, a, b = ops.pull if word & 0x80 else ops.push, word >> 6 & 1, word >> 5 & 1
        touch = UNFORESEEABLE
    elif kind == 5:
        operation, a, b, touch = _mov(field, low, sm, side_mask)
        cycles = 1 if field == 4 else cycles
    elif kind == 6:
        operation = ops.irq_clear if word & 0x40 else ops.irq_set
        a, b, touch = _irq_flag(low, sm), word >> 5 & 1, UNFORESEEABLE
    else:
        operation, a, b, touch = _set(field, low, sm, side_mask)
    if side and sm.side_pindir:
        touch |= UNFORESEEABLE
    if side and (touch & INPUT or kind == 2):  # pins are read before the side-set drives them
        return ops.read_pins_first, (operation, a, side), b, nxt, cycles, None, touch
    return operation, a, b, nxt, cycles, side, touch


def _side_and_delay(field, sm):
    """Splits the shared five bits into ((mask, bits) or None, delay)."""
    delay_bits = 5 - sm.side_count
    delay = field & (1 << delay_bits) - 1
    value = field >> delay_bits
    pins = sm.side_count
    if sm.side_opt:
        pins -= 1
        if not value >> pins:
            return None, delay
        value &= (1 << pins) - 1
    if not pins:
        return None, delay
    return (ops.rotated((1 << pins) - 1, sm.side_base), ops.rotated(value, sm.side_base)), delay


def _jmp(condition, target, pc, cycles):
    if condition == 0:
        return ops.jmp, target, 0, 0
    if condition == 2:
        return (ops.spin_x, pc, cycles, X) if target == pc else (ops.jmp_x_dec, target, 0, 0)
    if condition == 4:
        return (ops.spin_y, pc, cycles, Y) if target == pc else (ops.jmp_y_dec, target, 0, 0)
    return ops.jmp_if, target, condition, (0, 0, 0, 0, 0, X | Y, INPUT, 0)[condition]


def _wait(word, sm):
    polarity = word >> 7 & 1
    source = word >> 5 & 3
    index = word & 31
    if source == 2:
        return ops.wait_irq, _irq_flag(index, sm), polarity, UNFORESEEABLE
    if source == 3:
        raise NotImplementedError("PIO word 0x{:04x}: this wait source is reserved".format(word))
    bit = 1 << (index if source == 0 else (index + sm.in_base) & 31)
    return ops.wait_pin, bit, bit if polarity else 0, INPUT


def _irq_flag(index, sm):
    """Mask of the IRQ flag. Bit 4 of `index`: relative, the state machine's number is added to the low two bits."""
    return 1 << (index & 4 | (index + sm.index) & 3 if index & 16 else index & 7)


def _out(target, count, sm, side_mask):
    touch = UNFORESEEABLE if sm.autopull or target in (4, 7) else (0, X, Y, 0, 0, 0, 0, 0)[target]
    mask = ops.rotated((1 << sm.out_count) - 1, sm.out_base) & ~side_mask
    if target == 0:
        return ops.out_pins, mask, count, touch
    if target == 4:
        return ops.out_pindirs, mask, count, touch
    return ops.out, target, count, touch


def _mov(target, source, sm, side_mask):
    if target == 3 or source & 7 == 4 or source & 0x18 == 0x18:
        raise NotImplementedError("PIO mov to {} from 0x{:02x} is reserved".format(target, source))
    touch = _REGISTER_TOUCH[source & 7] | (UNFORESEEABLE if target == 4 else (0, X, Y, 0, 0, 0, 0, 0)[target])
    if target == 0:
        mask = ops.rotated((1 << sm.out_count) - 1, sm.out_base) & ~side_mask
        return ops.mov_pins, mask, source, touch
    if target == source and target in (1, 2):
        return ops.nop, 0, 0, 0
    if (target, source) == (1, 7):
        return ops.mov_x_osr, 0, 0, touch
    return ops.mov, target, source, touch


def _set(target, value, sm, side_mask):
    if target == 1:
        return ops.set_x, value, 0, X
    if target == 2:
        return ops.set_y, value, 0, Y
    mask = ops.rotated((1 << sm.set_count) - 1, sm.set_base) & ~side_mask
    if target == 0:
        return ops.set_pins, mask, ops.rotated(value, sm.set_base), 0
    if target == 4:
        return ops.set_pindirs, mask, ops.rotated(value, sm.set_base), UNFORESEEABLE
    raise NotImplementedError("PIO set to {} is reserved".format(target))
