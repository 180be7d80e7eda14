"""Runs many turns of a PIO loop in one step, with exactly the result of running them one by one.

A loop is fast-forwarded when a dry run of one turn returns to the loop's head with unchanged registers, except that X
or Y is one less and was only tested for zero; when the turn touches no FIFO, IRQ flag or pin direction; and when it
makes at most one pulse on one wire. All turns down to 1 are then identical.

During a fast-forward the registers keep their values from its start. Completed pulses are reported with `Gpio.pulses`
each time the state machine is run. The fast-forward ends early, and the interpreter continues instruction by
instruction, when the state machine is run to the middle of a pulse or its registers are read.
"""

import _pio_ops as ops
from _pio_decode import INPUT, UNFORESEEABLE, X, Y

_ENDLESS = 1 << 40  # turns
_LONGEST_TURN = 64  # instructions
_MAX_BACKOFF = 6  # after that many failed dry runs in a row, only every 2**6th arrival at the head tries one
FAR = 1 << 61

_JUMPS = (ops.jmp, ops.jmp_x_dec, ops.jmp_y_dec, ops.jmp_if)


class Head:
    """The first instruction of a loop, and the results of earlier dry runs from it."""

    def __init__(self, pc):
        self.pc = pc
        self.register = 0  # X or Y after the first fast-forward: a value below 2 makes another pointless
        self.failures = 0
        self.skip = 0


class FastForward:
    """A fast-forward under way: turns `reported`..`turns` are still to be reported; turn 0 begins at tick `start`."""

    def __init__(self, pc, start, length, turns, register, reads_pins):
        self.pc = pc
        self.start = start
        self.length = length
        self.turns = turns
        self.register = register
        self.reads_pins = reads_pins  # then a change of a pin ends the fast-forward
        self.reported = 0
        self.gpio = None
        self.rise = self.fall = 0


def mark_heads(code, first, last):
    """Replaces every instruction that may begin a loop with `at_head`."""
    heads = set()
    for pc in range(first, last):
        operation, a, _, nxt, _, _, _ = code[pc]
        if operation in _JUMPS and a <= pc:
            heads.add(a)
        if operation is not ops.jmp and nxt <= pc:
            heads.add(nxt)
    for pc in heads:
        if _may_fast_forward(code, pc):
            _, _, _, nxt, cycles, _, touch = code[pc]
            code[pc] = (at_head, Head(pc), code[pc], nxt, cycles, None, touch)


def _may_fast_forward(code, head):
    """False when every turn reaches an unforeseeable instruction before any condition."""
    pc = head
    for _ in range(len(code)):
        operation, a, b, nxt, _, _, touch = code[pc]
        if operation is at_head:
            operation, a = b[0], b[1]
        if touch & UNFORESEEABLE or operation is ops.wait_pin:
            return False
        if operation in _JUMPS and operation is not ops.jmp:
            return True
        pc = a if operation is ops.jmp else nxt
    return True


def at_head(sm, head, instruction, nxt):
    """Begins a fast-forward if the loop allows one, otherwise executes the instruction."""
    if (
        sm.quiet is None
        and not sm.lock_step
        and sm.tick > sm.no_forward_tick
        and _worth_trying(sm, head)
        and _begin(sm, head)
    ):
        return ops.FAST_FORWARDING
    if instruction[5]:
        sm.set_side(instruction[5])
    return instruction[0](sm, instruction[1], instruction[2], nxt)


def _worth_trying(sm, head):
    if head.register:
        return (sm.x if head.register == X else sm.y) > 1
    if head.skip:
        head.skip -= 1
        return False
    return True


def _begin(sm, head):
    before = registers(sm)
    start = sm.tick
    sm.quiet = changes = []
    found = look_ahead(sm, head.pc)
    sm.quiet = None
    length = sm.tick - start
    turns, register = turns_alike(sm, before) if found else (0, 0)
    put_back(sm, before)
    forward = FastForward(head.pc, start, length, turns, register, sm.touched & INPUT)
    if turns and (not changes or _one_pulse(sm, forward, changes)):
        head.failures = 0
        head.register = register
        sm.fast_forward = forward
        return True
    head.failures = min(head.failures + 1, _MAX_BACKOFF)
    head.skip = (1 << head.failures) - 1
    return False


def registers(sm):
    return (
        sm.x,
        sm.y,
        sm.isr,
        sm.isr_count,
        sm.osr,
        sm.osr_count,
        sm.block.out,
        sm.inputs,
        sm.pc,
        sm.tick,
        sm.stall,
        sm.spin_end,
    )


