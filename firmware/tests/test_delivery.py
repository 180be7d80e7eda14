"""The delivery task: never starves, never grants far ahead, costs no more at high rates, and loses no step."""

import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.therapy.regimen import continuous
from pump.core.therapy.therapy import Therapy
from pump.tasks import delivery as module
from pump.tasks.delivery import Delivery
from tests.fake_stepper import FakeCounter, FakeStepper, FakeTime

# 1000 pL a step: 360000 µL/h are 100 kHz, 36 µL/h are 10 Hz. 720000 µL/h are 200 kHz.
MECHANICS = {"step_pl": [1000, 1], "start_hz": 2000, "accel_hz_s": 400000}
HZ = 3.6  # µL/h


class Rig:
    def __init__(self):
        self.time = FakeTime()
        module.time = self.time
        self.stepper = FakeStepper(self.time)
        self.counter = FakeCounter(self.stepper)
        self.ended = []
        self.late = []
        self.delivery = Delivery(
            MECHANICS,
            self.stepper,
            self.counter,
            lambda completed, now_ms: self.ended.append(completed),
            lambda us, now_ms: self.late.append(us),
        )

    def start(self, hz, steps=None):
        vtbi_nl = None if steps is None else steps  # a step is 1 nL
        self.delivery.begin(Therapy(continuous(int(hz * HZ), vtbi_nl), 1000, 1))
        self.delivery.go()

    def run(self, seconds, delay_ms=lambda: 0):
        """Runs the task when it asks to, `delay_ms` late."""
        end_us = self.time.us + int(seconds * 1e6)
        while self.time.us < end_us:
            self.time.us += (self.delivery.run(0) + delay_ms()) * 1000
            yield


@pytest.mark.parametrize("hz", [0.1, 10, 1000, 15_000, 25_600, 100_000, 200_000])
def test_it_neither_starves_the_motor_nor_grants_half_a_second_ahead(hz):
    rig = Rig()
    rig.start(hz)
    for _ in rig.run(3):
        # Two slices of 100 ms wait while a third begins; a step that takes longer is one step.
        assert rig.stepper.granted_until_us() - rig.time.us <= 500_000
    assert rig.stepper.idle_ticks == 0
    assert rig.late == []


@settings(max_examples=25)
@given(st.sampled_from([10, 2000, 15_000, 100_000]), st.lists(st.integers(0, 30), min_size=50, max_size=50))
def test_a_loop_that_is_up_to_30_ms_late_does_not_starve_a_steady_motor(hz, delays_ms):
    rig = Rig()
    rig.start(hz)
    for _ in rig.run(1):
        pass
    idle = rig.stepper.idle_ticks
    delays = iter(delays_ms * 100)
    for _ in rig.run(1, lambda: next(delays)):
        pass
    assert rig.stepper.idle_ticks == idle


@pytest.mark.parametrize(("hz", "steps"), [(10, 25), (5000, 12_345), (100_000, 123_456)])
def test_the_volume_is_given_to_the_step(hz, steps):
    rig = Rig()
    rig.start(hz, steps)
    for _ in rig.run(4):
        pass
    assert rig.ended == [True]
    assert len(rig.stepper.steps) == steps


@pytest.mark.parametrize("hz", [10, 5000, 100_000])
def test_a_stop_makes_every_step_that_was_granted(hz):
    rig = Rig()
    rig.start(hz)
    for _ in rig.run(1):
        pass
    rig.delivery.stop()
    for _ in rig.run(1):
        pass
    assert rig.ended == [False]
    assert rig.delivery.commanded_steps == len(rig.stepper.steps)


