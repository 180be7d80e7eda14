"""State machines: instruction by instruction against pioemu, short cuts against that, and what pioemu does not know.

`short_cuts=False` is the reference: every turn of every loop, but for the delay loop `jmp x--` to itself. It is
compared with rp2040-pio-emulator; the short cuts are then compared with it at every horizon.
"""

from collections import deque
from itertools import pairwise

import pytest
from _pio import NEVER
from _pioasm import Program, asm_pio, asm_pio_encode
from hypothesis import given, settings
from hypothesis import strategies as st
from pio_rig import STEP_PIN, TICK_NS, Rig, step_program, word
from pioemu import State, emulate

# ruff: noqa: F821

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


# ---- the interpreter against pioemu ----

step_words = st.lists(st.builds(word, st.integers(0, 4), st.integers(0, 12)), max_size=8)


@pytest.mark.parametrize("short_cuts", [False, True])
@given(words=step_words, ticks=st.integers(1, 500))
@settings(max_examples=60, deadline=None)
def test_the_step_program_runs_as_in_pioemu(words, ticks, short_cuts):
    changes, registers = judged(step_program, words, ticks)
    rig = Rig(step_program, short_cuts=short_cuts)
    rig.sm.start(0)
    for each in words:
        rig.sm.put(0, each)
    assert rig.registers(ticks * TICK_NS - 1) == registers  # all cycles before `ticks`
    assert rig.wire.changes == [(tick * TICK_NS, level) for tick, level in changes]


def _random_program(instructions, wrap_target, wrap, right, sides):
    wrap %= len(instructions)
    if wrap < len(instructions) - 1:
        instructions = [*instructions, wrap_target]  # behind the wrap: nothing may run off the end
    size = len(instructions)
    words = []
    for i, instruction in enumerate(instructions):
        if instruction >> 13 == 0:
            instruction = instruction & ~31 | (instruction & 31) % size
        if sides:
            instruction = instruction & ~(1 << 12) | (sides >> i & 1) << 12
        words.append(instruction)
    program = Program(
        set_init=2, out_init=2, sideset_init=2 if sides else None, out_shiftdir=int(right), in_shiftdir=int(not right)
    )
    program.words = words
    program.wrap = wrap or size - 1  # pioemu takes 0 for "the last one"
    program.wrap_target = wrap_target % size
    return program


delays = st.sampled_from([0, 0, 0, 1, 3, 9]).map(lambda cycles: cycles << 8)
registers_only = st.sampled_from([1, 2, 6, 7])
operations = st.one_of(
    st.builds(lambda condition, target: condition << 5 | target, st.integers(0, 7), st.integers(0, 31)),
    st.builds(lambda condition, target: condition << 5 | target, st.sampled_from([0, 2, 4]), st.integers(0, 31)),
    st.builds(lambda level: 0x2000 | level << 7 | 1 << 5 | STEP_PIN, st.integers(0, 1)),
    st.builds(
        lambda source, count: 0x4000 | source << 5 | count, st.sampled_from([0, 1, 2, 3, 6, 7]), st.integers(0, 31)
    ),
    st.builds(lambda to, count: 0x6000 | to << 5 | count, st.sampled_from([0, 1, 2, 3, 6]), st.integers(0, 31)),
    st.sampled_from([0x8000, 0x8020, 0x8080, 0x80A0]),
    st.builds(
        lambda to, how, source: 0xA000 | to << 5 | how << 3 | source,
        registers_only,
        st.integers(0, 1),
        st.integers(0, 3),
    ),
    st.builds(lambda to, source: 0xA000 | to << 5 | source, registers_only, registers_only),
    st.builds(lambda to, value: 0xE000 | to << 5 | value, st.integers(0, 2), st.integers(0, 31)),
)
programs = st.builds(
    _random_program,
    st.lists(st.builds(lambda operation, delay: operation | delay, operations, delays), min_size=1, max_size=10),
    st.integers(0, 9),
    st.integers(0, 9),
    st.booleans(),
    st.one_of(st.just(0), st.integers(1, 1023)),
)


@given(
    program=programs,
    words=st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 20), max_size=4),
    ticks=st.integers(1, 300),
)
@settings(max_examples=400, deadline=None)
def test_any_program_runs_as_in_pioemu(program, words, ticks):
    changes, registers = judged(program, words, ticks)
    for short_cuts in (False, True):
        rig = Rig(program, divider=256, short_cuts=short_cuts, in_base=0)
        for each in words:
            rig.sm.put(0, each)
        rig.sm.start(0)
        assert rig.registers(ticks * SYSTEM_NS - 1) == registers
        assert rig.wire.changes == [(tick * SYSTEM_NS, level) for tick, level in changes]


