"""The motor model: pulses on STEP become volume, in batches or one by one; faults; pulses too short for a driver."""

import pytest
from _gpio import Gpio  # pyright: ignore[reportMissingImports]
from hypothesis import given, settings
from hypothesis import strategies as st

from picoinfuse.world.fluid import FluidPath
from picoinfuse.world.motor import Motor, StepTooShort

CONFIG = {"compliance_nl_per_pa": 14.37, "resistance_pa_s_per_nl": 0.09, "stall_pa": 200_000.0}
MS = 1_000_000


class Board:
    def __init__(self, reverse=False):
        self.step, self.dir, self.enable = Gpio(2), Gpio(3), Gpio(4)
        self.fluid = FluidPath(CONFIG)
        self.motor = Motor(self.step, self.dir, self.enable, self.fluid, 0.35, reverse)
        self.dir.level = 0 if reverse else 1


def test_each_pulse_is_one_step_of_volume():
    board = Board()
    board.step.pulses(0, 100 * MS, 2000, 10)
    board.step.set_level(2000 * MS, 1)
    board.step.set_level(2000 * MS + 2000, 0)
    board.fluid.advance(2000 * MS)
    assert board.fluid.delivered_nl == pytest.approx(11 * 0.35)
    assert board.motor.steps == 11


def test_fast_pulses_are_a_flow():
    """1 ms apart: the first comes after a pause, an impulse; 100 more flow for 100 ms, half of that by the middle."""
    board = Board()
    board.step.pulses(1000 * MS, MS, 2000, 101)
    board.fluid.advance(1051 * MS)
    assert board.fluid.delivered_nl == pytest.approx(51 * 0.35)
    board.fluid.advance(1102 * MS)
    assert board.fluid.delivered_nl == pytest.approx(101 * 0.35)


def test_a_disabled_motor_does_not_move():
    board = Board()
    board.enable.level = 1
    board.step.pulses(0, MS, 2000, 100)
    board.fluid.advance(1000 * MS)
    assert board.fluid.delivered_nl == 0
    assert board.motor.steps == 0


@pytest.mark.parametrize(("reverse", "level", "sign"), [(False, 1, 1), (False, 0, -1), (True, 0, 1), (True, 1, -1)])
def test_dir_says_which_way(reverse, level, sign):
    board = Board(reverse)
    board.dir.level = level
    board.step.pulses(0, 100 * MS, 2000, 10)
    assert board.motor.steps == sign * 10
    assert board.fluid.delivered_nl == pytest.approx(sign * 3.5)


def test_a_stalled_motor_does_not_move():
    board = Board()
    board.motor.fault = "stalled"
    board.step.pulses(0, 100 * MS, 2000, 10)
    assert board.motor.steps == 0
    assert board.fluid.delivered_nl == 0


@given(batches=st.lists(st.integers(1, 300), max_size=20), per_mille=st.integers(1, 999))
@settings(max_examples=50)
def test_a_slipping_motor_loses_exactly_its_share(batches, per_mille):
    board = Board()
    board.motor.fault = f"slip {per_mille}"
    t_ns = 0
    for count in batches:
        board.step.pulses(t_ns, MS, 2000, count)
        t_ns += count * MS + 20 * MS
    board.fluid.advance(t_ns)
    made = sum(batches) - sum(batches) * per_mille // 1000
    assert board.motor.steps == made
    assert board.fluid.delivered_nl == pytest.approx(made * 0.35)


def test_an_unknown_fault_is_refused():
    board = Board()
    board.motor.fault = "tired 3"
    with pytest.raises(ValueError, match="unknown motor fault"):
        board.step.pulses(0, MS, 2000, 1)


def test_a_pulse_that_a_driver_would_miss_is_refused():
    board = Board()
    with pytest.raises(StepTooShort):
        board.step.pulses(0, MS, 999, 5)
    board.step.set_level(0, 1)
    with pytest.raises(StepTooShort):
        board.step.set_level(999, 0)
    board.step.set_level(5000, 1)
    board.step.set_level(6000, 0)  # exactly 1 µs will do


@given(
    pulses=st.lists(
        st.tuples(st.integers(20_000, 30 * MS), st.integers(1, 20), st.booleans()), min_size=1, max_size=20
    ),
)
@settings(max_examples=100)
def test_the_grouping_of_pulses_makes_no_difference(pulses):
    """As one batch, or level by level: to rounding the same pressure afterwards."""
    batches, levels = Board(), Board()
    t_ns = 0
    for period_ns, count, forward in pulses:
        t_ns += period_ns
        for board in (batches, levels):
            board.dir.level = int(forward)
        batches.step.pulses(t_ns, period_ns, 2000, count)
        for i in range(count):
            levels.step.set_level(t_ns + i * period_ns, 1)
            levels.step.set_level(t_ns + i * period_ns + 2000, 0)
        t_ns += (count - 1) * period_ns
    for board in (batches, levels):
        board.fluid.advance(t_ns + 20 * MS)
    assert batches.fluid.pressure_pa == pytest.approx(levels.fluid.pressure_pa, rel=1e-9, abs=1e-9)
    assert batches.motor.steps == levels.motor.steps


def test_a_snapshot_goes_on_where_it_was():
    board, again = Board(), Board()
    board.motor.fault = "slip 300"
    board.step.pulses(0, MS, 2000, 5)
    again.motor.restore(board.motor.snapshot())
    for each in (board, again):
        each.step.pulses(6 * MS, MS, 2000, 5)
    assert again.motor.steps == board.motor.steps == 7
