"""One PIO state machine, cycle by cycle.

It runs only when something is due: `due_ns` is the next instant at which it acts by itself, NEVER while it is
stalled or stopped. What happens to it from outside (a word put, a pin that changes, an instruction executed
by the CPU) first brings it up to that instant. Cycle k of its clock is at `epoch_ns + (k * divider >> 8) *
8`: the divider counts 256ths of a system cycle of 8 ns, as in the RP2040. A pin's change is seen by the first
cycle at or after it; the two system cycles of the input synchroniser (16 ns, always the same) are not
modelled.

No properties here: one property in a class makes every attribute of its instances slow in the VM.
"""

import _pio_loop_fast_forward
import _pio_ops as ops
import _pio_pulse_batch
from _pio_decode import decode
from _pio_setup import set_up

NEVER = 1 << 61

_AGAIN = ops.AGAIN
_OUTS = (ops.out, ops.out_pins, ops.out_pindirs)


class StateMachineModel:
    """Times are ns since power-on; a method that takes one must not be called with an earlier one than before."""

    def __init__(self, block, index, short_cuts=True):
        self.block = block
        self.blocks = block.blocks
        self.index = index
        self.short_cuts = short_cuts  # False: the reference, every turn of every loop but `jmp x--` to itself
        self.lock_step = False  # others depend on it and it on them: no short cuts either
        self.watches = []
        self.feeder = None  # the DMA channel that fills the TX FIFO
        self.configured = False
        self.unconfigure()

    def unconfigure(self):
        """As after power-on: no program, nothing runs, nothing is watched."""
        for watch in self.watches:
            watch.gpio.listeners.remove(watch)
        self.watches = []
        self.configured = False
        self.enabled = False
        self.x = self.y = self.osr = 0
        self.tx = []
        self.rx = []
        self.tx_depth = self.rx_depth = 4
        self.fdebug = 0
        self.due_ns = NEVER
        self.epoch_ns = 0
        self.divider = 256
        self.reads = self.writes = 0
        self.uses_irq = False
        self.quiet = None  # a list while _pio_loop_fast_forward looks ahead: pin changes go there
        self.busy = False
        self.rise_gpio = None  # a rise that is not told yet: with its fall it will be a pulse
        self.rise_ns = 0
        self.exec_ns = -1
        self.pc = self.tick = 0
        self.autopull = False
        self._restart_state()

    def _restart_state(self):
        """What SM_RESTART clears. X, Y, the OSR's bits and the FIFOs stay."""
        self.isr = 0
        self.isr_count = 0
        self.osr_count = 32
        self.stall = 0
        self.begun = False
        self.forced = None
        self.delay_left = 0  # of an instruction that `stop` interrupted
        self.spin_end = -1
        self.ride = None
        self.no_ride_tick = -1
        self.effect = None  # what a pulse does, see _pio_pulse_batch
        self.effect_holds = False
        self.rose_ns = self.fell_ns = self.settled_ns = 0  # the last pulse of a train, and when it surely waits again

    def configure(self, t_ns, program, offset, divider, **bases):
        """Stops it, empties it and sets it up for `program`, which is loaded at `offset`; `bases` as in _pio_setup."""
        self.blocks.run_until(t_ns)
        fdebug = self.fdebug & ~(ops.TXSTALL | ops.TXOVER | ops.RXUNDER | ops.RXSTALL)
        x, y, osr = self.x, self.y, self.osr
        self.unconfigure()
        self.x, self.y, self.osr, self.fdebug = x, y, osr, fdebug
        self.divider = divider
        self.epoch_ns = -(-t_ns // 8) * 8
        set_up(self, t_ns, program, offset, **bases)
        self.configured = True
        self.blocks.order_changed(t_ns)

    def decode_forced(self, word):
        return decode(word, self, -1, -1)

    # ---- the CPU's side ----

    def start(self, t_ns):
        if self.configured and not self.enabled:
            self.enabled = True
            self.stall = 0
            self.tick = self.tick_at(t_ns) + self.delay_left
            self.blocks.order_changed(t_ns)
            self._set_due()

    def stop(self, t_ns):
        """Stops between two instructions; pins keep their level."""
        if self.enabled:
            self.sync(t_ns)
            self.enabled = False
            self.effect_holds = False
            self.delay_left = 0 if self.stall else max(0, self.tick - self.tick_at(t_ns))
            self.blocks.order_changed(t_ns)
            self._set_due()

    def restart(self, t_ns):
        self.sync(t_ns)
        self._restart_state()
        self.pc = self.initial_pc
        self.tick = self.tick_at(t_ns)
        self._set_due()

    def put(self, t_ns, word):
        """A word into the TX FIFO. Into a full one: it is lost, and TXOVER says so."""
        if len(self.tx) >= self.tx_depth:
            self.fdebug |= ops.TXOVER
            return
        if self.due_ns < t_ns:
            self.blocks.run_until(t_ns - 1)
        if self.autopull and self.enabled:
            self.sync(t_ns)
            self.effect_holds = False
        self.tx.append(word & 0xFFFFFFFF)
        if self.stall == ops.TX:
            self.wake(t_ns)
        elif self.autopull and self.enabled and self.tick > self.tick_at(t_ns):
            ops.refill(self)

    def get(self, t_ns):
        """The oldest word of the RX FIFO. Of an empty one: 0, and RXUNDER says so."""
        if not self.rx:
            self.fdebug |= ops.RXUNDER
            return 0
        word = self.rx.pop(0)
        if self.stall == ops.RX:
            self.wake(t_ns)
        return word

    def exec_word(self, t_ns, word):
        """Executes an instruction at once, also while stopped or stalled; what was stalled is then tried again."""
        self.sync(t_ns)
        instruction = decode(word, self, -1, self.pc)
        stall, self.stall = self.stall, 0
        begun, self.begun, self.forced = self.begun, False, None
        self.exec_ns = t_ns
        if instruction[5]:
            self.set_side(instruction[5])
        nxt = instruction[0](self, instruction[1], instruction[2], self.pc)
        self.exec_ns = -1
        if nxt == ops.STALLED or nxt == ops.AGAIN:
            self.forced = instruction
        else:
            self.begun = begun and nxt == self.pc
            if stall == ops.PIN and nxt == self.pc and not self.forced:
                self.stall = stall  # waits on: nothing has changed for it
            self.pc = nxt
        self.effect_holds = False
        self.tick = max(self.tick, self.tick_at(t_ns))
        if self.stall and not self.enabled:
            self.stall = 0
        self._set_due()

    def fdebug_now(self):
        """FDEBUG bits of state machine 0; a stall that lasts shows again after it was cleared."""
        waits = self.stall if self.enabled else 0
        return self.fdebug | (ops.TXSTALL if waits == ops.TX else 0) | (ops.RXSTALL if waits == ops.RX else 0)

    # ---- time ----

    def tick_at(self, t_ns):
        """The first cycle at or after `t_ns`."""
        cycles = (t_ns - self.epoch_ns + 7) >> 3
        return -(-(cycles << 8) // self.divider) if cycles > 0 else 0

    def time_ns(self, tick):
        return self.epoch_ns + ((tick * self.divider >> 8) << 3)

    def run_until(self, t_ns):
        """Does everything that is due up to and including `t_ns`."""
        if t_ns < self.due_ns or self.busy:
            return
        limit = self.tick_at(t_ns + 1)
        self.busy = True
        self.effect_holds = False
        while not self.ride or _pio_loop_fast_forward.is_over(self, limit):
            if not self._interpret(limit) or self.stall:
                break
        if self.rise_gpio:
            self._tell_rise()
        self.busy = False
        self._set_due()

    def _interpret(self, limit):
        """Instruction by instruction to just before tick `limit` (answers 0), a stall or a short cut."""
        code = self.code
        autopull = self.autopull
        while self.tick < limit:
            if autopull and code[self.pc][0] not in _OUTS:
                ops.refill(self)
            forced = self.forced
            if forced:
                operation, a, b, _, cycles, side, _ = forced
                nxt = self.pc
                self.forced = None
            else:
                operation, a, b, nxt, cycles, side, _ = code[self.pc]
            if side:
                self.set_side(side)
            nxt = operation(self, a, b, nxt)
            if nxt >= 0:
                self.pc = nxt
                self.tick += cycles
                continue
            if forced:
                self.forced = forced
            if nxt != _AGAIN:
                return nxt
            self.tick += 1
        return 0

    def sync(self, t_ns):
        """Brings the registers to exactly where they are at `t_ns`: no short cut or delay loop is under way then."""
        if not self.enabled:
            return
        if t_ns < self.settled_ns:
            _pio_pulse_batch.replay_last_pulse(self)
        self.run_until(t_ns)
        limit = self.tick_at(t_ns + 1)
        if self.ride:
            _pio_loop_fast_forward.leave(self, limit)
        self.unspin(limit)
        self._set_due()

    def unspin(self, limit):
        """Takes back the turns of a delay loop that lie at or after `limit`."""
        if self.tick != self.spin_end or limit >= self.spin_end:
            return
        turns = self.spin_turns
        cycles = (self.spin_end - self.spin_start) // (turns + 1)
        done = (limit - self.spin_start + cycles - 1) // cycles
        self.spin_end = -1
        if done <= turns:
            if self.spin_on_x:
                self.x = turns - done
            else:
                self.y = turns - done
            self.pc = self.spin_pc
            self.tick = self.spin_start + done * cycles

    def waits_for_irq(self):
        return self.stall == ops.IRQ

    def wake(self, t_ns):
        """What it was stalled on may have come true."""
        self.stall = 0
        self.effect_holds = False
        self.tick = max(self.tick, self.tick_at(t_ns))
        if not self.busy:
            self._set_due()

    def _set_due(self):
        if self.stall or not self.enabled:
            self.due_ns = NEVER
            return
        due_ns = _pio_loop_fast_forward.due_ns(self) if self.ride else self.time_ns(self.tick)
        self.due_ns = due_ns
        blocks = self.blocks
        if due_ns < blocks.next_due_ns:
            blocks.next_due_ns = due_ns

    # ---- pins ----

    def input_changed(self, t_ns, bit, level):
        """A watched wire changed."""
        if t_ns < self.settled_ns:
            _pio_pulse_batch.replay_last_pulse(self)
        if self.enabled and not self.busy:
            self.run_until(t_ns - 1)
            if self.ride and self.ride.looks:
                self.sync(t_ns - 1)
        self.inputs = self.inputs | bit if level else self.inputs & ~bit
        self.effect_holds = False
        if self.stall == ops.PIN:
            self.wake(t_ns + 1 if self.busy else t_ns)  # its own change it sees in the next cycle

    def drive(self, mask, bits):
        """Sets output latches, and the wires that PIO drives."""
        block = self.block
        changed = (block.out ^ bits) & mask
        if not changed:
            return
        block.out ^= changed
        if self.quiet is not None:
            self.quiet.append((self.tick, changed, bits & changed))
            return
        t_ns = self.exec_ns if self.exec_ns >= 0 else self.time_ns(self.tick)
        for bit, gpio in self.pins:
            if changed & bit and block.drives(bit, gpio):
                self._tell(t_ns, bit, gpio, 1 if bits & bit else 0)

    def _tell(self, t_ns, bit, gpio, level):
        """Tells of a level; of a rise only when its fall does not follow at once, for a pulse is told as one."""
        if self.rise_gpio is gpio:
            self.rise_gpio = None
            high_ns = t_ns - self.rise_ns
            gpio.train(self.rise_ns, 2 * high_ns, high_ns, 1)
            return
        if self.rise_gpio:
            self._tell_rise()
        if level and self.busy and self.short_cuts and not self.lock_step and not bit & self.reads:
            self.rise_gpio = gpio
            self.rise_ns = t_ns
        else:
            gpio.set_level(t_ns, level)

    def _tell_rise(self):
        gpio, self.rise_gpio = self.rise_gpio, None
        gpio.set_level(self.rise_ns, 1)

    def direct(self, mask, bits):
        """Sets output enables."""
        t_ns = self.exec_ns if self.exec_ns >= 0 else self.time_ns(self.tick)
        for bit, gpio in self.pins:
            if mask & bit:
                self.block.turn_pin(t_ns, bit, gpio, bits & bit)

    def set_side(self, side):
        if self.side_pindir:
            self.direct(side[0], side[1])
        else:
            self.drive(side[0], side[1])