# ---- short cuts against the interpreter ----


def _both(program, **config):
    pair = Rig(program, short_cuts=True, **config), Rig(program, short_cuts=False, **config)
    for rig in pair:
        rig.sm.start(0)
    return pair


def _same(quick, slow, t_ns, look):
    """Runs both to `t_ns`; `look`: also compares the registers, which makes the quick one leave its ride."""
    if look:
        assert quick.registers(t_ns) == slow.registers(t_ns)
    else:
        quick.pio.run_until(t_ns)
        slow.pio.run_until(t_ns)
        assert len(quick.sm.tx) == len(slow.sm.tx)
    assert quick.wire.changes == slow.wire.changes
    assert quick.gpio[STEP_PIN].level == slow.gpio[STEP_PIN].level


moves = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 5_000), st.integers(5_000, 3_000_000)),  # ns to the next horizon
        st.lists(st.builds(word, st.integers(0, 60), st.integers(0, 80)), max_size=2),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(moves=moves)
@settings(max_examples=200, deadline=None)
def test_short_cuts_make_no_difference_at_any_horizon(moves):
    quick, slow = _both(step_program)
    t_ns = 0
    for wait_ns, words, look in moves:
        t_ns += wait_ns
        _same(quick, slow, t_ns, look)
        for each in words:
            if len(quick.sm.tx) < 8:
                quick.sm.put(t_ns, each)
                slow.sm.put(t_ns, each)


@given(
    program=programs,
    words=st.lists(st.integers(0, 200), max_size=4),
    waits_ns=st.lists(st.tuples(st.integers(1, 3000), st.booleans()), min_size=1, max_size=12),
    divider=st.sampled_from([256, 25 * 256, 600]),
)
@settings(max_examples=300, deadline=None)
def test_short_cuts_make_no_difference_to_any_program(program, words, waits_ns, divider):
    quick, slow = _both(program, divider=divider, in_base=0)
    for each in words:
        quick.sm.put(0, each)
        slow.sm.put(0, each)
    t_ns = 0
    for wait_ns, look in waits_ns:
        t_ns += wait_ns
        _same(quick, slow, t_ns, look)


@given(
    delay=st.integers(0, 40),
    count=st.integers(3, 50),
    cut_ns=st.integers(0, 300_000),
    executed=st.sampled_from([0xE000, 0xA0C1, 0xE03F]),
)
@settings(max_examples=150, deadline=None)
def test_an_instruction_executed_in_the_middle_of_a_ride_finds_the_true_registers(delay, count, cut_ns, executed):
    """set(pins, 0), mov(isr, x) and set(x, 31), as the CPU may inject them at any moment."""
    quick, slow = _both(step_program)
    for rig in (quick, slow):
        rig.sm.put(0, word(count, delay))
        rig.pio.run_until(cut_ns)
        rig.sm.exec_word(cut_ns, executed)
    _same(quick, slow, cut_ns + 400_000, True)


def test_a_word_of_steps_is_told_in_a_few_calls():
    """10 kHz for 100 ms in one word: 1000 steps of 500 ticks. The first and the last two are made in detail."""
    rig = Rig(step_program)
    rig.sm.start(0)
    for _ in range(8):
        rig.sm.put(0, word(1000, 500 - 17))
    rig.pio.run_until(1_000_000_000)
    assert rig.wire.rises == 8000
    assert rig.wire.calls == 8 * 4
    rises = [t_ns for t_ns, level in rig.wire.changes if level]
    gaps_ns = {late - early for early, late in pairwise(rises)}
    assert gaps_ns == {100_000}  # to a new word: pull, out, jmp; round the loop: nop [2]; 3 ticks both


def _four_hz(seconds, wake_ms):
    """Steps 1,250,000 ticks apart: two waits of 410,000 and one step of 430,000, with a wake every `wake_ms`."""
    rig = Rig(step_program)
    rig.sm.start(0)
    words = [word(0, 410_000 - 6), word(0, 410_000 - 6), word(1, 430_000 - 17)]
    given = 0
    for t_ns in range(0, seconds * 1_000_000_000 + 1, wake_ms * 1_000_000):
        rig.pio.run_until(t_ns)
        while len(rig.sm.tx) < 8:
            rig.sm.put(t_ns, words[given % 3])
            given += 1
    return [t_ns for t_ns, level in rig.wire.changes if level]


