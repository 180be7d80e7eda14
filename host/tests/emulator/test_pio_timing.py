"""Steps of the emulated PIO: where they are, while the CPU sleeps and while it works."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import Prompt
from .prompt import MS, STEPPER, Edges

TICK_NS = 200  # of the stepper's clock, 5 MHz


def edges_of(pico: Prompt, script: str, seconds: float) -> Edges:
    edges = Edges()
    pico.pico.nets[2].listeners.append(edges)
    pico.begin(STEPPER + script)
    pico.pico.run(seconds * 1e9)
    return edges


FEED = """
stepper.active(1)
for _ in range({words}):
    while stepper.tx_fifo() > 6:
        time.sleep_ms(5)
    grant({ticks}, {count})
while True:
    time.sleep_ms(10)
"""


@pytest.mark.parametrize(("hz", "words", "count"), [(100, 40, 5), (1000, 40, 50), (10_000, 20, 500)])
def test_steps_are_evenly_spaced_at(pico: Prompt, hz: int, words: int, count: int):
    script = FEED.format(words=words, ticks=5_000_000 // hz, count=count)
    edges = edges_of(pico, script, words * count / hz + 0.5)
    intervals = np.diff(edges.rising)
    assert len(edges.rising) == words * count
    # The bounds: 1 µs each, 5 ppm on average. Words follow each other without a gap.
    assert np.abs(intervals - 1e9 / hz).max() <= 1000
    assert abs(intervals.mean() * hz / 1e9 - 1) <= 5e-6
    # set 1 [9]: ten ticks high
    assert set(np.subtract(edges.falling, edges.rising)) == {10 * TICK_NS}
    assert [pio.backlog_drops for pio in pico.pico._chip.pio] == [0, 0]


def test_a_busy_cpu_moves_no_step(pico: Prompt):
    edges = edges_of(pico, "stepper.active(1)\ngrant(5000, 200)\nwhile True:\n    sum(range(50))\n", 0.4)
    assert set(np.diff(edges.rising)) == {5000 * TICK_NS}


def test_the_other_block_counts_every_step(pico: Prompt):
    script = "stepper.active(1)\ngrant(500, 1000)\ntime.sleep_ms(150)\nprint(counted())\n"
    assert pico.run(STEPPER + script) == "1000"


def test_x_can_be_read_in_the_middle_of_a_delay_loop(pico: Prompt):
    # X counts 1,000,000 turns of 200 ns down: 20 ms are 100,000 turns.
    script = """
@asm_pio()
def delay():
    pull(block)
    mov(x, osr)
    label("turn")
    jmp(x_dec, "turn")
slow = StateMachine(5, delay, freq=5000000)
slow.put(1_000_000)
slow.active(1)
values = []
for _ in range(3):
    time.sleep_ms(20)
    slow.exec(copy)
    slow.exec(push)
    values.append(slow.get())
print(values[0], values[0] - values[1], values[1] - values[2])
"""
    first, one, two = map(int, pico.run(STEPPER + script).split())
    # 20 ms, and up to 3 ms for what MicroPython does around it
    assert 885_000 <= first <= 900_000
    assert 100_000 <= one <= 115_000
    assert 100_000 <= two <= 115_000


def test_a_delay_that_is_stopped_goes_on_where_it_was(pico: Prompt):
    # 100 ms of delay, stopped for 50 ms in its middle: the step comes after 150 ms, to within MicroPython's own time
    edges = Edges()
    pico.pico.nets[2].listeners.append(edges)
    script = """
grant(500_000, 1)
stepper.active(1)
time.sleep_ms(40)
stepper.active(0)
time.sleep_ms(50)
stepper.active(1)
time.sleep_ms(100)
"""
    pico.begin(STEPPER + "print(end='go')" + script)
    pico.run_until(b"go", 5000)
    start_ns = pico.pico.now_ns
    pico.run_until(b"\x04>", 5000)
    assert len(edges.rising) == 1
    # MicroPython's `active(1)` restarts the clock divider, not the state machine
    assert abs(edges.rising[0] - start_ns - 150 * MS) < 3 * MS


def test_joined_fifos_hold_eight_words_and_init_empties_them(pico: Prompt):
    script = """
stepper.active(0)
for i in range(8):
    stepper.put(i)
print(stepper.tx_fifo())
stepper.init(step_words, freq=5000000, set_base=step)
print(stepper.tx_fifo())
print(counter.rx_fifo())
"""
    assert pico.run(STEPPER + script).split() == ["8", "0", "0"]


def test_an_injected_set_moves_the_pin_of_a_disabled_state_machine(pico: Prompt):
    script = """
stepper.active(0)
stepper.exec("set(pins, 1)")
print(Pin(2).value(), counted())
stepper.exec("set(pins, 0)")
print(Pin(2).value())
"""
    assert pico.run(STEPPER + script).split() == ["1", "1", "0"]


def test_a_state_machine_at_the_system_clock_is_exact_too(pico: Prompt):
    # As it comes, rp2040py runs at most one PIO instruction for each of the CPU: no chance at 125 MHz.
    edges = Edges()
    pico.pico.nets[3].listeners.append(edges)
    script = """
@asm_pio(set_init=PIO.OUT_LOW)
def pulse():
    set(pins, 1)[4]
    set(pins, 0)[4]
fast = StateMachine(1, pulse, freq=125_000_000, set_base=Pin(3))
fast.active(1)
time.sleep_us(100)
fast.active(0)
"""
    pico.run(STEPPER + script)
    # ten clocks of 8 ns
    assert set(np.diff(edges.rising)) == {80}
