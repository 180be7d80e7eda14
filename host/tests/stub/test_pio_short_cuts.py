"""State machines with short cuts against those that take every turn of every loop, at every horizon."""

from itertools import pairwise

import pytest
from _pio import NEVER
from _pioasm import asm_pio
from hypothesis import given, settings
from hypothesis import strategies as st
from pio_programs import programs
from pio_rig import STEP_PIN, TICK_NS, Rig, step_program, word

# ruff: noqa: F821


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
@settings(max_examples=200)
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
@settings(max_examples=300)
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
@settings(max_examples=150)
def test_an_instruction_executed_in_the_middle_of_a_ride_finds_the_true_registers(delay, count, cut_ns, executed):
    """set(pins, 0), mov(isr, x) and set(x, 31), as the CPU may inject them at any moment."""
    quick, slow = _both(step_program)
    for rig in (quick, slow):
        rig.sm.put(0, word(count, delay))
        rig.pio.run_until(cut_ns)
        rig.sm.exec_word(cut_ns, executed)
    _same(quick, slow, cut_ns + 400_000, True)


def test_a_word_of_steps_takes_a_few_calls():
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
