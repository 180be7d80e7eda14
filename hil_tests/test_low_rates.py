"""Below a step a second: the interval is longer than one grant, and still exact."""

from __future__ import annotations

import numpy as np
import pytest

from hil_tests.expect import BEGIN_S, LEAD_S, TICK_NS, interval_ns, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("RATE-1", "GIP-1.1")]


@pytest.mark.needs("capture", "virtual_time")
@pytest.mark.parametrize(("rate_ul_h", "steps_due"), [(10, 3), (100, 20), (1_234, 100)])
def test_steps_that_are_seconds_apart_are_on_time(
    bench: Bench, measure: Measure, rate_ul_h: int, steps_due: int
) -> None:
    """0.01 mL/h: a step of 0.350 µL every 126 s."""
    interval = float(interval_ns(bench.profile, rate_ul_h))
    start_ns = now_ns(bench)
    bench.pump.start(rate_ul_h)
    bench.sleep((steps_due + 0.5) * interval / 1e9)
    steps = motor_steps(bench, start_ns)
    measure("steps", len(steps), equal=steps_due)
    # No step comes before its volume is due.
    measure(
        "time of the first step",
        steps[0] - start_ns,
        unit="ns",
        at_least=interval,
        at_most=interval + (BEGIN_S + 0.02) * 1e9,
    )
    measure("greatest error of an interval", np.abs(np.diff(steps) - interval).max(), unit="ns", below=TICK_NS)
    # From the first to the last step: rounding does not accumulate.
    measure(
        "from the first to the last step",
        steps[-1] - steps[0],
        unit="ns",
        above=(steps_due - 1) * interval - TICK_NS,
        below=(steps_due - 1) * interval + TICK_NS,
    )


@pytest.mark.needs("capture", "virtual_time")
def test_a_low_rate_starves_no_task_and_raises_no_alarm(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100)
    bench.sleep(200)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", status.alarms, equal=())
    measure("overruns", status.overruns, equal=0)
    measure("rate", status.rate_ul_h, unit="µL/h", equal=100)
    # The step granted ahead.
    measure("steps in flight", status.steps_commanded - status.steps_counted, at_least=0, at_most=1)


@pytest.mark.needs("capture", "virtual_time")
def test_a_low_rate_keeps_accumulating_while_it_is_raised_and_lowered(bench: Bench, measure: Measure) -> None:
    """0.1 mL/h accumulates a step in 12.6 s, 0.2 mL/h in 6.3 s: 4 s of each, twice, are 1.9 steps."""
    start_ns = now_ns(bench)
    bench.pump.start(100)
    for rate_ul_h in (200, 100, 200):
        bench.sleep(4)
        bench.pump.set_rate(rate_ul_h)
    bench.sleep(4)
    # Each change takes effect up to LEAD_S late; up and down cancel except one.
    earned = 8 * 1e9 / float(interval_ns(bench.profile, 100)) + 8 * 1e9 / float(interval_ns(bench.profile, 200))
    measure("earned", earned, above=1.8, below=2)
    measure("steps before", len(motor_steps(bench, start_ns)), equal=1)
    # The second is due (2 - earned) of a 6.3 s interval later: 0.6 s.
    bench.sleep((2 - earned) * float(interval_ns(bench.profile, 200)) / 1e9 + BEGIN_S + LEAD_S)
    measure("steps with the factor", len(motor_steps(bench, start_ns)), equal=2)
