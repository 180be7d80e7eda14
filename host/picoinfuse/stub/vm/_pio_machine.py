"""One PIO state machine, exact to the cycle.

The model is event-driven: `due_ns` is the time of its next own action, NEVER while it is stalled or stopped. Any
action from outside (a word put, a pin change, an instruction executed by the CPU) first brings it up to that time.
Cycle k begins at `epoch_ns + (k * divider >> 8) * 8`: the divider counts 256ths of a system cycle of 8 ns, as in the
RP2040. The first cycle at or after a pin change sees it; the constant delay of the input synchroniser (two system
cycles, 16 ns) is not modelled.

The class has no properties: in the MicroPython VM, one property makes access to every attribute of the instances slow.
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
    """Times are ns since power-on. Calls must be in time order."""

    def __init__(self, block, index, short_cuts=True):
        self.block = block
        self.blocks = block.blocks
        self.index = index
        self.short_cuts = short_cuts  # False: interprets every turn of every loop, except `jmp x--` to itself
        self.lock_step = False  # mutually dependent with another state machine: no short cuts
        self.watches = []
        self.feeder = None  # the DMA channel that fills the TX FIFO
        self.configured = False
        self.unconfigure()

    def unconfigure(self):
        """The state after power-on: stopped, no program, no watched pins."""
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
        self.quiet = None  # a list during a dry run: receives the pin changes
        self.busy = False
        self.rise_gpio = None  # wire with a rise not reported yet: reported together with its fall, as a pulse
        self.rise_ns = 0
        self.exec_ns = -1
        self.pc = self.tick = 0
        self.autopull = False
        self._restart_state()

    def _restart_state(self):
        """Clears what SM_RESTART clears. X, Y, the OSR's bits and the FIFOs keep their contents."""
        self.isr = 0
        self.isr_count = 0
        self.osr_count = 32
        self.stall = 0
        self.begun = False
        self.forced = None
        self.delay_left = 0  # of an instruction that `stop` interrupted
        self.spin_end = -1
        self.fast_forward = None
        self.no_forward_tick = -1
        self.effect = None  # of a pulse on a watched pin (_pio_pulse_batch.Effect)
        self.effect_holds = False
        self.rose_ns = self.fell_ns = self.settled_ns = 0  # last pulse of a batch; its effect is over at settled_ns

    def configure(self, t_ns, program, offset, divider, **bases):
        """Stops and clears it, and configures it for `program`, loaded at `offset`. `bases`: as in `_pio_setup`."""
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
        """Stops it between two instructions; pins keep their levels."""
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
        """Puts a word into the TX FIFO. If that is full, the word is lost and TXOVER is set."""
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
        """Takes the oldest word from the RX FIFO. If that is empty, returns 0 and sets RXUNDER."""
        if not self.rx:
            self.fdebug |= ops.RXUNDER
            return 0
        word = self.rx.pop(0)
        if self.stall == ops.RX:
            self.wake(t_ns)
        return word

    def exec_word(self, t_ns, word):
        """Executes an instruction immediately, also while stopped or stalled; then retries a stalled instruction."""
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
                self.stall = stall  # keeps waiting: nothing has changed for it
            self.pc = nxt
        self.effect_holds = False
        self.tick = max(self.tick, self.tick_at(t_ns))
        if self.stall and not self.enabled:
            self.stall = 0
        self._set_due()

    def fdebug_now(self):
        """FDEBUG bits at the positions of state machine 0. A stall that persists is set again after it was cleared."""
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
        """Runs everything due up to and including `t_ns`."""
        if t_ns < self.due_ns or self.busy:
            return
        limit = self.tick_at(t_ns + 1)
        self.busy = True
        self.effect_holds = False
        while not self.fast_forward or _pio_loop_fast_forward.is_over(self, limit):
            if not self._interpret(limit) or self.stall:
                break
        if self.rise_gpio:
            self._report_rise()
        self.busy = False
        self._set_due()

    def _interpret(self, limit):
        """Interprets until just before tick `limit` (returns 0), a stall or a fast-forward (returns its code)."""
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
        """Brings the registers to their exact values at `t_ns`; ends any fast-forward or delay loop under way."""
        if not self.enabled:
            return
        if t_ns < self.settled_ns:
            _pio_pulse_batch.replay_last_pulse(self)
        self.run_until(t_ns)
        limit = self.tick_at(t_ns + 1)
        if self.fast_forward:
            _pio_loop_fast_forward.leave(self, limit)
        self.unspin(limit)
        self._set_due()

    def unspin(self, limit):
        """Undoes the turns of a delay loop at or after tick `limit`."""
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
        """Ends a stall: its condition may be met now."""
        self.stall = 0
        self.effect_holds = False
        self.tick = max(self.tick, self.tick_at(t_ns))
        if not self.busy:
            self._set_due()

    def _set_due(self):
        if self.stall or not self.enabled:
            self.due_ns = NEVER
            return
        due_ns = _pio_loop_fast_forward.due_ns(self) if self.fast_forward else self.time_ns(self.tick)
        self.due_ns = due_ns
        blocks = self.blocks
        if due_ns < blocks.next_due_ns:
            blocks.next_due_ns = due_ns

    # ---- pins ----

    def input_changed(self, t_ns, bit, level):
        """A watched wire has changed to `level` at `t_ns`."""
        if t_ns < self.settled_ns:
            _pio_pulse_batch.replay_last_pulse(self)
        if self.enabled and not self.busy:
            self.run_until(t_ns - 1)
            if self.fast_forward and self.fast_forward.reads_pins:
                self.sync(t_ns - 1)
        self.inputs = self.inputs | bit if level else self.inputs & ~bit
        self.effect_holds = False
        if self.stall == ops.PIN:
            self.wake(t_ns + 1 if self.busy else t_ns)  # it sees its own change in the next cycle

    def drive(self, mask, bits):
        """Sets output latches, and the levels of the wires that PIO drives."""
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
                self._report(t_ns, bit, gpio, 1 if bits & bit else 0)

    def _report(self, t_ns, bit, gpio, level):
        """Reports a level. Holds back a rise until the next change, so that a rise and its fall become one pulse."""
        if self.rise_gpio is gpio:
            self.rise_gpio = None
            high_ns = t_ns - self.rise_ns
            gpio.pulses(self.rise_ns, 2 * high_ns, high_ns, 1)
            return
        if self.rise_gpio:
            self._report_rise()
        if level and self.busy and self.short_cuts and not self.lock_step and not bit & self.reads:
            self.rise_gpio = gpio
            self.rise_ns = t_ns
        else:
            gpio.set_level(t_ns, level)

    def _report_rise(self):
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
