"""The C half of the CPU under interrupts: the same program, with it and without it, is at the same place.

There was a fault here: rp2040py's core executes the instruction behind an interrupt, had a divider of its own, and so
MicroPython, which divides to look up a name, did not find names that were there.
"""

from __future__ import annotations

import random

import pytest

from picoinfuse.emulator import rp2040py_patches, thumb

from .thumb_code import CODE, DATA, FIRST_IRQ, FLASH, BareChip, Program

_SLICE_NS = 10_000  # so long between looks: 1250 cycles
_SLICES = 20
_GAP_NS = 2000  # between interrupts, on average: each handler takes some 500 ns

needs_compiler = pytest.mark.skipif(thumb.library() is None, reason="no C compiler here")


def interrupts(seed: int) -> list[tuple[int, int]]:
    rng = random.Random(seed)
    at_ns, found = 0, []
    while at_ns < _SLICES * _SLICE_NS:
        at_ns += round(rng.expovariate(1 / _GAP_NS))  # whole ns: fractions of many cycles add up differently
        found.append((at_ns, rng.randrange(FIRST_IRQ, 32)))
    return found


def play(seed: int) -> list[dict[str, object]]:
    """What code could see every 10 µs."""
    program = Program(seed)
    bare = BareChip(program.words, program.entry, program.handler, on_thread_stack=bool(seed & 1))
    for at_ns, irq in interrupts(seed):
        bare.interrupt_at(at_ns, irq)
    states = []
    for _ in range(_SLICES):
        bare.run(_SLICE_NS)
        states.append(bare.state())
    return states


@needs_compiler
@pytest.mark.parametrize("seed", range(40))
def test_a_program_under_interrupts_gets_to_the_same_place(seed: int, monkeypatch: pytest.MonkeyPatch):
    with_c = play(seed)
    monkeypatch.setattr(rp2040py_patches, "library", lambda: None)
    for here, there in zip(with_c, play(seed), strict=True):
        assert here == there
    assert len({state["next"] for state in with_c}) > _SLICES // 4  # it went round all the time


@needs_compiler
@pytest.mark.parametrize(
    ("words", "result", "carry", "overflow"),
    [
        # By ARMv6-M's manual; rp2040py's core has the flag in question the other way round.
        ([0x2000, 0x43C0, 0x2100, 0x40C8], 0xFFFFFFFF, 0, 0),  # -1 LSR 0: the carry stays
        ([0x2000, 0x43C0, 0x2100, 0x4108], 0xFFFFFFFF, 0, 0),  # -1 ASR 0
        ([0x2000, 0x43C0, 0x2100, 0x41C8], 0xFFFFFFFF, 0, 0),  # -1 ROR 0
        ([0x2001, 0x2141, 0x4088], 0, 0, 0),  # 1 LSL 65: nothing is left, not even a carry
        # 0x7FFFFFFF + 0 + carry overflows: 2**31 - 1 + 1
        ([0x2000, 0x43C0, 0x0840, 0x2100, 0x4289, 0x4148], 0x80000000, 0, 1),
    ],
)
def test_flags_are_as_in_the_manual(words: list[int], result: int, carry: int, overflow: int):
    bare = BareChip([*words, 0xE7FE], CODE, CODE)  # and stays there
    bare.run(1000)
    assert bare.core.registers[0] == result
    assert (bare.core.apsr >> 29 & 1, bare.core.apsr >> 28 & 1) == (carry, overflow)


@needs_compiler
def test_an_alarm_that_is_due_now_does_not_stop_the_clock():
    # Nothing was executed when no cycle was left until the next alarm, and time stood still for ever.
    bare = BareChip([0xE7FE], CODE, CODE)
    fired: list[float] = []
    bare.chip.clock.create_alarm(lambda: fired.append(bare.chip.clock.nanos)).schedule(0.0)
    bare.run(1000)
    assert fired == [0.0]
    assert bare.chip.clock.nanos >= 1000
    assert (bare.core.registers[15] & ~1) == FLASH + CODE
    assert bare.chip.sram[DATA - 0x20000000] == 0