def test_a_minute_of_4_hz_is_exact():
    rises = _four_hz(60, 10)
    assert len(rises) == 240
    assert {late - early for early, late in pairwise(rises)} == {250_000_000}


@pytest.mark.long
def test_72_hours_of_4_hz_are_exact_and_take_seconds():
    rises = _four_hz(72 * 3600, 100)
    assert len(rises) == 72 * 3600 * 4
    assert rises[-1] - rises[0] == (len(rises) - 1) * 250_000_000


def test_nothing_is_due_while_it_waits_for_a_word():
    rig = Rig(step_program)
    rig.sm.start(0)
    rig.pio.run_until(1000)
    assert rig.pio.next_due_ns == NEVER
    rig.sm.put(5000, word(1, 100))
    assert rig.pio.next_due_ns == 5000


def test_a_polling_loop_costs_nothing_until_the_pin_changes():
    @asm_pio(set_init=2)
    def program():
        label("poll")
        jmp(pin, "seen")
        jmp("poll")
        label("seen")
        set(pins, 1)

    rig = Rig(program, jmp_pin=5)
    rig.sm.start(0)
    rig.pio.run_until(10_000)
    assert rig.pio.next_due_ns > 10**18
    rig.gpio[5].set_level(3_600_000_000_001, 1)
    rig.pio.run_until(3_600_000_010_000)
    assert rig.wire.changes[0][1] == 1
    assert 0 < rig.wire.changes[0][0] - 3_600_000_000_000 <= 3 * TICK_NS  # up to a turn of two cycles, then the set


# ---- clock ----


def test_a_fractional_divider_spreads_its_remainder():
    """125 MHz / 2.5: cycles at 0, 2.5, 5, 7.5… system cycles, on whole ones: 0, 2, 5, 7, 10."""

    @asm_pio(set_init=2)
    def program():
        set(pins, 1)
        set(pins, 0)

    rig = Rig(program, divider=640)
    rig.sm.start(0)
    rig.pio.run_until(80)
    assert rig.wire.changes == [(0, 1), (16, 0), (40, 1), (56, 0), (80, 1)]


# ---- FIFOs, stalls, instructions from the CPU ----


def test_fifos_hold_four_words_or_eight_when_joined():
    @asm_pio()
    def plain():
        nop()

    rig = Rig(plain)
    for i in range(5):
        rig.sm.put(0, i)
    assert rig.sm.tx == [0, 1, 2, 3]
    assert rig.sm.block.fdebug() == 1 << 16  # TXOVER
    rig.sm.block.clear_fdebug(1 << 16)
    joined = Rig(step_program)
    for i in range(9):
        joined.sm.put(0, i)
    assert len(joined.sm.tx) == 8
    assert joined.sm.rx_depth == 0
    assert rig.sm.get(0) == 0
    assert rig.sm.block.fdebug() == 1 << 8  # RXUNDER


def test_a_pull_from_an_empty_fifo_shows_in_fdebug_as_long_as_it_lasts():
    rig = Rig(step_program)
    rig.sm.start(0)
    rig.pio.run_until(1000)
    block = rig.sm.block
    assert block.fdebug() == 1 << 24  # TXSTALL
    block.clear_fdebug(1 << 24)
    assert block.fdebug() == 1 << 24
    rig.sm.put(1000, word(0, 1000))
    rig.pio.run_until(2000)
    block.clear_fdebug(1 << 24)
    assert block.fdebug() == 0


def test_autopull_refills_as_the_datasheet_says():
    """out(pins, 1) of 32 bits a word: with the next word there no cycle is lost; an OSR that was empty costs one."""

    @asm_pio(out_init=2, out_shiftdir=1, autopull=True, pull_thresh=2)
    def program():
        out(pins, 1)

    rig = Rig(program, divider=256)
    for bits in (0b01, 0b01):
        rig.sm.put(0, bits)
    rig.sm.start(0)
    rig.pio.run_until(1000)
    # cycle 0 fills the OSR; bits at 1, 2, 3, 4; then it waits
    assert rig.wire.changes == [(8, 1), (16, 0), (24, 1), (32, 0)]
    assert rig.sm.block.fdebug() == 1 << 24
    rig.sm.put(2000, 0b01)
    rig.pio.run_until(3000)
    assert rig.wire.changes[4:] == [(2008, 1), (2016, 0)]


