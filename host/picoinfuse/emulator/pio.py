"""A PIO block that runs by the clock, independently of the CPU.

In rp2040py a state machine executes at most one instruction for each instruction of the CPU, and instructions are lost
when a sleeping CPU skips to the next alarm. Here an alarm of the emulator's clock is set for the time of the next
instruction, so none is skipped and each executes at its exact time, to 1/256 of a system clock. The alarm is set only
while a state machine has something to do.

A delay loop (`jmp x--` or `jmp y--` to itself) would cost an alarm for each turn. Its alarm is set for its end, and its
turns are counted then, or as far as they have passed when the CPU accesses the block earlier.

Further corrections: the FIFOs can be joined to eight words and are emptied when the joining changes, on which
pico-sdk's `pio_sm_clear_fifos` relies; and the effect of an injected instruction on a pin is visible at once.
"""

from __future__ import annotations

from typing import Any

from picoinfuse.emulator.rp2040py_imports import FIFO, RP2040, RPPIO

_FP_PER_NS = 32  # 256ths of a system clock (8 ns) in a nanosecond
_NEVER = 1 << 62

_CTRL = 0x000
_RXF0, _RXF3 = 0x020, 0x02C
_INSTR_MEM0, _INSTR_MEM31 = 0x048, 0x0C4
_SM0_CLKDIV, _SM_STRIDE, _SM3_PINCTRL = 0x0C8, 0x18, 0x124
_JOIN_TX, _JOIN_RX = 1 << 30, 1 << 31
_FIFO_WORDS = 4

_JMP_X_DEC, _JMP_Y_DEC = 0b010, 0b100


class _Delay:
    """A delay loop in the program: counts X or Y down, with `cycles` PIO clocks a turn."""

    __slots__ = ("counts_x", "cycles")

    def __init__(self, counts_x: bool, cycles: int) -> None:
        self.counts_x = counts_x
        self.cycles = cycles

    def left(self, machine: Any) -> int:
        return machine.x if self.counts_x else machine.y

    def take(self, machine: Any, now_fp: int) -> None:
        """Counts the turns up to now; the block itself executes the last one, which leaves the loop."""
        turn_fp = self.cycles * machine.div_fp
        left = self.left(machine)
        turns = min(left, (now_fp - machine.next_due_fp) // turn_fp + 1)
        if self.counts_x:
            machine.x = left - turns
        else:
            machine.y = left - turns
        machine.next_due_fp += turns * turn_fp


class ClockedPio(RPPIO):
    """Replaces an RPPIO. `stopped` stays True, so that the emulator's loop does not advance it."""

    def __init__(self, rp2040: RP2040, name: str, first_irq: int, index: int) -> None:
        if RPPIO.__init__ is not object.__init__:  # the compiled class initializes itself on allocation
            super().__init__(rp2040, name, first_irq, index)
        self._clock = rp2040.clock
        self._alarm = rp2040.clock.create_alarm(self._run_due_now)
        self._armed_fp = _NEVER
        self._delays: list[_Delay | None] = [None] * 32  # by address
        self._running: list[Any] = []  # state machines that are enabled
        self._inside = False  # True during a call of this class, which arms the alarm at its end

    # ---- the CPU's side ----

    def write_uint32(self, offset: int, value: int) -> None:
        self.catch_up()
        self._inside = True
        super().write_uint32(offset, value)
        self._inside = False
        if offset == _CTRL:
            self._running = [machine for machine in self.machines if machine.enabled]
            self.stopped = True
        elif _INSTR_MEM0 <= offset <= _INSTR_MEM31:
            address = (offset - _INSTR_MEM0) // 4
            self._delays[address] = _delay_at(address, self.instructions[address])
        elif _SM0_CLKDIV <= offset <= _SM3_PINCTRL:
            _join_fifos(self.machines[(offset - _SM0_CLKDIV) // _SM_STRIDE])
        self.check_changed_pins()
        self._arm()

    def read_uint32(self, offset: int) -> int:
        if not _RXF0 <= offset <= _RXF3:
            return super().read_uint32(offset)
        self.catch_up()
        value = super().read_uint32(offset)  # may end a stall
        self._arm()
        return value

    def reset(self) -> None:
        super().reset()
        for machine in self.machines:
            _join_fifos(machine)
        self._delays = [None] * 32
        self._running = []
        self._arm()

    # ---- the clock's side ----

    def catch_up(self) -> None:
        """Brings the block to the current time. Call it before changing anything that the block can read."""
        now_fp = self.cycle_fp = round(self._clock.nanos * _FP_PER_NS)
        for machine in self._running:
            if machine.next_due_fp <= now_fp and not machine.waiting:
                delay = self._delays[machine.pc]
                if delay is not None and not machine.pin_ctrl >> 29:
                    delay.take(machine, now_fp)

    def notify_due(self, due_fp: int) -> None:
        """Called by rp2040py when a stall ends from outside."""
        if not self._inside:
            self._arm()

    def _run_due_now(self) -> None:
        self._armed_fp = _NEVER
        self.catch_up()
        now_fp = self.cycle_fp
        self._inside = True
        for machine in self._running:
            if machine.next_due_fp <= now_fp and not machine.waiting:
                machine.step()
        self.check_changed_pins()
        self._inside = False
        self._arm()

    def _arm(self) -> None:
        """Sets the alarm for the next visible action: the end of a delay loop, otherwise the next instruction."""
        earliest_fp = _NEVER
        for machine in self._running:
            if machine.waiting:
                continue
            due_fp = machine.next_due_fp
            delay = self._delays[machine.pc]
            if delay is not None and not machine.pin_ctrl >> 29:
                due_fp += delay.left(machine) * delay.cycles * machine.div_fp
            if due_fp < earliest_fp:
                earliest_fp = due_fp
        if earliest_fp == self._armed_fp:
            return
        self._armed_fp = earliest_fp
        if earliest_fp == _NEVER:
            self._alarm.cancel()
        else:
            wait_ns = earliest_fp / _FP_PER_NS - self._clock.nanos
            self._alarm.schedule(wait_ns if wait_ns > 0 else 0.0)


def _delay_at(address: int, opcode: int) -> _Delay | None:
    """The delay loop at `address`, if there is one. Assumes five bits of delay: no side-set."""
    condition = opcode >> 5 & 0b111
    if opcode >> 13 or opcode & 0x1F != address or condition not in (_JMP_X_DEC, _JMP_Y_DEC):
        return None
    return _Delay(condition == _JMP_X_DEC, 1 + (opcode >> 8 & 0x1F))


def _join_fifos(machine: Any) -> None:
    """Sets the depths of the FIFOs from SHIFTCTRL; a change empties both."""
    joined_tx, joined_rx = bool(machine.shift_ctrl & _JOIN_TX), bool(machine.shift_ctrl & _JOIN_RX)
    tx_words = 2 * _FIFO_WORDS if joined_tx else 0 if joined_rx else _FIFO_WORDS
    rx_words = 2 * _FIFO_WORDS if joined_rx else 0 if joined_tx else _FIFO_WORDS
    if (machine.tx_fifo.size, machine.rx_fifo.size) != (tx_words, rx_words):
        machine.tx_fifo = FIFO(tx_words)
        machine.rx_fifo = FIFO(rx_words)
        machine.rp2040.dma.set_dreq(machine.dreq_tx)  # an empty FIFO requests words
