"""Random Thumb programs for a bare chip, and a chip that runs one while interrupts come at given instants.

A program is main code that goes round for ever, two functions that it calls, and a handler that all interrupts share.
R6 points at memory, R7 at SIO, R8 to R11 at a spinlock, ADC, watchdog and timer; R0 to R5 hold anything.

rp2040py's own core gets some flags wrong, where thumb.c is right; these are left out here, and are a test of their own:
shifts by a register that holds 0 or more than 32, and ADCS and SBCS whose carry makes the second operand overflow.
"""

from __future__ import annotations

import hashlib
import random
import struct
from typing import Any

from picoinfuse.emulator.rp2040py_patches import patched_chip

FLASH, RAM = 0x10000000, 0x20000000
CODE = 0x400  # in flash, behind the vectors
STACK, THREAD_STACK, DATA = RAM + 0x40000, RAM + 0x30000, RAM + 0x1000
SIO, SPINLOCKS, ADC, WATCHDOG, TIMER = 0xD0000000, 0xD0000100, 0x4004C000, 0x40058000, 0x40054000
FIRST_IRQ = 26  # 26 to 31 belong to no peripheral: what makes them pend is only the NVIC

_AND, _EOR, _LSL, _LSR, _ASR, _ADC, _SBC, _ROR, _TST, _NEG, _CMP, _CMN, _ORR, _MUL, _BIC, _MVN = range(16)
_PLAIN = (_AND, _EOR, _TST, _NEG, _CMP, _CMN, _ORR, _MUL, _BIC, _MVN)
_EXTEND = (0xB200, 0xB240, 0xB280, 0xB2C0, 0xBA00, 0xBA40, 0xBAC0)
_BARRIERS = ((0xF3BF, 0x8F5F), (0xF3BF, 0x8F4F), (0xF3BF, 0x8F6F))


def _alu(op: int, d: int, m: int) -> int:
    return 0x4000 | op << 6 | m << 3 | d


def _mov_imm(d: int, value: int) -> int:
    return 0x2000 | d << 8 | value


def _mov(d: int, m: int) -> int:
    """Any register to any."""
    return 0x4600 | (d & 8) << 4 | m << 3 | d & 7


def _load(t: int, base: int, offset: int) -> int:
    return 0x6800 | offset // 4 << 6 | base << 3 | t


def _store(t: int, base: int, offset: int) -> int:
    return 0x6000 | offset // 4 << 6 | base << 3 | t


def _branch_and_link(at: int, to: int) -> list[int]:
    offset = to - at - 4
    sign, i1, i2 = offset >> 24 & 1, offset >> 23 & 1, offset >> 22 & 1
    j1, j2 = 1 ^ i1 ^ sign, 1 ^ i2 ^ sign
    return [0xF000 | sign << 10 | offset >> 12 & 0x3FF, 0xD000 | j1 << 13 | j2 << 11 | offset >> 1 & 0x7FF]


