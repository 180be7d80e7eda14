"""State machines against rp2040-pio-emulator, instruction by instruction, with short cuts and without."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pio_programs import programs
from pio_rig import STEP_PIN, TICK_NS, Rig, step_program, word
from pioemu import State, emulate

SYSTEM_NS = 8


def judged(program, words, ticks, **options):
    """pioemu's pin changes [(tick, level)] of STEP_PIN and its registers when all cycles before `ticks` are done."""
    state = State(transmit_fifo=deque(words))
    changes = []
    steps = emulate(
        program.words,
        stop_when=lambda _, state: state.clock >= ticks,
        initial_state=state,
        shift_osr_right=bool(program.out_shiftdir),
        shift_isr_right=bool(program.in_shiftdir),
        out_base=STEP_PIN,
        out_count=len(program.out_init),
        set_base=STEP_PIN,
        set_count=len(program.set_init),
        side_set_base=STEP_PIN,
        side_set_count=len(program.sideset_init),
        jmp_pin=STEP_PIN,
        wrap_target=program.wrap_target,
        wrap_top=program.wrap,
        **options,
    )
    for before, after in steps:
        if (before.pin_values ^ after.pin_values) >> STEP_PIN & 1:
            changes.append((before.clock, after.pin_values >> STEP_PIN & 1))
        state = after
    shift_in, shift_out = state.input_shift_register, state.output_shift_register
    fifos = list(state.transmit_fifo), list(state.receive_fifo)
    return changes, (
        state.x_register,
        state.y_register,
        shift_in.contents,
        shift_in.counter,
        shift_out.contents,
        shift_out.counter,
        state.program_counter,
        *fifos,
    )


step_words = st.lists(st.builds(word, st.integers(0, 4), st.integers(0, 12)), max_size=8)


@pytest.mark.parametrize("short_cuts", [False, True])
@given(words=step_words, ticks=st.integers(1, 500))
@settings(max_examples=60)
def test_the_step_program_runs_as_in_pioemu(words, ticks, short_cuts):
    changes, registers = judged(step_program, words, ticks)
    rig = Rig(step_program, short_cuts=short_cuts)
    rig.sm.start(0)
    for each in words:
        rig.sm.put(0, each)
    assert rig.registers(ticks * TICK_NS - 1) == registers  # all cycles before `ticks`
    assert rig.wire.changes == [(tick * TICK_NS, level) for tick, level in changes]


@given(
    program=programs,
    words=st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 20), max_size=4),
    ticks=st.integers(1, 300),
)
@settings(max_examples=400)
def test_any_program_runs_as_in_pioemu(program, words, ticks):
    changes, registers = judged(program, words, ticks)
    for short_cuts in (False, True):
        rig = Rig(program, divider=256, short_cuts=short_cuts, in_base=0)
        for each in words:
            rig.sm.put(0, each)
        rig.sm.start(0)
        assert rig.registers(ticks * SYSTEM_NS - 1) == registers
        assert rig.wire.changes == [(tick * SYSTEM_NS, level) for tick, level in changes]