def opcodes(rig, seconds):
    """Python operations that the task takes: they stand for MicroPython's, which has no counter of its own."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if "/pump/" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    runner = rig.run(seconds)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for _ in runner:
            pass
    finally:
        sys.settrace(before)
    return count


def test_100_khz_costs_at_most_half_more_than_10_hz():
    costs = {}
    for hz in (10, 100_000):
        rig = Rig()
        rig.start(hz)
        for _ in rig.run(1):  # past the ramp, both tables filled
            pass
        costs[hz] = opcodes(rig, 5)
    assert costs[100_000] <= 1.5 * costs[10]


def test_a_loop_that_is_away_for_half_a_second_starves_the_motor_and_says_so():
    rig = Rig()
    rig.start(1000)
    for _ in rig.run(1):
        pass
    for _ in rig.run(0.6, lambda: 500):
        pass
    # 200 to 300 ms were granted ahead.
    assert 200_000 <= sum(rig.late) <= 310_000


# What an erase of the flash may take from the CPU.
ERASE_MS = 400
COVERED_HZ = [0.3, 0.7, 3.97, 10, 79.4, 333, 793, 1000, 2000, 13_900]


@pytest.mark.parametrize("hz", COVERED_HZ)
def test_motion_is_granted_over_the_longest_erase_and_no_step_moves(hz):
    plain = Rig()
    plain.start(hz)
    for _ in plain.run(6):
        pass
    covered = Rig()
    covered.start(hz)
    covers = 0
    while covered.time.us < 5_000_000:
        for _ in covered.run(0.37):
            pass
        if covered.delivery.cover():
            covers += 1
            ahead_us = covered.stepper.granted_until_us() - covered.time.us
            assert ERASE_MS * 1000 <= ahead_us <= 500_000
            covered.time.us += ERASE_MS * 1000
    assert covers >= 5
    assert covered.stepper.idle_ticks == 0
    assert covered.late == []
    until = 5_000_000 * 5
    assert [t for t in covered.stepper.steps if t < until] == [t for t in plain.stepper.steps if t < until]


@pytest.mark.parametrize("hz", [15_000, 200_000])
def test_where_tables_are_needed_no_erase_is_covered(hz):
    rig = Rig()
    rig.start(hz)
    for _ in rig.run(2):
        pass
    assert not rig.delivery.cover()


@pytest.mark.parametrize("hz", [79.4, 13_900])
def test_a_ramp_is_covered_too(hz):
    rig = Rig()
    rig.start(10)
    for _ in rig.run(1):
        pass
    rig.delivery.therapy.target_ul_h = int(hz * HZ)
    for _ in rig.run(0.1):
        pass
    assert rig.delivery.cover()
    rig.time.us += ERASE_MS * 1000
    for _ in rig.run(2):
        pass
    assert (rig.stepper.idle_ticks, rig.late) == (0, [])
    assert rig.delivery.rate_ul_h == int(hz * HZ)


# 60 ms are more than a Pico takes from files for a reply, a collection of garbage and a table of steps. At 200 kHz a
# table of a steady rate holds 200 batches of 50 steps, 52 ms.
@pytest.mark.parametrize(("hz", "late_ms"), [(1_900, 60), (15_000, 60), (40_000, 60), (100_000, 60), (200_000, 30)])
def test_a_loop_that_is_late_does_not_starve_a_ramp(hz, late_ms):
    rig = Rig()
    rig.start(10)
    for _ in rig.run(1):
        pass
    for target_hz in (hz, 10):
        rig.delivery.therapy.target_ul_h = int(target_hz * HZ)
        for _ in rig.run(1.5, lambda: late_ms):
            pass
        assert (rig.stepper.idle_ticks, rig.late) == (0, [])
        assert rig.delivery.rate_ul_h == int(target_hz * HZ)


def test_a_ramp_that_ends_because_its_target_comes_to_meet_it_is_even_from_there():
    rig = Rig()
    rig.start(200_000)
    for _ in rig.run(0.1):
        pass
    rate_ul_h = rig.delivery.therapy.target_ul_h = rig.delivery.rate_ul_h
    for _ in rig.run(1.4):
        pass
    assert rig.delivery.rate_ul_h == rate_ul_h < 200_000 * HZ
    period = Fraction(5_000_000 * 36, rate_ul_h * 10)  # ticks of a step of 1 nL
    steps = [tick for tick in rig.stepper.steps if 2_500_000 < tick < 5_000_000]
    away = [tick - steps[0] - k * period for k, tick in enumerate(steps)]
    assert max(away) - min(away) <= period  # none is a step from where it belongs


def test_a_motor_that_ran_dry_while_its_words_were_made_is_done_only_when_its_steps_are():
    rig = Rig()
    rig.start(1000)
    for _ in rig.run(1):
        pass
    grid = rig.delivery.grid
    next_slice = grid.next_slice

    def slow_slice(*args):
        rig.time.us += 400_000  # 300 ms at most are granted ahead
        grid.next_slice = next_slice
        next_slice(*args)

    grid.next_slice = slow_slice
    for _ in rig.run(0.6):
        pass
    assert len(rig.late) == 1
    unmade = []
    rig.delivery._on_end = lambda completed, now_ms: unmade.append(rig.delivery.commanded_steps - rig.stepper.made())
    rig.delivery.stop()
    for _ in rig.run(1):
        pass
    assert unmade == [0]


def test_the_end_of_the_volume_is_not_granted_twice_under_a_cover():
    rig = Rig()
    rig.start(100, steps=130)
    for _ in rig.run(1):
        pass
    assert not rig.delivery.cover()  # what is left ends sooner than an erase may
    for _ in rig.run(2):
        pass
    assert len(rig.stepper.steps) == 130
    assert rig.ended[0] is True


def test_nothing_is_granted_for_an_erase_while_a_stop_runs_out():
    rig = Rig()
    rig.start(100)
    for _ in rig.run(1):
        pass
    rig.delivery.stop()
    assert not rig.delivery.cover()


def test_a_halt_under_a_cover_takes_back_what_was_not_made():
    rig = Rig()
    rig.start(100)
    for _ in rig.run(1):
        pass
    assert rig.delivery.cover()
    rig.time.us += 50_000
    rig.delivery.halt()
    assert rig.delivery.commanded_steps == rig.delivery.counted_steps() == len(rig.stepper.steps)