class Program:
    """`words` from CODE on; `entry` and `handler` are offsets in flash."""

    def __init__(self, seed: int, length: int = 120) -> None:
        self._random = random.Random(seed)
        self.words: list[int] = []
        self._functions: list[int] = []
        for _ in range(2):
            begin = self._here
            self._emit(0xB530)  # PUSH {R4, R5, LR}
            self._some(8)
            self._emit(0xBD30)  # POP {R4, R5, PC}
            self._functions.append(begin)  # not before: it must not call itself
        self.handler = self._here
        self._emit(0xB5F0)  # PUSH {R4-R7, LR}
        self._emit(*self._keep_division() if self._random.random() < 0.8 else ())
        self._some(6)
        self._emit(*self._restore_division(), 0xBDF0)
        self.entry = self._here
        for _ in range(length):
            self._some(1)
            if self._random.random() < 0.05:
                self._emit(self._random.choice((0xBF20, 0xBF30)))  # WFE, WFI: only here, where any interrupt ends it
        self._emit(*_branch_and_link(self._here, self.entry))

    @property
    def _here(self) -> int:
        return CODE + 2 * len(self.words)

    def _emit(self, *words: int) -> None:
        self.words += words

    def _some(self, count: int) -> None:
        for _ in range(count):
            self._random.choice(_KINDS)(self)

    def _any(self) -> int:
        return self._random.randrange(6)

    # ---- kinds of instruction ----

    def _plain(self) -> None:
        self._emit(_alu(self._random.choice(_PLAIN), self._any(), self._any()))

    def _immediate(self) -> None:
        self._emit(0x2000 | self._random.randrange(4) << 11 | self._any() << 8 | self._random.randrange(256))

    def _three(self) -> None:
        m = self._any() if (kind := self._random.randrange(4)) < 2 else self._random.randrange(8)
        self._emit(0x1800 | kind << 9 | m << 6 | self._any() << 3 | self._any())

    def _shift(self) -> None:
        kind, amount = self._random.randrange(3), self._random.randrange(32)
        self._emit(kind << 11 | amount << 6 | self._any() << 3 | self._any())

    def _shift_by_register(self) -> None:
        d, m = self._random.sample(range(6), 2)
        op = self._random.choice((_LSL, _LSR, _ASR, _ROR))
        self._emit(_mov_imm(m, self._random.randint(1, 32)), _alu(op, d, m))

    def _with_carry(self) -> None:
        d, m = self._random.sample(range(6), 2)
        if self._random.random() < 0.5:
            self._emit(0x0880 | d << 3 | d, _alu(_ADC, d, m))  # LSRS Rd, Rd, #2: the carry cannot overflow it
        else:
            self._emit(0x0880 | m << 3 | m, _alu(_SBC, d, m))

    def _extend(self) -> None:
        self._emit(self._random.choice(_EXTEND) | self._any() << 3 | self._any())

    def _high(self) -> None:
        self._emit(_mov(12, self._any()), _mov(self._any(), 12))

    def _memory(self) -> None:
        form = self._random.choice((12, 13, 14, 15, 16, 17))  # STR, LDR, STRB, LDRB, STRH, LDRH with an offset
        self._emit(form << 11 | self._random.randrange(32) << 6 | 6 << 3 | self._any())

    def _memory_by_register(self) -> None:
        kind, t, m = self._random.randrange(8), *self._random.sample(range(6), 2)
        self._emit(_mov_imm(m, self._random.randrange(32) * 4), 0x5000 | kind << 9 | m << 6 | 6 << 3 | t)

    def _many(self) -> None:
        base, low = self._random.choice((4, 5)), self._random.randrange(1, 16)
        self._emit(_mov(base, 6), self._random.choice((0xC000, 0xC800)) | base << 8 | low)

    def _stack(self) -> None:
        low = self._random.randrange(1, 64)
        self._emit(0xB400 | low, 0xB081, 0x9000 | self._any() << 8, 0x9800 | self._any() << 8, 0xB001)
        self._emit(0xBC00 | low)

    def _skip(self) -> None:
        self._emit(0xD000 | self._random.randrange(14) << 8, _mov_imm(self._any(), self._random.randrange(256)))

    def _call(self) -> None:
        if self._functions:
            keep = self._random.random() < 0.5
            self._emit(*((0xB500,) if keep else ()))  # PUSH {LR}
            self._emit(*_branch_and_link(self._here, self._random.choice(self._functions)))
            self._emit(*((0xBC08, 0x469E) if keep else ()))  # POP {R3}; MOV LR, R3

    def _divide(self) -> None:
        signed = 8 * self._random.randrange(2)
        self._emit(_store(self._any(), 7, 0x60 + signed), _store(self._any(), 7, 0x64 + signed))
        self._emit(*[0xBF00] * self._random.randrange(5), _load(self._any(), 7, 0x74))
        self._emit(_load(self._any(), 7, 0x70), _load(self._any(), 7, 0x78))

    def _spinlock(self) -> None:
        self._emit(_mov(5, 8), _load(4, 5, 0), _store(4, 5, 0), _load(3, 5, 0), _load(2, 5, 0), _store(2, 5, 0))

    def _peripheral(self) -> None:
        self._emit(
            *self._random.choice(
                (
                    (_mov(5, 11), _load(4, 5, 0x28)),
                    (_mov(5, 10), _store(self._any(), 5, 0x0C), _load(self._any(), 5, 0x0C)),
                    (_mov(5, 9), _load(self._any(), 5, 0)),
                    (_mov(5, 9), _mov_imm(4, 5), _store(4, 5, 0), _load(3, 5, 0)),
                )
            )
        )

    def _masked(self) -> None:
        self._emit(0xB672)  # CPSID i
        for _ in range(3):
            self._random.choice((Program._plain, Program._memory, Program._divide))(self)
        d = self._any()
        self._emit(0xF3EF, 0x8010 | d << 8)  # MRS Rd, PRIMASK
        unmask = (0xB662,), (0x0840 | d << 3 | d, 0xF380 | d, 0x8810)  # CPSIE i; LSRS, MSR PRIMASK
        self._emit(*self._random.choice(unmask))

    def _special(self) -> None:
        self._emit(0xF3EF, 0x8000 | self._any() << 8 | self._random.choice((0, 3, 5, 8, 9)))

    def _barrier(self) -> None:
        self._emit(*self._random.choice(_BARRIERS))

    def _fresh(self) -> None:
        """Bits all over a register, where much else leaves zeros."""
        d, m = self._random.sample(range(6), 2)
        self._emit(_mov_imm(m, self._random.randint(1, 255)), _alu(_MUL, d, m), 0x3000 | d << 8 | m << 3 | 5)
        self._emit(_mov_imm(m, self._random.randint(1, 31)), _alu(_ROR, d, m))

    def _keep_division(self) -> list[int]:
        """As MicroPython's own functions do when an interrupt came in the middle of one."""
        keep = [_load(4, 7, 0x60), _load(5, 7, 0x64), _load(3, 7, 0x74), _load(2, 7, 0x70)]
        return [*keep, 0xB43C]  # PUSH {R2-R5}

    def _restore_division(self) -> list[int]:
        if 0xB43C not in self.words:
            return []
        back = [_store(4, 7, 0x60), _store(5, 7, 0x64), _store(3, 7, 0x74), _store(2, 7, 0x70)]
        return [0xBC3C, *back]


