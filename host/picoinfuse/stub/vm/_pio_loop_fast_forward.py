"""Short cuts: many turns of a PIO loop, or many pulses on a watched pin, at once and still exact.

A loop can be *ridden* when one turn, looked ahead from the loop's head, comes back to the head with
everything as it was, except that X or Y is one less and was only tested for zero; when it neither touches
FIFOs, IRQ flags nor pin directions; and when it makes no more than one pulse on one wire. Then the turns down
to 1 are all alike. While it rides, the registers stay as they were at the start; the pulses that are over are
reported with `Gpio.train` whenever the state machine is asked to run. If it is asked in the middle of a
pulse, or somebody wants to see its registers, it leaves the ride and goes on instruction by instruction.
"""

import _pio_ops as ops
from _pio_decode import INPUT, UNFORESEEABLE, X, Y

_ENDLESS = 1 << 40  # turns
_LONGEST_TURN = 64  # instructions
_MOST_PATIENT = 6  # after so many vain looks in a row, only every 2**6th arrival at a head is looked at
FAR = 1 << 61

_JUMPS = (ops.jmp, ops.jmp_x_dec, ops.jmp_y_dec, ops.jmp_if)


class Head:
    """The first instruction of a loop, and what was learnt about it."""

    def __init__(self, pc):
        self.pc = pc
        self.register = 0  # X or Y, once ridden: below 2 a look is not worth it
        self.failures = 0
        self.skip = 0


class Ride:
    """Turns `told`..`turns` of a loop still to be reported; tick `start` is the head of turn 0."""

    def __init__(self, pc, start, length, turns, register, looks):
        self.pc = pc
        self.start = start
        self.length = length
        self.turns = turns
        self.register = register
        self.looks = looks  # reads pins: a change of one ends the ride
        self.told = 0
        self.gpio = None
        self.rise = self.fall = 0


def mark_heads(code, first, last):
    """Puts `at_head` in front of every instruction that a loop may begin with."""
    heads = set()
    for pc in range(first, last):
        operation, a, _, nxt, _, _, _ = code[pc]
        if operation in _JUMPS and a <= pc:
            heads.add(a)
        if operation is not ops.jmp and nxt <= pc:
            heads.add(nxt)
    for pc in heads:
        if _may_ride(code, pc):
            _, _, _, nxt, cycles, _, touch = code[pc]
            code[pc] = (at_head, Head(pc), code[pc], nxt, cycles, None, touch)


def _may_ride(code, head):
    """False when each turn surely meets what cannot be foreseen, before any condition."""
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
    """Rides if it can, otherwise does the instruction."""
    if (
        sm.quiet is None
        and not sm.lock_step
        and sm.tick > sm.no_ride_tick
        and _looks_worth_it(sm, head)
        and _begin(sm, head)
    ):
        return ops.RIDING
    if instruction[5]:
        sm.set_side(instruction[5])
    return instruction[0](sm, instruction[1], instruction[2], nxt)


def _looks_worth_it(sm, head):
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
    ride = Ride(head.pc, start, length, turns, register, sm.touched & INPUT)
    if turns and (not changes or _one_pulse(sm, ride, changes)):
        head.failures = 0
        head.register = register
        sm.ride = ride
        return True
    head.failures = min(head.failures + 1, _MOST_PATIENT)
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
    """Runs on without telling anybody. Does it come to address `stop`, or, if that is -1, to a wait for a pin?"""
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
    """How many turns are alike, and the register that counts them, from the registers before one turn and now."""
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


def _one_pulse(sm, ride, changes):
    """Are the changes of one turn one pulse on one wire, with a period of whole system cycles? Then it is noted."""
    if len(changes) != 2 or ride.looks or ride.length * sm.divider & 255:
        return False
    rise, bit, up = changes[0]
    fall, other, down = changes[1]
    if bit != other or not up or down:
        return False
    for mask, gpio in sm.pins:
        if mask == bit and sm.block.drives(bit, gpio):
            ride.gpio = gpio
            ride.rise = rise - ride.start
            ride.fall = fall - ride.start
            ride.period_ns = (ride.length * sm.divider >> 8) << 3
            ride.high_ns = sm.time_ns(fall) - sm.time_ns(rise)
            return True
    return False


def is_over(sm, limit):
    """Reports what happened before tick `limit`. True when the ride has ended and the interpreter goes on."""
    ride = sm.ride
    turns = ride.turns
    end = ride.start + turns * ride.length
    if ride.gpio is not None:
        done = min(turns, (limit - 1 - ride.start - ride.fall) // ride.length + 1)
        told = ride.told
        if done > told:
            ride.told = done
            rise_ns = sm.time_ns(ride.start + told * ride.length + ride.rise)
            ride.gpio.train(rise_ns, ride.period_ns, ride.high_ns, done - told)
        if done < turns and ride.start + done * ride.length + ride.rise < limit:
            _settle(sm, done)  # in the middle of a pulse
            sm.no_ride_tick = sm.tick
            return True
    if limit <= end:
        return False
    _settle(sm, turns)
    return True


def _settle(sm, turn):
    """Ends the ride at the head of `turn`."""
    ride = sm.ride
    sm.pc = ride.pc
    sm.tick = ride.start + turn * ride.length
    if ride.register == X:
        sm.x -= turn
    elif ride.register == Y:
        sm.y -= turn
    sm.ride = None


def leave(sm, limit):
    """Ends the ride with the registers as they are just before tick `limit`; the wires know of it already."""
    _settle(sm, min(sm.ride.turns, (limit - sm.ride.start) // sm.ride.length))
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
    """The next rise, else the end of the ride."""
    ride = sm.ride
    if ride.gpio is not None and ride.told < ride.turns:
        return sm.time_ns(ride.start + ride.told * ride.length + ride.rise)
    if ride.turns == _ENDLESS:
        return FAR
    return sm.time_ns(ride.start + ride.turns * ride.length)
