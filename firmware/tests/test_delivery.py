"""The delivery task: never starves, never grants far ahead, costs no more at high rates, and loses no step."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump import delivery as module
from pump.core.therapy import Continuous
from pump.delivery import Delivery
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
        self.delivery.begin(Continuous(int(hz * HZ), vtbi_nl, 1000, 1))
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
