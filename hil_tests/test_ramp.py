"""Above the motor's start rate, ramps lead up and down and lose no step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hil_tests.expect import interval_ns, motor_steps, now_ns, step_hz
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("RATE-3")]

RATE_UL_H = 1_200_000  # 952.6 steps/s
STAIR_S = 0.02  # the ramp consists of stairs, so it may be one stair ahead of the straight line


def frequencies(steps: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(time of the second step in s, steps a second) of each interval."""
    return steps[1:] / 1e9, 1e9 / np.diff(steps)


def assert_within_acceleration(bench: Bench, measure: Measure, steps: NDArray[np.int64]) -> None:
    """From any interval to any later one within 0.2 s, the rate rises no faster than the acceleration and one stair
    allow.
    """
    accel_hz_s = bench.profile.values["mechanics"]["accel_hz_s"]
    t, hz = frequencies(steps)
    used = 0.0
    for apart in range(1, 150):
        allowed_hz = accel_hz_s * ((t[apart:] - t[:-apart]) + STAIR_S)
        used = max(used, float(np.max(np.abs(hz[apart:] - hz[:-apart]) / allowed_hz, initial=0.0)))
    measure("change of rate against what acceleration and a stair allow", used, at_most=1.001)


@pytest.mark.needs("capture")
def test_the_start_ramp_keeps_to_the_acceleration(bench: Bench, measure: Measure) -> None:
    mechanics = bench.profile.values["mechanics"]
    start_ns = now_ns(bench)
    bench.pump.start(RATE_UL_H)
    bench.sleep(1)
    steps = motor_steps(bench, start_ns)
    t, hz = frequencies(steps)
    assert_within_acceleration(bench, measure, steps)
    # It starts at the start rate: the first interval is one of 400 to 400 + 4000 Hz/s · 20 ms.
    measure("first step rate", hz[0] * 1.001, unit="Hz", at_least=mechanics["start_hz"])
    measure("first step rate", hz[0], unit="Hz", at_most=mechanics["start_hz"] + mechanics["accel_hz_s"] * STAIR_S)
    # It reaches the rate after (952.6 - 400) / 4000 s = 138 ms, and three stairs for rounding.
    full_hz = step_hz(bench.profile, RATE_UL_H)
    ramp_s = (full_hz - mechanics["start_hz"]) / mechanics["accel_hz_s"]
    arrived = t[int(np.argmax(hz > full_hz * 0.999))] - steps[0] / 1e9
    measure("arrived", arrived, at_least=ramp_s * 0.9, at_most=ramp_s + 3 * STAIR_S)


@pytest.mark.needs("capture", "pressure")
@pytest.mark.parametrize("rate_ul_h", [RATE_UL_H, 999_000, 700_000])
def test_the_stop_ramp_keeps_to_the_acceleration_and_loses_no_step(
    bench: Bench, measure: Measure, rate_ul_h: int
) -> None:
    start_hz = bench.profile.values["mechanics"]["start_hz"]
    start_ns = now_ns(bench)
    bench.pump.start(rate_ul_h)
    bench.sleep(1)
    bench.pump.stop()
    bench.sleep(1)
    steps = motor_steps(bench, start_ns)
    _, hz = frequencies(steps)
    assert_within_acceleration(bench, measure, steps)
    measure("last step rate", hz[-1], unit="Hz", at_most=start_hz * 1.05)  # the last rate needs no ramp
    status = bench.pump.status()
    measure("steps counted", status.steps_counted, equal=len(steps))
    measure("steps commanded", status.steps_commanded, equal=len(steps))
    measure("alarms", status.alarms, equal=())


@pytest.mark.needs("capture", "exact")
def test_a_change_of_rate_is_ramped_both_ways(bench: Bench, measure: Measure) -> None:
    start_ns = now_ns(bench)
    bench.pump.start(600_000)
    bench.sleep(1)
    bench.pump.set_rate(RATE_UL_H)
    bench.sleep(1)
    bench.pump.set_rate(600_000)
    bench.sleep(1)
    steps = motor_steps(bench, start_ns)
    _, hz = frequencies(steps)
    assert_within_acceleration(bench, measure, steps)
    measure(
        "highest step rate",
        hz.max(),
        near=step_hz(bench.profile, RATE_UL_H),
        by=1e-3 * step_hz(bench.profile, RATE_UL_H),
    )
    measure("last interval", np.diff(steps)[-1], unit="ns", near=float(interval_ns(bench.profile, 600_000)), by=200)


@pytest.mark.needs("capture")
def test_the_end_of_the_volume_is_ramped(bench: Bench, measure: Measure) -> None:
    """500 µL at 952.6 Hz are 1428 steps, 1.5 s."""
    start_ns = now_ns(bench)
    bench.pump.start(RATE_UL_H, vtbi_nl=500_000)
    bench.sleep(4)
    steps = motor_steps(bench, start_ns)
    _, hz = frequencies(steps)
    assert_within_acceleration(bench, measure, steps)
    measure("last step rate", hz[-1], unit="Hz", at_most=bench.profile.values["mechanics"]["start_hz"] * 1.05)
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))
