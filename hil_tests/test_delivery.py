"""The delivery: rate, volume and every count of it, from the edges on the STEP pin."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hil_tests.expect import (
    BEGIN_S,
    LEAD_S,
    TICK_NS,
    alarms_reported,
    delivered_nl,
    interval_ns,
    motor_steps,
    now_ns,
    reported_volume_is_true,
    step_hz,
    step_pl,
    true_nl,
)
from picoinfuse.bench import Bench
from picoinfuse.client.notifications import Telemetry
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("RATE-1", "RATE-4")]

RAMP_S = 0.5  # 400 to 793 Hz at 4000 Hz/s take 0.1 s


@pytest.mark.needs("capture", "exact")
@pytest.mark.parametrize(
    ("rate_ul_h", "seconds"),
    [
        pytest.param(100, 300, marks=pytest.mark.needs("virtual_time")),
        (1_000, 60),
        (5_000, 30),
        (100_000, 10),
        (999_000, 6),
    ],
)
def test_steps_come_at_the_ordered_rate(bench: Bench, measure: Measure, rate_ul_h: int, seconds: float) -> None:
    interval = interval_ns(bench.profile, rate_ul_h)
    start_ns = now_ns(bench)
    bench.pump.start(rate_ul_h)
    bench.sleep(seconds)
    steps = bench.trace.edges("step", True, start_ns + round(RAMP_S * 1e9))
    # Whole intervals between the first step and now; at low rates the first step may be one interval away.
    window_ns = now_ns(bench) - int(steps[0])
    measure("steps", len(steps), equal=1 + int(window_ns / interval))
    intervals = np.diff(steps)
    # Each interval is the exact one, rounded up or down to a tick.
    measure("greatest error of an interval", np.abs(intervals - float(interval)).max(), unit="ns", below=TICK_NS)
    # Rounding does not add up. In a slice of 0.1 s with n steps the longer intervals come first, so both ends of
    # the window are off by n/4 ticks at most, and by one for rounding.
    ticks_off = 1 + 2 * (0.1 * step_hz(bench.profile, rate_ul_h) / 4)
    measure("mean interval", intervals.mean(), unit="ns", near=float(interval), by=ticks_off * TICK_NS / len(intervals))


@pytest.mark.needs("capture", "exact")
@pytest.mark.parametrize("rate_ul_h", [5_000, 100_000, 480_000])
def test_the_first_interval_is_the_ordered_one(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    """Up to the rate that needs no ramp, 400 Hz: 504 mL/h."""
    interval = float(interval_ns(bench.profile, rate_ul_h))
    bench.pump.start(rate_ul_h)
    started_ns = now_ns(bench)
    bench.sleep(3 * interval / 1e9 + BEGIN_S)
    steps = bench.trace.edges("step", True, started_ns - 20_000_000)
    measure("error of the first interval", abs(steps[1] - steps[0] - interval), unit="ns", below=TICK_NS)
    # The first step comes after one interval of running.
    measure(
        "first step, after the interval that pays for it",
        steps[0] - started_ns - interval,
        unit="ns",
        at_least=-20e6,
        at_most=BEGIN_S * 1e9,
    )


@pytest.mark.requirement("RATE-5", "GIP-1.3")
@pytest.mark.needs("capture", "pressure")
@pytest.mark.parametrize(("rate_ul_h", "vtbi_nl"), [(5_000, 3_500), (100_000, 350_000), (1_200_000, 500_000)])
def test_vtbi_is_reached_to_the_step(bench: Bench, measure: Measure, rate_ul_h: int, vtbi_nl: int) -> None:
    start_ns = now_ns(bench)
    bench.pump.start(rate_ul_h, vtbi_nl)
    bench.sleep(vtbi_nl * 3.6 / rate_ul_h + 2)
    steps = motor_steps(bench, start_ns)
    # Never more than ordered, and short by less than one step: 350 µL are 1000.17 steps, so 1000.
    measure("steps", len(steps), equal=int(vtbi_nl * 1000 / step_pl(bench.profile)))
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=("infusion_complete",))
    measure("delivered", status.delivered_nl, unit="nL", equal=delivered_nl(bench.profile, len(steps)))
    measure(
        "priorities reported",
        [event.priority for event in alarms_reported(bench, "infusion_complete")],
        equal=["medium"],
    )
    measure("level of enable", bench.trace.level_at("enable", now_ns(bench)), equal=1)
    # 1e-6: the pump's ratio for a step is within that of the geometric volume.
    measure(
        "volume out of the syringe",
        true_nl(bench, start_ns),
        unit="nL",
        near=float(len(steps) * step_pl(bench.profile) / 1000),
        by=2e-6 * float(len(steps) * step_pl(bench.profile) / 1000),
    )


@pytest.mark.requirement("RATE-6")
@pytest.mark.needs("capture")
@pytest.mark.parametrize(("before_ul_h", "after_ul_h"), [(1_000, 5_000), (1_000, 333), (2_000, 400_000)])
def test_a_new_rate_keeps_the_accumulated_part_of_a_step(
    bench: Bench, measure: Measure, before_ul_h: int, after_ul_h: int
) -> None:
    bench.pump.start(before_ul_h)
    # Well into the second interval, and early enough that the new rate takes effect before its end.
    bench.sleep(float(interval_ns(bench.profile, before_ul_h)) * 1.3 / 1e9)
    ordered_ns = now_ns(bench)
    bench.pump.set_rate(after_ul_h)
    bench.sleep(2 + float(interval_ns(bench.profile, after_ul_h)) / 1e9)
    steps = bench.trace.edges("step", True, 1_000_000_000)
    last_ns = int(steps[steps < ordered_ns][-1])
    next_ns = int(steps[steps > ordered_ns][0])
    # One step accumulated by before·(change - last) + after·(next - change) = step. When was the change?
    paid = before_ul_h * interval_ns(bench.profile, before_ul_h)
    change_ns = (paid + before_ul_h * last_ns - after_ul_h * next_ns) / (before_ul_h - after_ul_h)
    measure("order to new rate", (change_ns - ordered_ns) / 1e9, unit="s", at_least=0, at_most=LEAD_S)


@pytest.mark.needs("capture")
def test_many_rate_changes_raise_no_motor_fault(bench: Bench, measure: Measure) -> None:
    start_ns = now_ns(bench)
    bench.pump.start(999_000)
    for rate_ul_h in (100, 500_000, 1_000, 999_000, 250_000, 10):
        bench.sleep(1.07)
        bench.pump.set_rate(rate_ul_h)
    bench.sleep(30)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", status.alarms, equal=())
    measure("steps counted", status.steps_counted, equal=len(motor_steps(bench, start_ns)))
    # The three fast segments of 1.07 s alone: 793, 397, 793 Hz.
    measure(
        "steps counted",
        status.steps_counted,
        at_least=1.07 * (2 * step_hz(bench.profile, 999_000) + 0.9 * step_hz(bench.profile, 500_000)),
    )


@pytest.mark.needs("capture", "pressure")
def test_every_reported_volume_agrees_with_the_edges(bench: Bench, measure: Measure) -> None:
    reported: list[Telemetry] = []
    bench.pump.on_telemetry = reported.append
    bench.pump.telemetry(hz=10)
    start_ns = now_ns(bench)
    bench.pump.start(100_000)
    bench.sleep(10)
    bench.pump.stop()
    bench.sleep(1)
    status = bench.pump.status()
    steps = motor_steps(bench, start_ns)
    measure("steps counted", status.steps_counted, equal=len(steps))
    measure("steps commanded", status.steps_commanded, equal=len(steps))
    measure(
        "volume reported by telemetry", status.delivered_nl, unit="nL", equal=delivered_nl(bench.profile, len(steps))
    )
    measure("volume reported", reported[-1].delivered_nl, unit="nL", equal=delivered_nl(bench.profile, len(steps)))
    reported_volume_is_true(bench, measure, start_ns)
    # Telemetry never decreases, and each reported volume is a whole number of steps made by then.
    volumes = [message.delivered_nl for message in reported if message.state == "infusing"]
    measure("reports while infusing", len(volumes), at_least=99)
    measure("reports in which the volume goes back", sum(b < a for a, b in pairwise(volumes)), equal=0)
    measure(
        "volumes reported that are no whole steps",
        len(set(volumes) - {delivered_nl(bench.profile, n) for n in range(len(steps) + 1)}),
        equal=0,
    )


@pytest.mark.needs("capture")
def test_a_second_infusion_counts_from_nothing(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.sleep(2)
    bench.pump.stop()
    bench.sleep(1)
    start_ns = now_ns(bench)
    bench.pump.start(50_000)
    bench.sleep(2)
    bench.pump.stop()
    bench.sleep(1)
    status = bench.pump.status()
    measure("steps counted", status.steps_counted, equal=len(motor_steps(bench, start_ns)))
    measure("steps commanded", status.steps_commanded, equal=len(motor_steps(bench, start_ns)))
    # 39.7 Hz for 2 s and what was granted ahead.
    hz = step_hz(bench.profile, 50_000)
    measure("steps counted", status.steps_counted, at_least=(2 - BEGIN_S) * hz - 1, at_most=(2 + LEAD_S) * hz + 1)
