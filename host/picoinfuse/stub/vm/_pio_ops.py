"""The PIO instructions, as functions that change a state machine in one cycle (RP2040 datasheet, chapter 3).

An operation is a function `(sm, a, b, next)`: `a` and `b` are its decoded operands, `next` is the address that follows
unless it jumps. It returns the next address, or one of the negative values below.
"""

STALLED = -1  # cannot complete yet; sm.stall names the condition
AGAIN = -2  # takes this cycle and is repeated in the next one
FAST_FORWARDING = -3  # _pio_loop_fast_forward has taken over

# Conditions on which a state machine stalls.
TX = 1
RX = 2
PIN = 3
IRQ = 4

# Bits of FDEBUG, for state machine 0 of a block.
RXSTALL = 1
RXUNDER = 1 << 8
TXOVER = 1 << 16
TXSTALL = 1 << 24

_MASK = 0xFFFFFFFF


def rotated(bits, base):
    """Bits of a pin group shifted to their GPIOs; the group wraps around after GPIO 31."""
    return (bits << base | bits >> 32 - base) & _MASK


def stall(sm, what):
    sm.stall = what
    if what == TX:
        sm.fdebug |= TXSTALL
    elif what == RX:
        sm.fdebug |= RXSTALL
    return STALLED


def read_pins_first(sm, inner, b, nxt):
    """An instruction that reads pins and has a side-set: the pins are read first."""
    operation, a, side = inner
    answer = operation(sm, a, b, nxt)
    sm.set_side(side)
    return answer


# ---- jmp ----


def jmp(sm, target, _, nxt):
    return target


def jmp_x_dec(sm, target, _, nxt):
    x = sm.x
    if x:
        sm.x = x - 1
        return target
    sm.x = _MASK
    return nxt


def jmp_y_dec(sm, target, _, nxt):
    y = sm.y
    if y:
        sm.y = y - 1
        return target
    sm.y = _MASK
    return nxt


def spin_x(sm, pc, cost, nxt):
    """`jmp(x_dec)` to itself is a delay: runs all its turns at once. `sm.unspin` undoes those still in the future."""
    turns = sm.x
    sm.spin_pc = pc
    sm.spin_on_x = True
    sm.spin_turns = turns
    sm.spin_start = sm.tick
    sm.spin_end = sm.tick + (turns + 1) * cost
    sm.tick += turns * cost
    sm.x = _MASK
    return nxt


def spin_y(sm, pc, cost, nxt):
    turns = sm.y
    sm.spin_pc = pc
    sm.spin_on_x = False
    sm.spin_turns = turns
    sm.spin_start = sm.tick
    sm.spin_end = sm.tick + (turns + 1) * cost
    sm.tick += turns * cost
    sm.y = _MASK
    return nxt


def jmp_if(sm, target, condition, nxt):
    """The conditions that the step programs do not use."""
    if condition == 1:
        met = not sm.x
    elif condition == 3:
        met = not sm.y
    elif condition == 5:
        met = sm.x != sm.y
    elif condition == 6:
        met = sm.inputs & sm.jmp_bit
    else:
        met = sm.osr_count < sm.pull_thresh
    return target if met else nxt


# ---- wait, irq ----


def wait_pin(sm, bit, wanted, nxt):
    if sm.inputs & bit == wanted:
        return nxt
    sm.stall = PIN
    return STALLED


def wait_irq(sm, flag, polarity, nxt):
    block = sm.block
    if bool(block.irq & flag) != bool(polarity):
        return stall(sm, IRQ)
    if polarity:
        block.change_irq(sm, block.irq & ~flag)
    return nxt


def irq_set(sm, flag, wait, nxt):
    """With `wait`, stalls until the flag is cleared; `begun` is True once the flag has been set."""
    block = sm.block
    if not sm.begun:
        block.change_irq(sm, block.irq | flag)
        if wait:
            sm.begun = True
            return stall(sm, IRQ)
    elif block.irq & flag:
        return stall(sm, IRQ)
    sm.begun = False
    return nxt


def irq_clear(sm, flag, _, nxt):
    sm.block.change_irq(sm, sm.block.irq & ~flag)
    return nxt


# ---- FIFOs ----


def pull(sm, if_empty, block, nxt):
    if (if_empty and sm.osr_count < sm.pull_thresh) or (sm.autopull and not sm.osr_count):
        return nxt
    if sm.tx:
        sm.osr = sm.tx.pop(0)
        if sm.feeder:
            sm.feeder.top_up()
    elif block:
        return stall(sm, TX)
    else:
        sm.osr = sm.x
    sm.osr_count = 0
    return nxt


