"""State machines: two that depend on each other, instruction memory, and whose a pin is."""

import pytest
from _pioasm import Program, asm_pio
from pio_rig import STEP_PIN, TICK_NS, Rig, step_program, word

# ruff: noqa: F821

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
