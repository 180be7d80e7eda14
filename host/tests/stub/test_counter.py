"""A state machine that counts edges, fed with batches: exact, and without work for each pulse that it can see."""

import pytest
from _pioasm import asm_pio, asm_pio_encode
from hypothesis import given, settings
from hypothesis import strategies as st
from pio_rig import STEP_PIN, TICK_NS, Rig, edge_counter, step_program, word

# ruff: noqa: F821


def _counter(short_cuts, start, divider=2560):
    """12.5 MHz: 80 ns a cycle."""
    rig = Rig(edge_counter, divider=divider, short_cuts=short_cuts, number=4)
    rig.sm.x = start
    rig.sm.start(0)
    return rig


batches = st.lists(
    st.tuples(
        st.integers(0, 20_000),  # ns since the end of the last one
        st.integers(1, 3_000),  # high
        st.integers(1, 3_000),  # low
        st.integers(1, 40),
        st.booleans(),  # whether the registers are read afterwards
    ),
    max_size=12,
)


@given(
    batches=batches,
    start=st.sampled_from([0, 1, 2, 5, 30, 1000, 2**32 - 1]),
    divider=st.sampled_from([256, 2560, 6400, 700]),
)
@settings(max_examples=300)
def test_batches_are_counted_as_pulse_by_pulse(batches, start, divider):
    """Pulses down to 1 ns, so that many are too short for the counter: it must miss the same ones."""
    quick, slow = _counter(True, start, divider), _counter(False, start, divider)
    t_ns = 1000
    for gap_ns, high_ns, low_ns, count, look in batches:
        t_ns += gap_ns
        period_ns = high_ns + low_ns
        quick.gpio[STEP_PIN].pulses(t_ns, period_ns, high_ns, count)
        for i in range(count):
            slow.gpio[STEP_PIN].set_level(t_ns + i * period_ns, 1)
            slow.gpio[STEP_PIN].set_level(t_ns + i * period_ns + high_ns, 0)
        t_ns += count * period_ns
        if look:
            assert quick.registers(t_ns) == slow.registers(t_ns)
    t_ns += 100_000
    assert quick.registers(t_ns) == slow.registers(t_ns)


def test_a_batch_is_a_subtraction(monkeypatch):
    rig = _counter(True, 1_000_000)
    rig.pio.run_until(1000)
    interpreted = []
    interpret = rig.sm._interpret
    monkeypatch.setattr(rig.sm, "_interpret", lambda limit: interpreted.append(limit) or interpret(limit))
    for i in range(100):
        rig.gpio[STEP_PIN].pulses(10_000 + i * 10_000_000, 10_000, 2_000, 1000)
    assert rig.sm.x == 1_000_000 - 100_000
    assert not interpreted


def test_the_cpu_reads_the_count_in_between():
    rig = _counter(True, 500)
    t_ns = 10_000
    for expected in (490, 480, 470):
        rig.gpio[STEP_PIN].pulses(t_ns, 10_000, 2_000, 10)
        t_ns += 1_000_000
        rig.sm.exec_word(t_ns, asm_pio_encode("mov(isr, x)"))
        rig.sm.exec_word(t_ns, asm_pio_encode("push(noblock)"))
        assert rig.sm.get(t_ns) == expected


def test_zero_is_passed_as_on_the_chip():
    """jmp(x_dec) decrements also when it does not jump: 2, 1, 0, then 2**32 - 1."""
    rig = _counter(True, 2)
    rig.gpio[STEP_PIN].pulses(10_000, 10_000, 2_000, 5)
    assert rig.registers(100_000)[0] == 2**32 - 3


def test_a_stopped_counter_does_not_count():
    rig = _counter(True, 50)
    rig.sm.stop(1000)
    rig.gpio[STEP_PIN].pulses(10_000, 10_000, 2_000, 5)
    rig.sm.start(100_000)
    assert rig.registers(200_000)[0] == 50


def test_a_counter_that_pushes_every_edge_is_fed_pulse_by_pulse():
    @asm_pio(fifo_join=2)
    def stamps():
        wait(0, pin, 0)
        wait(1, pin, 0)
        in_(x, 32)
        push(block)
        jmp(x_dec, "on")
        label("on")
        nop()

    rig = Rig(stamps, number=4)
    rig.sm.x = 9
    rig.sm.start(0)
    rig.gpio[STEP_PIN].pulses(10_000, 10_000, 2_000, 5)
    rig.pio.run_until(100_000)
    assert rig.sm.rx == [9, 8, 7, 6, 5]


@pytest.mark.parametrize("wake_ns", [1_000_000, 3_333_333, 10_000_000])
@pytest.mark.parametrize(("count", "ticks"), [(1, 1_000_000 // TICK_NS), (100, 500), (1500, 40)])
def test_what_the_step_program_makes_the_counter_counts(count, ticks, wake_ns):
    rig = Rig(step_program)
    counter = rig.add(4, edge_counter, divider=2560)
    counter.x = 2**30
    counter.start(0)
    rig.sm.start(0)
    for t_ns in range(0, 200_000_000, wake_ns):
        rig.pio.run_until(t_ns)
        while len(rig.sm.tx) < 8:
            rig.sm.put(t_ns, word(count, ticks - 17))
        assert 2**30 - counter.x - rig.wire.rises in (0, -1)  # -1: the rise was this very moment
    assert rig.wire.rises > 150