def test_autopush_waits_for_room_and_shifts_only_once():
    @asm_pio(in_shiftdir=0, autopush=True, push_thresh=8)
    def program():
        in_(y, 8)
        jmp(y_dec, "on")
        label("on")
        nop()

    rig = Rig(program, divider=256)
    rig.sm.exec_word(0, asm_pio_encode("set(y, 9)"))
    rig.sm.start(0)
    rig.pio.run_until(10_000)
    assert rig.sm.rx == [9, 8, 7, 6]
    assert rig.sm.block.fdebug() == 1  # RXSTALL
    assert [rig.sm.get(10_000) for _ in range(2)] == [9, 8]
    rig.pio.run_until(20_000)
    assert rig.sm.rx == [7, 6, 5, 4]


def test_out_exec_runs_the_word_in_the_next_cycle_with_its_own_delay():
    @asm_pio(set_init=2, out_shiftdir=1)
    def program():
        pull(block)
        out(exec, 16)
        set(pins, 0)

    rig = Rig(program, divider=256)
    rig.sm.start(0)
    rig.sm.put(0, asm_pio_encode("set(pins, 1)[3]"))
    rig.pio.run_until(100)
    assert rig.wire.changes == [(16, 1), (48, 0)]  # pull 0, out 1, set at 2 and three of delay, set at 6


def test_an_executed_instruction_leaves_a_stalled_one_waiting():
    rig = Rig(step_program)
    sm = rig.sm
    sm.start(0)
    rig.pio.run_until(10_000)
    sm.exec_word(10_000, asm_pio_encode("set(x, 7)"))
    sm.exec_word(10_000, asm_pio_encode("mov(isr, x)"))
    assert (sm.x, sm.isr) == (7, 7)
    sm.exec_word(10_000, asm_pio_encode("set(pins, 1)"))
    assert rig.wire.changes == [(10_000, 1)]
    sm.exec_word(10_000, asm_pio_encode("set(pins, 0)"))
    sm.put(20_000, word(1, 10))
    rig.pio.run_until(30_000)
    # pull at tick 100, out, jmp, mov, 11 turns of the delay: the set at 115
    assert rig.wire.changes[2:] == [(23_000, 1), (25_000, 0)]


def test_an_executed_push_gives_the_cpu_a_register():
    @asm_pio()
    def program():
        label("again")
        wait(1, gpio, 7)
        jmp(x_dec, "again")

    rig = Rig(program)
    rig.sm.exec_word(0, asm_pio_encode("set(x, 21)"))
    rig.sm.start(0)
    rig.pio.run_until(1000)
    rig.sm.exec_word(1000, asm_pio_encode("mov(isr, x)"))
    rig.sm.exec_word(1000, asm_pio_encode("push(noblock)"))
    assert rig.sm.get(1000) == 21


def test_an_executed_jump_ends_a_stall():
    rig = Rig(step_program)
    sm = rig.sm
    sm.start(0)
    rig.pio.run_until(1000)
    sm.exec_word(1000, sm.initial_pc + 9)  # jmp to set(pins, 1)
    rig.pio.run_until(1000)
    assert rig.wire.changes == [(1000, 1)]


def test_an_executed_pull_of_nothing_waits_and_then_the_program_goes_on():
    rig = Rig(step_program)
    sm = rig.sm
    sm.exec_word(0, asm_pio_encode("pull(block)"))
    sm.start(0)
    rig.pio.run_until(1000)
    sm.put(1000, 77)
    rig.pio.run_until(2000)
    assert sm.osr == 77
    sm.put(2000, word(1, 10))
    rig.pio.run_until(10_000)
    assert rig.wire.rises == 1


def test_a_pull_that_does_not_block_takes_x():
    @asm_pio()
    def program():
        pull(noblock)
        mov(y, osr)

    rig = Rig(program)
    rig.sm.exec_word(0, asm_pio_encode("set(x, 5)"))
    rig.sm.start(0)
    rig.pio.run_until(1000)
    assert rig.sm.y == 5
    rig.sm.put(1000, 9)
    rig.pio.run_until(1000 + 2 * TICK_NS)
    assert rig.sm.y == 9


def test_a_stopped_one_keeps_its_pin_and_its_place():
    rig = Rig(step_program)
    sm = rig.sm
    sm.start(0)
    sm.put(0, word(1, 10))
    rig.pio.run_until(3200)
    assert rig.gpio[STEP_PIN].level == 1
    sm.stop(3200)
    rig.pio.run_until(1_000_000)
    assert rig.gpio[STEP_PIN].level == 1
    sm.start(1_000_000)
    rig.pio.run_until(2_000_000)
    # the set was at tick 15 (3000 ns), its ten cycles end at 5000: 1800 ns of them were left
    assert rig.wire.changes == [(3000, 1), (1_001_800, 0)]


