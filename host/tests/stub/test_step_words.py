"""The firmware's own PIO program, cycle by cycle on `pioemu`: a word takes the ticks that it says, and so does
the next one.

The program is assembled from firmware/pump/drivers/stepper.py by the stub's assembler; the words come from the
step grid.
"""

from collections import deque
from dataclasses import replace

import pioemu
from _pioasm import Program
from hypothesis import given, settings
from hypothesis import strategies as st

PULSE_TICKS = 10  # 2 µs high
EDGE_BEFORE_END = 12  # ticks from the rising edge to the end of the step: 10 high, 2 to go round


def rising_ticks(program: Program, words: list[int], ticks: int) -> list[int]:
    """Ticks at which STEP rises in the first `ticks`, by the emulator's account."""
    state = pioemu.State(transmit_fifo=deque(words), pin_directions=1)
    rises = []
    generator = pioemu.emulate(
        program.words,
        stop_when=lambda opcode, now: now.clock >= ticks,
        initial_state=replace(state),
        wrap_target=program.wrap_target,
        wrap_top=program.wrap,
    )
    for before, after in generator:
        if after.pin_values & 1 and not before.pin_values & 1:
            rises.append(before.clock)
    return rises


def expected_ticks(words: list[tuple[int, int]]) -> list[int]:
    """Of (ticks, count) words: where the rising edges belong."""
    now, rises = 0, []
    for ticks, count in words:
        rises += [now + ticks * (k + 1) - EDGE_BEFORE_END for k in range(count)]
        now += ticks * (count or 1)
    return rises


batches = st.lists(st.tuples(st.integers(17, 60), st.integers(0, 9)), min_size=1, max_size=12)


@settings(max_examples=30)
@given(batches)
def test_every_step_of_random_words_rises_on_its_tick(firmware, batch):
    words = [firmware.step_words.encode(ticks, count) for ticks, count in batch]
    total = sum(ticks * (count or 1) for ticks, count in batch)
    assert rising_ticks(firmware.stepper.step_words, words, total) == expected_ticks(batch)


def test_a_starved_state_machine_makes_no_further_step(firmware):
    words = [firmware.step_words.encode(30, 3)]
    assert len(rising_ticks(firmware.stepper.step_words, words, 5000)) == 3


@settings(max_examples=4)
@given(st.integers(300_000, 1_200_000))
def test_a_slice_of_the_grid_rises_on_the_ticks_that_the_grid_meant(firmware, rate_ul_h):
    # 1000 pL a step: 83 to 333 kHz asked for; what is faster than a word can be comes as fast as a word can be.
    grid = firmware.step_grid.StepGrid(1000 if rate_ul_h <= 720_000 else 1700, 1)
    grid.set_rate(rate_ul_h)
    table = firmware.step_words.WordTable()
    grid.next_slice(1 << 29, None, table)
    words = list(table.words[: min(grid.used, 12)])
    decoded = [((word >> 11) + 17, word & 2047) for word in words]
    total = sum(ticks * (count or 1) for ticks, count in decoded)
    assert rising_ticks(firmware.stepper.step_words, words, total) == expected_ticks(decoded)


def test_a_pulse_is_two_microseconds(firmware):
    falls = []
    state = pioemu.State(transmit_fifo=deque([firmware.step_words.encode(100, 1)]), pin_directions=1)
    program = firmware.stepper.step_words
    generator = pioemu.emulate(
        program.words,
        stop_when=lambda opcode, now: now.clock >= 100,
        initial_state=state,
        wrap_target=program.wrap_target,
        wrap_top=program.wrap,
    )
    for before, after in generator:
        if before.pin_values & 1 and not after.pin_values & 1:
            falls.append(before.clock)
    assert falls == [100 - EDGE_BEFORE_END + PULSE_TICKS]