def refill(sm):
    """Autopull: refills an empty OSR when a word is available. True when it did."""
    if sm.tx and sm.osr_count >= sm.pull_thresh:
        sm.osr = sm.tx.pop(0)
        if sm.feeder:
            sm.feeder.top_up()
        sm.osr_count = 0
        return True
    return False


def push(sm, if_full, block, nxt):
    if if_full and sm.isr_count < sm.push_thresh:
        return nxt
    if len(sm.rx) < sm.rx_depth:
        sm.rx.append(sm.isr)
    elif block:
        return stall(sm, RX)
    else:
        sm.fdebug |= RXSTALL  # the word is lost
    sm.isr = 0
    sm.isr_count = 0
    return nxt


# ---- in, out, mov, set ----


def read(sm, source):
    if source == 7:
        return sm.osr
    if source == 1:
        return sm.x
    if source == 2:
        return sm.y
    if source == 6:
        return sm.isr
    if source == 0:
        return rotated(sm.inputs, (32 - sm.in_base) & 31)
    return 0  # null; and status, which by default compares the TX level with 0 and is never below it


def in_(sm, source, count, nxt):
    if not sm.begun:  # shifts once, also when the push then stalls
        data = read(sm, source) & (1 << count) - 1
        if sm.in_right:
            sm.isr = (sm.isr >> count | data << 32 - count) & _MASK
        else:
            sm.isr = (sm.isr << count | data) & _MASK
        sm.isr_count = min(32, sm.isr_count + count)
    if sm.autopush and sm.isr_count >= sm.push_thresh:
        if len(sm.rx) >= sm.rx_depth:
            sm.begun = True
            return stall(sm, RX)
        sm.rx.append(sm.isr)
        sm.isr = 0
        sm.isr_count = 0
    sm.begun = False
    return nxt


def _shift_out(sm, count):
    """The next `count` bits of the OSR, or -1 when autopull must refill it first."""
    if sm.autopull and sm.osr_count >= sm.pull_thresh:
        return -1
    osr = sm.osr
    if sm.out_right:
        data = osr & (1 << count) - 1
        sm.osr = osr >> count
    else:
        data = osr >> 32 - count
        sm.osr = osr << count & _MASK
    sm.osr_count = min(32, sm.osr_count + count)
    if sm.autopull:
        refill(sm)
    return data


def _wait_for_osr(sm):
    return AGAIN if refill(sm) else stall(sm, TX)


def out(sm, target, count, nxt):
    data = _shift_out(sm, count)
    if data < 0:
        return _wait_for_osr(sm)
    if target == 1:
        sm.x = data
    elif target == 2:
        sm.y = data
    elif target == 5:
        return data & 31
    elif target == 6:
        sm.isr = data
        sm.isr_count = count
    elif target == 7:
        sm.forced = sm.decode_forced(data)
    return nxt  # 3 is null


def out_pins(sm, mask, count, nxt):
    data = _shift_out(sm, count)
    if data < 0:
        return _wait_for_osr(sm)
    sm.drive(mask, rotated(data, sm.out_base))
    return nxt


def out_pindirs(sm, mask, count, nxt):
    data = _shift_out(sm, count)
    if data < 0:
        return _wait_for_osr(sm)
    sm.direct(mask, rotated(data, sm.out_base))
    return nxt


def _moved(sm, source):
    data = read(sm, source & 7)
    if source & 0x08:
        data ^= _MASK
    elif source & 0x10:
        turned = 0
        for _ in range(32):
            turned = turned << 1 | data & 1
            data >>= 1
        return turned
    return data


def mov_x_osr(sm, _, __, nxt):
    sm.x = sm.osr
    return nxt


def mov(sm, target, source, nxt):
    data = _moved(sm, source)
    if target == 1:
        sm.x = data
    elif target == 2:
        sm.y = data
    elif target == 4:
        sm.forced = sm.decode_forced(data)
    elif target == 5:
        return data & 31
    elif target == 6:
        sm.isr = data
        sm.isr_count = 0
    else:
        sm.osr = data
        sm.osr_count = 0
    return nxt


def mov_pins(sm, mask, source, nxt):
    sm.drive(mask, rotated(_moved(sm, source), sm.out_base))
    return nxt


def nop(sm, _, __, nxt):
    return nxt


def set_pins(sm, mask, bits, nxt):
    sm.drive(mask, bits)
    return nxt


def set_pindirs(sm, mask, bits, nxt):
    sm.direct(mask, bits)
    return nxt


def set_x(sm, value, _, nxt):
    sm.x = value
    return nxt


def set_y(sm, value, _, nxt):
    sm.y = value
    return nxt