def test_restart_goes_back_to_the_first_instruction_and_leaves_the_fifo():
    rig = Rig(step_program)
    sm = rig.sm
    sm.start(0)
    sm.put(0, word(1, 1000))
    sm.put(0, word(1, 10))
    rig.pio.run_until(10_000)
    sm.restart(10_000)
    assert len(sm.tx) == 1
    rig.pio.run_until(20_000)
    assert rig.wire.changes[0] == (13_000, 1)


# ---- two that depend on each other ----


def test_two_state_machines_shake_hands_with_irq_flags():
    """Each sets its flag and waits for the other's to be cleared: `irq(block, …)` against `wait(1, irq, …)`."""

    @asm_pio(set_init=2)
    def caller():
        set(pins, 1)[9]
        irq(block, 4)
        set(pins, 0)[9]
        irq(block, 5)

    @asm_pio()
    def answerer():
        wait(1, irq, 4)[19]
        wait(1, irq, 5)[19]

    rig = Rig(caller)
    other = rig.add(1, answerer)
    other.start(0)
    rig.sm.start(0)
    rig.pio.run_until(30 * TICK_NS)
    # flag 4 set at tick 10, seen and cleared at 11, noticed at 12; low from 13
    assert rig.wire.changes == [(0, 1), (13 * TICK_NS, 0)]
    rig.pio.run_until(10_000_000)
    periods = {b[0] - a[0] for a, b in zip(rig.wire.changes[2::2], rig.wire.changes[4::2], strict=False)}
    assert len(periods) == 1


def test_two_that_watch_each_others_pin_run_in_step():
    """A ring: each copies the other's pin, one of them inverted; each sees a change one cycle later."""

    @asm_pio(out_init=2)
    def follow():
        mov(pins, pins)

    @asm_pio(out_init=2)
    def oppose():
        mov(pins, invert(pins))

    rig = Rig(follow, divider=256, in_base=3)
    other = rig.add(4, oppose, divider=256, in_base=STEP_PIN, out_base=3)
    rig.sm.start(0)
    other.start(0)
    rig.pio.run_until(8 * 100)
    levels = [level for _, level in rig.wire.changes]
    assert levels[:4] == [1, 0, 1, 0]
    periods = {b[0] - a[0] for a, b in zip(rig.wire.changes, rig.wire.changes[2:], strict=False)}
    assert len(periods) == 1


# ---- instruction memory and pins ----


def test_programs_are_loaded_from_the_top_and_jumps_moved():
    rig = Rig(step_program)
    block = rig.sm.block
    assert block.offset_of(step_program) == 20
    assert block.memory[22] == 0b000_00000_100_00111 + 20
    big = Program()
    big.words = [0xA042] * 21
    with pytest.raises(OSError, match="12"):  # ENOMEM
        block.load(big)
    block.unload(step_program)
    assert block.load(big) == 11
    with pytest.raises(ValueError, match="not in instruction memory"):
        block.unload(step_program)


def test_a_soft_reset_stops_all_and_pins_hold_their_level():
    rig = Rig(step_program)
    rig.sm.start(0)
    rig.sm.put(0, word(5, 10))
    rig.pio.run_until(3100)
    rig.pio.soft_reset()
    rig.pio.run_until(1_000_000)
    assert rig.gpio[STEP_PIN].level == 1
    assert rig.wire.rises == 1
    assert rig.sm.block.offset_of(step_program) == -1


def test_a_pin_that_the_cpu_took_is_driven_no_more():
    rig = Rig(step_program)
    rig.sm.start(0)
    rig.sm.put(0, word(5, 10))
    rig.gpio[STEP_PIN].use(0, "out")
    rig.pio.run_until(1_000_000)
    assert rig.wire.changes == []


def test_pindirs_hand_the_wire_back_to_its_pull():
    @asm_pio(set_init=3)
    def program():
        set(pindirs, 0)[9]
        set(pindirs, 1)[9]

    rig = Rig(program)
    assert rig.wire.changes == [(0, 1)]
    rig.sm.start(0)
    rig.pio.run_until(10 * TICK_NS)
    assert rig.wire.changes == [(0, 1), (0, 0), (10 * TICK_NS, 1)]
