"""State machines: clock, FIFOs, stalls and instructions from the CPU, of which pioemu knows nothing."""

from _pioasm import asm_pio, asm_pio_encode
from pio_rig import STEP_PIN, TICK_NS, Rig, step_program, word

# ruff: noqa: F821

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