_KINDS = (
    *(Program._plain, Program._immediate, Program._three, Program._shift, Program._shift_by_register),
    *(Program._with_carry, Program._extend, Program._high, Program._memory, Program._memory_by_register),
    *(Program._many, Program._stack, Program._skip, Program._skip, Program._call, Program._divide, Program._divide),
    *(Program._divide, Program._spinlock, Program._peripheral, Program._masked, Program._special, Program._barrier),
    *(Program._fresh, Program._fresh, Program._fresh),
)


class BareChip:
    """No MicroPython: a program in flash, and nothing else. `on_thread_stack`: it runs on the second stack pointer."""

    def __init__(self, words: list[int], entry: int, handler: int, *, on_thread_stack: bool = False) -> None:
        self.chip, self._runner = patched_chip(1)
        chip: Any = self.chip
        chip.logger = _Silent()
        chip.flash[: 48 * 4] = struct.pack("<48I", STACK, *[FLASH + handler | 1] * 47)
        chip.flash[CODE : CODE + 2 * len(words)] = struct.pack(f"<{len(words)}H", *words)
        core = self.core = chip.core
        core.vtor = FLASH
        core.registers[13] = STACK
        core.registers[15] = FLASH + entry
        for register, value in zip(range(6, 12), (DATA, SIO, SPINLOCKS, ADC, WATCHDOG, TIMER), strict=True):
            core.registers[register] = value
        if on_thread_stack:
            core.write_special_register(9, THREAD_STACK)
            core.write_special_register(20, 2)
        core.enabled_interrupts = 0xFFFFFFFF
        core.interrupt_priorities[0] = 0xE0000000
        core.interrupt_priorities[1] = 0x1FFFFFFF
        self._end = chip.clock.create_alarm(self._stop)

    def interrupt_at(self, t_ns: float, irq: int) -> None:
        self.chip.clock.create_alarm(lambda: self.core.set_interrupt(irq, True)).schedule(t_ns)

    def run(self, duration_ns: float) -> None:
        self._end.schedule(duration_ns)
        self._runner.run()

    def _stop(self) -> None:
        self._runner.stopped = True

    def state(self) -> dict[str, Any]:
        """All that code can see."""
        core = self.core
        return {
            "registers": [hex(value) for value in core.registers[:15]],
            "next": hex(core.registers[15] & ~1),  # rp2040py leaves bit 0 of a vector there
            "the other stack": hex(core.banked_sp),
            "flags": hex(core.apsr),
            "primask": bool(core.pm),
            "in interrupt": core.ipsr,
            "t_ns": self.chip.clock.nanos,
            "memory": hashlib.sha256(self.chip.sram).hexdigest()[:16],
            "division": [int(self.chip.read_uint32(SIO + at)) for at in (0x60, 0x64, 0x74)],
        }


class _Silent:
    def debug(self, *_: str) -> None: ...

    def info(self, *_: str) -> None: ...

    def warning(self, *_: str) -> None: ...

    def error(self, *words: str) -> None:
        raise AssertionError(words)