def put_back(sm, registers):
    (
        sm.x,
        sm.y,
        sm.isr,
        sm.isr_count,
        sm.osr,
        sm.osr_count,
        sm.block.out,
        sm.inputs,
        sm.pc,
        sm.tick,
        sm.stall,
        sm.spin_end,
    ) = registers


def look_ahead(sm, stop):
    """Dry run that reports nothing. True when it reaches address `stop` or, if `stop` is -1, a wait for a pin."""
    code = sm.code
    sm.touched = 0
    for _ in range(_LONGEST_TURN):
        operation, a, b, nxt, cycles, side, touch = code[sm.pc]
        if touch & UNFORESEEABLE:
            return False
        sm.touched |= touch
        if side:
            sm.set_side(side)
        nxt = operation(sm, a, b, nxt)
        if nxt < 0:
            return stop < 0 and sm.stall == ops.PIN
        sm.pc = nxt
        sm.tick += cycles
        if nxt == stop:
            return True
    return False


def turns_alike(sm, before):
    """(number of identical turns, register that counts them), from the registers before and after one turn."""
    x, y = before[0], before[1]
    after = registers(sm)
    if after[2:7] != before[2:7]:
        return 0, 0
    if sm.x == x and sm.y == y:
        return _ENDLESS, 0
    if sm.y == y and sm.x == x - 1 and x > 1 and not sm.touched & X:
        return x - 1, X
    if sm.x == x and sm.y == y - 1 and y > 1 and not sm.touched & Y:
        return y - 1, Y
    return 0, 0


def _one_pulse(sm, forward, changes):
    """True, and recorded, when one turn makes one pulse on one wire with a period of whole system cycles."""
    if len(changes) != 2 or forward.reads_pins or forward.length * sm.divider & 255:
        return False
    rise, bit, up = changes[0]
    fall, other, down = changes[1]
    if bit != other or not up or down:
        return False
    for mask, gpio in sm.pins:
        if mask == bit and sm.block.drives(bit, gpio):
            forward.gpio = gpio
            forward.rise = rise - forward.start
            forward.fall = fall - forward.start
            forward.period_ns = (forward.length * sm.divider >> 8) << 3
            forward.high_ns = sm.time_ns(fall) - sm.time_ns(rise)
            return True
    return False


def is_over(sm, limit):
    """Reports the pulses before tick `limit`. True when the fast-forward has ended and the interpreter continues."""
    forward = sm.fast_forward
    turns = forward.turns
    end = forward.start + turns * forward.length
    if forward.gpio is not None:
        done = min(turns, (limit - 1 - forward.start - forward.fall) // forward.length + 1)
        reported = forward.reported
        if done > reported:
            forward.reported = done
            rise_ns = sm.time_ns(forward.start + reported * forward.length + forward.rise)
            forward.gpio.pulses(rise_ns, forward.period_ns, forward.high_ns, done - reported)
        if done < turns and forward.start + done * forward.length + forward.rise < limit:
            _end_at(sm, done)  # in the middle of a pulse
            sm.no_forward_tick = sm.tick
            return True
    if limit <= end:
        return False
    _end_at(sm, turns)
    return True


def _end_at(sm, turn):
    """Ends the fast-forward at the head of `turn`."""
    forward = sm.fast_forward
    sm.pc = forward.pc
    sm.tick = forward.start + turn * forward.length
    if forward.register == X:
        sm.x -= turn
    elif forward.register == Y:
        sm.y -= turn
    sm.fast_forward = None


def leave(sm, limit):
    """Ends the fast-forward with the registers as just before tick `limit`. Its pulses are reported already."""
    _end_at(sm, min(sm.fast_forward.turns, (limit - sm.fast_forward.start) // sm.fast_forward.length))
    code = sm.code
    sm.quiet = []
    while sm.tick < limit:
        operation, a, b, nxt, cycles, side, _ = code[sm.pc]
        if side:
            sm.set_side(side)
        sm.pc = operation(sm, a, b, nxt)
        sm.tick += cycles
    sm.quiet = None


def due_ns(sm):
    """Time of the next rising edge, otherwise of the end of the fast-forward."""
    forward = sm.fast_forward
    if forward.gpio is not None and forward.reported < forward.turns:
        return sm.time_ns(forward.start + forward.reported * forward.length + forward.rise)
    if forward.turns == _ENDLESS:
        return FAR
    return sm.time_ns(forward.start + forward.turns * forward.length)
