"""Days of infusion: at no step is the count more than one away from what was commanded, in exact fractions.

What was commanded is worked out here anew: each command takes effect where the pump handed out no more of the old
rate, which shows in the trace only as the steps themselves. So a stretch of constant rate is found by its command,
with the time in which a change takes effect left out, and inside it the steps are held against a ruler laid on
one of them: an interval of exactly volume / rate.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from hil_tests.expect import LEAD_S, TICK_NS, delivered_nl, interval_ns, now_ns, step_pl
from picoinfuse.bench import Bench
from picoinfuse.trace import Times

HOUR_S = 3600
CHANGE_S = LEAD_S + 0.2  # after a command the rate is the new one


@dataclass(frozen=True)
class Stretch:
    """A commanded rate between two instants of bench time."""

    rate_ul_h: int
    begin_ns: int
    end_ns: int


def earned_steps(bench: Bench, stretches: list[Stretch]) -> Fraction:
    """Volume over all stretches as steps, exactly."""
    return sum((Fraction(s.end_ns - s.begin_ns) / interval_ns(bench.profile, s.rate_ul_h) for s in stretches), Fraction(0))


def assert_on_the_ruler(bench: Bench, steps: Times, rate_ul_h: int) -> None:
    """Steps of one constant rate: every interval is P or P + 1 ticks, and no step is a tick off the exact grid.

    With k steps after the first one, k * interval is exact as a fraction; the grid rounds each up to a tick.
    """
    if len(steps) < 2:
        return
    interval = interval_ns(bench.profile, rate_ul_h)
    gaps = np.diff(steps)
    shortest = int(interval // TICK_NS) * TICK_NS
    assert gaps.min() >= shortest
    assert gaps.max() <= shortest + TICK_NS
    # In exact arithmetic, without a division: (t_k - t_0) * den - k * num, as Python integers.
    num, den = interval.as_integer_ratio()
    since = steps - steps[0]
    off_by = [int(t) * den - k * num for k, t in _probes(since)]
    assert max(abs(off) for off in off_by) <= TICK_NS * den


def _probes(since: Times) -> list[tuple[int, int]]:
    """All of some thousand steps, spread evenly: gaps of one tick or none in between leave no room for more."""
    every = max(1, len(since) // 5000)
    return [(k, int(since[k])) for k in [*range(0, len(since), every), len(since) - 1]]


def assert_account(bench: Bench, start_ns: int) -> Times:
    """Counted is what the trace has; told is what was counted; nothing was late."""
    steps = bench.trace.edges("step", True, start_ns)
    status = bench.pump.status()
    assert status.alarms == ()
    assert status.overruns == 0
    assert status.steps_counted == len(steps)
    assert status.delivered_nl == delivered_nl(bench.profile, len(steps))
    true_nl = bench.trace.value_at("delivered_nl", now_ns(bench)) - bench.trace.value_at("delivered_nl", start_ns)
    # The profile's ratio is the geometry to 1 in 10^6; the trace's value is sampled 4 times a second.
    assert abs(true_nl - float(len(steps) * step_pl(bench.profile) / 1000)) <= 1e-6 * true_nl + 2 * float(step_pl(bench.profile) / 1000)
    return steps


def wait(bench: Bench, seconds: float) -> None:
    """In hours, so that no single grant is out of the stub's patience."""
    while seconds > 0:
        bench.sleep(min(seconds, HOUR_S))
        seconds -= HOUR_S


@pytest.mark.long
@pytest.mark.needs("capture", "pressure", "virtual_time")
def test_three_days_with_changes_pauses_and_resumes_stay_within_a_step(bench: Bench) -> None:
    """72 h around 5 mL/h, some 70 commands. The slack of each change is what its CHANGE_S may be worth."""
    chance = random.Random(bench.seed)
    start_ns = now_ns(bench)
    rate_ul_h = 5_000
    bench.pump.start(rate_ul_h)
    stretches: list[Stretch] = []
    begin_ns = start_ns
    slack = Fraction(0)  # steps that the time of taking effect may be worth, over all changes
    while now_ns(bench) - start_ns < 72 * HOUR_S * 10**9:
        wait(bench, chance.uniform(0.2, 1.8) * HOUR_S)
        end_ns = now_ns(bench)
        stretches.append(Stretch(rate_ul_h, begin_ns, end_ns))
        steps = bench.trace.edges("step", True, begin_ns + round(CHANGE_S * 1e9), end_ns)
        assert_on_the_ruler(bench, steps, rate_ul_h)
        next_ul_h = chance.choice([5_000, 5_000, chance.randint(100, 20_000), chance.randint(10, 100)])
        if chance.random() < 0.4:
            bench.pump.pause()
            wait(bench, chance.uniform(2, 600))
            if chance.random() < 0.5:
                bench.pump.set_rate(next_ul_h)
                rate_ul_h = next_ul_h
            bench.pump.resume()
        else:
            bench.pump.set_rate(next_ul_h)
            rate_ul_h = next_ul_h
        faster = max(stretches[-1].rate_ul_h, rate_ul_h)
        slack += Fraction(CHANGE_S) * 10**9 / interval_ns(bench.profile, faster)
        begin_ns = now_ns(bench)
        made = bench.trace.count("step", start_ns, end_ns)
        assert abs(made - earned_steps(bench, stretches)) <= 1 + slack
    stretches.append(Stretch(rate_ul_h, begin_ns, now_ns(bench)))
    steps = assert_account(bench, start_ns)
    assert abs(len(steps) - earned_steps(bench, stretches)) <= 1 + slack


def assert_steady(bench: Bench, rate_ul_h: int, hours: float) -> None:
    start_ns = now_ns(bench)
    bench.pump.start(rate_ul_h)
    wait(bench, hours * HOUR_S)
    end_ns = now_ns(bench)
    steps = assert_account(bench, start_ns)
    assert_on_the_ruler(bench, steps, rate_ul_h)
    # From the first step back by one interval is when the pump began to pay: every step of the run is within one.
    interval = interval_ns(bench.profile, rate_ul_h)
    begun_ns = int(steps[0]) - interval
    assert 0 <= begun_ns - start_ns <= LEAD_S * 1e9
    for k, t in itertools.islice(enumerate(steps), 0, None, max(1, len(steps) // 5000)):
        assert k <= (int(t) - begun_ns) / interval <= k + 1 + Fraction(TICK_NS) / interval
    assert abs(len(steps) - (end_ns - begun_ns) / interval) <= 1


@pytest.mark.long
@pytest.mark.needs("capture", "pressure", "virtual_time")
def test_three_days_at_a_tenth_of_a_millilitre_an_hour(bench: Bench) -> None:
    """A step every 12.6 s: 20,578 of them."""
    assert_steady(bench, 100, 72)


@pytest.mark.long
@pytest.mark.profile("syringe-50ml-geared")
@pytest.mark.needs("capture", "pressure", "virtual_time")
def test_a_week_at_a_hundredth_of_a_millilitre_an_hour(bench: Bench) -> None:
    """Geared, a step every 4.7 s: 129,000 of them."""
    assert_steady(bench, 10, 7 * 24)
