"""Step rates up to 200 kHz: exact, counted, and stopped when the CPU hangs."""

from __future__ import annotations

import numpy as np
import pytest

from hil_tests.expect import TICK_NS, interval_ns, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("RATE-1"),
    pytest.mark.needs("capture", "any_profile"),
    pytest.mark.profile("fine-steps"),
]

FULL_SPEED_S = 0.6  # 0.5 s of ramp at 400 kHz/s, and the start
RATES = {"20 kHz": 120_000, "100 kHz": 600_000, "200 kHz": 1_200_000}  # µL/h


def at_full_speed(bench: Bench, rate_ul_h: int, seconds: float) -> np.ndarray:
    """The steps of `seconds`, once the ramp is over."""
    bench.pump.start(rate_ul_h)
    bench.sleep(FULL_SPEED_S)
    start_ns = now_ns(bench)
    bench.sleep(seconds)
    return bench.trace.edges("step", True, start_ns, now_ns(bench))


@pytest.mark.parametrize("rate_ul_h", RATES.values(), ids=RATES)
def test_every_interval_equals_the_ideal_one_to_a_tick(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    intervals = np.diff(at_full_speed(bench, rate_ul_h, 0.5))
    ideal_ns = float(interval_ns(bench.profile, rate_ul_h))
    measure("greatest error of an interval", np.abs(intervals - ideal_ns).max(), unit="ns", below=TICK_NS)
    measure("from the shortest to the longest interval", intervals.max() - intervals.min(), unit="ns", at_most=TICK_NS)


@pytest.mark.parametrize("rate_ul_h", RATES.values(), ids=RATES)
def test_no_step_is_ever_a_whole_interval_late_or_early(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    steps = at_full_speed(bench, rate_ul_h, 0.5)
    ideal_ns = float(interval_ns(bench.profile, rate_ul_h))
    away_ns = steps - steps[0] - np.arange(len(steps)) * ideal_ns
    # The long intervals of a batch come first, which makes a step half an interval late at most; the first one
    # here may be such a late one itself.
    measure("from the earliest to the latest step, against its place", np.ptp(away_ns), unit="ns", at_most=ideal_ns)


@pytest.mark.parametrize("rate_ul_h", RATES.values(), ids=RATES)
def test_a_stop_loses_no_step(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    start_ns = now_ns(bench)
    at_full_speed(bench, rate_ul_h, 0.5)
    bench.pump.stop()
    bench.sleep(1.5)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("steps commanded", status.steps_commanded, equal=len(motor_steps(bench, start_ns)))
    measure("steps counted", status.steps_counted, equal=len(motor_steps(bench, start_ns)))


@pytest.mark.needs("hang")
def test_a_cpu_that_hangs_at_200_khz_leaves_half_a_second_of_motion_at_most(bench: Bench, measure: Measure) -> None:
    at_full_speed(bench, RATES["200 kHz"], 0.2)
    hung_ns = now_ns(bench)
    bench.hang_cpu()
    bench.sleep(1.0)  # the watchdog resets after 2 s
    last_ns = int(bench.trace.edges("step", True)[-1])
    # Two tables of at most 100 ms, one of them begun, and the FIFO.
    measure("motion after the hang", last_ns - hung_ns, unit="ns", at_least=0, at_most=300_000_000)


@pytest.mark.needs("sensor")
def test_a_fault_at_200_khz_disables_the_motor_and_stops_the_steps(bench: Bench, measure: Measure) -> None:
    at_full_speed(bench, RATES["200 kHz"], 0.2)
    bench.sensor_fault("open")
    bench.sleep(0.5)
    measure("state", bench.pump.status().state, equal="alarm_stopped")
    off_ns = int(bench.trace.edges("enable", True)[-1])
    after = bench.trace.edges("step", True, off_ns)
    # The CPU stops the generator next: two calls, some 10 µs on a Pico. A disabled motor makes no step.
    measure("motion after the enable", int(after[-1]) - off_ns if len(after) else 0, unit="ns", at_most=20_000)
    status = bench.pump.status()
    measure("steps commanded", status.steps_commanded, equal=status.steps_counted)


def test_the_rate_may_change_from_the_lowest_to_the_highest_and_back(bench: Bench, measure: Measure) -> None:
    start_ns = now_ns(bench)
    bench.pump.start(10)
    bench.sleep(2.0)
    bench.pump.set_rate(1_200_000)
    bench.sleep(1.0)
    bench.pump.set_rate(10)
    bench.sleep(2.0)
    status = bench.pump.status()
    measure("alarms", status.alarms, equal=())
    measure("rate", status.rate_ul_h, unit="µL/h", equal=10)
    measure("steps counted", status.steps_counted, equal=len(motor_steps(bench, start_ns)))
