"""A PIO block that runs on the clock instead of being carried along by the CPU.

rp2040py lets each state machine execute at most one instruction for each instruction of the CPU, and drops what
it owes when a sleeping CPU jumps to the next alarm. Here an alarm of the emulator's clock stands at the very
instant at which the next instruction is due, so a jump never passes one and each executes at its own time, to the
1/256 of a system clock. It is armed only while a state machine has something to do.

A delay loop, `jmp x--` or `jmp y--` to itself, would cost an alarm for each turn. It is due when it ends; the turns
are taken at once then, or as many of them as have passed when the CPU looks at the block before.

Also mended here: the FIFOs join to eight words and are emptied when the joining changes, as pico-sdk's
`pio_sm_clear_fifos` relies on; and what an injected instruction does to a pin is seen at once, not when the block
next executes something.
"""

from __future__ import annotations

from typing import Any

from picoinfuse.emulator.pinned import FIFO, RP2040, RPPIO, StateMachine

_FP_PER_NS = 32  # 256ths of a system clock (8 ns) in a nanosecond
_NEVER = 1 << 62

_CTRL = 0x000
_RXF0, _RXF3 = 0x020, 0x02C
_SM0_SHIFTCTRL, _SM_STRIDE, _SM3_SHIFTCTRL = 0x0D0, 0x18, 0x118
_JOIN_TX, _JOIN_RX = 1 << 30, 1 << 31
_FIFO_WORDS = 4

_JMP_X_DEC, _JMP_Y_DEC = 0b010, 0b100


class ClockedPio(RPPIO):
    """Takes the place of an RPPIO. `stopped` stays true: the emulator's loop must not advance it."""

    def __init__(self, rp2040: RP2040, name: str, first_irq: int, index: int) -> None:
        if RPPIO.__init__ is not object.__init__:  # the compiled one sets itself up when it is allocated
            super().__init__(rp2040, name, first_irq, index)
        self._clock = rp2040.clock
        self._alarm = rp2040.clock.create_alarm(self._run_due_now)
        self._armed_fp = _NEVER
        self._running: list[StateMachine] = []
        self._inside = False  # a call of ours is under way, which arms the alarm in the end
        self.instructions_run = 0

    # ---- the CPU's side ----

    def write_uint32(self, offset: int, value: int) -> None:
        self.catch_up()
        self._inside = True
        super().write_uint32(offset, value)
        self._inside = False
        if offset == _CTRL:
            self._running = [machine for machine in self.machines if machine.enabled]
            self.stopped = True
        elif _SM0_SHIFTCTRL <= offset <= _SM3_SHIFTCTRL and (offset - _SM0_SHIFTCTRL) % _SM_STRIDE == 0:
            _join_fifos(self.machines[(offset - _SM0_SHIFTCTRL) // _SM_STRIDE])
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
        self._running = []
        self._arm()

    # ---- the clock's side ----

    def catch_up(self) -> None:
        """Brings the block to now. To be called before anything outside changes something that it can see."""
        now_fp = round(self._clock.nanos * _FP_PER_NS)
        self.cycle_fp = now_fp
        for machine in self._running:
            if machine.next_due_fp <= now_fp and not machine.waiting:
                _take_turns(machine, self.instructions, now_fp)

    def notify_due(self, due_fp: int) -> None:
        """A stall ended from outside."""
        super().notify_due(due_fp)
        if not self._inside:
            self._arm()

    def _run_due_now(self) -> None:
        self._armed_fp = _NEVER
        self.catch_up()
        self._inside = True
        self.recompute_due()
        self.advance(0)
        self._inside = False
        self.instructions_run += 1
        self._arm()

    def _arm(self) -> None:
        due_fp = _NEVER
        for machine in self._running:
            if not machine.waiting:
                machine_due_fp = _due_fp(machine, self.instructions)
                due_fp = min(due_fp, machine_due_fp)
        if due_fp == self._armed_fp:
            return
        self._armed_fp = due_fp
        if due_fp == _NEVER:
            self._alarm.cancel()
        else:
            self._alarm.schedule(max(0.0, due_fp / _FP_PER_NS - self._clock.nanos))


def _delay_register(machine: StateMachine, opcode: int) -> str | None:
    """The register that a delay loop counts down; None when the instruction is no delay loop."""
    if opcode >> 13 or opcode & 0x1F != machine.pc or machine.pin_ctrl >> 29:
        return None
    condition = opcode >> 5 & 0b111
    return "x" if condition == _JMP_X_DEC else "y" if condition == _JMP_Y_DEC else None


def _turn_cycles(opcode: int) -> int:
    return 1 + (opcode >> 8 & 0x1F)


def _due_fp(machine: StateMachine, instructions: list[int]) -> int:
    """When the machine next does something that shows: a delay loop ends, or else the next instruction."""
    opcode = instructions[machine.pc]
    register = _delay_register(machine, opcode)
    if register is None:
        return machine.next_due_fp
    return machine.next_due_fp + getattr(machine, register) * _turn_cycles(opcode) * machine.div_fp


def _take_turns(machine: StateMachine, instructions: list[int], now_fp: int) -> None:
    """Takes the turns of a delay loop that are due up to now; its last execution, which leaves it, is the block's."""
    opcode = instructions[machine.pc]
    register = _delay_register(machine, opcode)
    if register is None:
        return
    turn_fp = _turn_cycles(opcode) * machine.div_fp
    left = getattr(machine, register)
    turns = min(left, (now_fp - machine.next_due_fp) // turn_fp + 1)
    setattr(machine, register, left - turns)
    machine.next_due_fp += turns * turn_fp


def _join_fifos(machine: Any) -> None:
    """Gives the FIFOs the depths that SHIFTCTRL asks for; a change of them empties both."""
    joined_tx, joined_rx = bool(machine.shift_ctrl & _JOIN_TX), bool(machine.shift_ctrl & _JOIN_RX)
    tx_words = 2 * _FIFO_WORDS if joined_tx else 0 if joined_rx else _FIFO_WORDS
    rx_words = 2 * _FIFO_WORDS if joined_rx else 0 if joined_tx else _FIFO_WORDS
    if (machine.tx_fifo.size, machine.rx_fifo.size) != (tx_words, rx_words):
        machine.tx_fifo = FIFO(tx_words)
        machine.rx_fifo = FIFO(rx_words)
