"""Days of infusion: at every step the count is within one of the commanded count, in exact fractions.

The whole pump runs for a working day. For several days only its delivery runs on the same board (grid, ramp,
delivery task, monitor, stepper and counter, from the flash, in the REPL): without the 100 polls a second of pressure
and line, which take most of the stub's time, and with the same steps.

A command takes effect when the motion granted at the old rate ends. So a segment of constant rate is compared with
the ruler from CHANGE_S after its command on; over all segments a change may be worth CHANGE_S of steps.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from hil_tests.expect import LEAD_S, TICK_NS, delivered_nl, interval_ns, now_ns, step_pl
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl
from picoinfuse.evidence.measuring import Measure
from picoinfuse.trace.trace import Times

pytestmark = [pytest.mark.requirement("RATE-2", "GIP-1.2")]

HOUR_S = 3600
CHANGE_S = LEAD_S + 0.2
BOARD_SLACK_NS = 100_000_000  # from a request to its execution on the board


class RateSegment(NamedTuple):
    """A commanded rate, 0 for a pause, and its duration."""

    rate_ul_h: int
    duration_ms: int


def script(seed: int, hours: float) -> list[RateSegment]:
    """Changes of rate and pauses, around 5 mL/h; a pause is followed by the old rate or a new one."""
    chance = random.Random(seed)
    segments = [RateSegment(5_000, 600_000)]
    while sum(segment.duration_ms for segment in segments) < hours * HOUR_S * 1000:
        if chance.random() < 0.4:
            segments.append(RateSegment(0, chance.randint(2_000, 600_000)))
        rate_ul_h = chance.choice([5_000, 5_000, chance.randint(100, 20_000), chance.randint(10, 100)])
        segments.append(RateSegment(rate_ul_h, chance.randint(5, 120) * 60_000 + chance.randint(0, 999)))
    return segments


def assert_on_the_ruler(bench: Bench, measure: Measure, steps: Times, rate_ul_h: int) -> None:
    """At one constant rate, all intervals are within a tick, and every step within a tick of k intervals."""
    if len(steps) < 2:
        return
    interval = interval_ns(bench.profile, rate_ul_h)
    shortest = int(interval // TICK_NS) * TICK_NS
    gaps = np.diff(steps)
    measure("shortest interval", gaps.min(), unit="ns", at_least=shortest)
    measure("longest interval", gaps.max(), unit="ns", at_most=shortest + TICK_NS)
    # t_k - t_0 = k * num/den to a tick, in whole numbers: (t_k - t_0) * den - k * num
    num, den = interval.as_integer_ratio()
    off_by = [t * den - k * num for k, t in enumerate((steps - steps[0]).tolist())]
    measure("earliest step against its place", min(off_by) / den, unit="ns", at_least=-TICK_NS)
    measure("latest step against its place", max(off_by) / den, unit="ns", at_most=TICK_NS + 1)


def assert_commanded(bench: Bench, measure: Measure, start_ns: int, segments: list[RateSegment]) -> None:
    """The count at the end of each segment equals the commanded count, to one step and an allowance for the changes."""
    earned = slack = Fraction(0)
    at_ns, before_ul_h = start_ns, 0
    for rate_ul_h, duration_ms in segments:
        end_ns = at_ns + duration_ms * 1_000_000
        fastest = max(rate_ul_h, before_ul_h)
        slack += Fraction(CHANGE_S) * 10**9 / interval_ns(bench.profile, fastest)
        if rate_ul_h:
            earned += Fraction(duration_ms) * 1_000_000 / interval_ns(bench.profile, rate_ul_h)
            steps = bench.trace.edges("step", True, at_ns + round(CHANGE_S * 1e9), end_ns)
            assert_on_the_ruler(bench, measure, steps, rate_ul_h)
        else:
            measure("steps while paused", bench.trace.count("step", at_ns + round(CHANGE_S * 1e9), end_ns), equal=0)
        measure("steps", bench.trace.count("step", start_ns, end_ns), near=earned, by=1 + slack)
        at_ns, before_ul_h = end_ns, rate_ul_h


def assert_steady(bench: Bench, measure: Measure, start_ns: int, rate_ul_h: int) -> None:
    """At one rate throughout, |steps - ideal| <= 1 at every step, from the pump's own start."""
    steps = bench.trace.edges("step", True, start_ns)
    assert_on_the_ruler(bench, measure, steps, rate_ul_h)
    interval = interval_ns(bench.profile, rate_ul_h)
    begun_ns = int(steps[0]) - round(interval)
    measure(
        "from the start to the beginning of steps",
        begun_ns - start_ns,
        unit="ns",
        at_least=-TICK_NS,
        at_most=LEAD_S * 1e9 + BOARD_SLACK_NS,
    )
    # The k-th step (the first is 1) is made when k steps have accumulated: a tick early or late at most, as it and the
    # first are rounded up to ticks. So ideal - 1 < steps <= ideal, but for a tick, at every instant.
    num, den = interval.as_integer_ratio()
    off_by = max(abs((t - begun_ns) * den - k * num) for k, t in enumerate(steps.tolist(), 1))
    measure("greatest distance of a step from its place", off_by / den, unit="ns", at_most=TICK_NS + 1)


# ---- the delivery alone, for days ----

_RIG = """
import time
from pump.core.motion.monitor import DeliveryMonitor
from pump.core.therapy.regimen import continuous
from pump.core.therapy.therapy import Therapy
from pump.tasks.delivery import Delivery
from pump.drivers.step_counter import StepCounter
from pump.drivers.stepper import Stepper
from pump.storage.profile import load_profile
mechanics = load_profile()["mechanics"]
monitor = DeliveryMonitor(mechanics)
counter = StepCounter()
late = []
delivery = Delivery(mechanics, Stepper(0), counter, lambda done, ms: None, lambda us, ms: late.append(us))
therapy = Therapy(continuous(1), *mechanics["step_pl"])
delivery.begin(therapy)
found = before = 0
looked = t = time.ticks_ms()
for rate, duration in SCRIPT:
    if rate:
        therapy.set_rate(rate)
        delivery.go()
    else:
        delivery.stop()
    if not rate or not before:  # the pump's state changes
        monitor.start(delivery.counted_steps())
        looked = t
    before = rate
    while duration > 0:
        wait = min(duration, delivery.run(t))
        time.sleep_ms(wait)
        duration -= wait
        t = time.ticks_ms()
        if time.ticks_diff(t, looked) >= 1000:
            found |= monitor.update(rate, None, delivery.counted_steps(), time.ticks_diff(t, looked))
            looked = t
print("counted", delivery.counted_steps(), delivery.commanded_steps, found, len(late))
"""


def run_rig(bench: Bench, measure: Measure, segments: list[RateSegment]) -> int:
    """Runs a script of segments; returns when it began. Asserts that the count equals the trace's."""
    enter_repl(bench)
    start_ns = now_ns(bench)
    code = _RIG.replace("SCRIPT", repr([tuple(segment) for segment in segments]))
    bench.write_raw(b"\x01" + code.encode() + b"\x04")
    left_s = sum(segment.duration_ms for segment in segments) / 1000 + 1
    while left_s > 0:
        bench.sleep(min(left_s, 4 * HOUR_S))
        left_s -= 4 * HOUR_S
    answer = bench.pump.link.heard().rpartition(b"OK")[2].partition(b"\x04")[0].decode()
    counted, commanded, found, late = (int(word) for word in answer.split()[1:])
    measure("steps counted", counted, equal=bench.trace.count("step", start_ns))
    measure("steps in flight", commanded - counted, at_least=0, at_most=1)  # one step may be granted and not yet made
    measure("events of the monitor", found, equal=0)
    measure("late turns", late, equal=0)
    first = int(bench.trace.edges("step", True, start_ns)[0])
    begun_ns = first - interval_ns(bench.profile, segments[0].rate_ul_h)
    measure(
        "from the start to the beginning of steps", begun_ns - start_ns, unit="ns", at_least=0, at_most=BOARD_SLACK_NS
    )
    return round(begun_ns)


@pytest.mark.long
@pytest.mark.needs("capture", "virtual_time")
def test_three_days_of_changes_pauses_and_resumes(bench: Bench, measure: Measure) -> None:
    segments = script(bench.seed, 72)
    assert_commanded(bench, measure, run_rig(bench, measure, segments), segments)


@pytest.mark.long
@pytest.mark.needs("capture", "virtual_time")
def test_three_days_at_a_tenth_of_a_millilitre_an_hour(bench: Bench, measure: Measure) -> None:
    """A step every 12.6 s: 20,578 of them."""
    assert_steady(bench, measure, run_rig(bench, measure, [RateSegment(100, 72 * HOUR_S * 1000)]), 100)


@pytest.mark.long
@pytest.mark.profile("syringe-50ml-geared")
@pytest.mark.needs("capture", "virtual_time")
def test_a_week_at_a_hundredth_of_a_millilitre_an_hour(bench: Bench, measure: Measure) -> None:
    """Geared, a step every 4.7 s: 129,000 of them."""
    assert_steady(bench, measure, run_rig(bench, measure, [RateSegment(10, 7 * 24 * HOUR_S * 1000)]), 10)


# ---- the whole pump, for a working day ----


@pytest.mark.long
@pytest.mark.needs("capture", "pressure", "virtual_time")
def test_eight_hours_of_the_whole_pump(bench: Bench, measure: Measure) -> None:
    segments = script(bench.seed + 1, 8)
    start_ns = now_ns(bench)
    pump = bench.pump
    pump.start(segments[0].rate_ul_h)
    done: list[RateSegment] = []
    began_ns, before_ul_h = start_ns, segments[0].rate_ul_h
    for rate_ul_h, duration_ms in segments:
        if not rate_ul_h:
            pump.pause()
        elif rate_ul_h != before_ul_h or done:
            pump.set_rate(rate_ul_h)
            if not before_ul_h:
                pump.resume()
        bench.sleep(duration_ms / 1000)
        done.append(RateSegment(rate_ul_h, round((now_ns(bench) - began_ns) / 1e6)))
        began_ns, before_ul_h = began_ns + done[-1].duration_ms * 1_000_000, rate_ul_h
    assert_commanded(bench, measure, start_ns, done)
    status = pump.status()
    made = bench.trace.count("step", start_ns)
    measure("alarms", status.alarms, equal=())
    measure("overruns", status.overruns, equal=0)
    measure("steps counted", status.steps_counted, equal=made)
    measure("delivered", status.delivered_nl, unit="nL", equal=delivered_nl(bench.profile, made))
    true_nl = bench.trace.value_at("delivered_nl", now_ns(bench)) - bench.trace.value_at("delivered_nl", start_ns)
    # The profile's ratio matches the geometry to 1 in 10^6; one step more, since a step's flow may be in progress.
    measure(
        "volume reported",
        status.delivered_nl,
        unit="nL",
        near=true_nl,
        by=1e-6 * true_nl + 1 + float(step_pl(bench.profile)) / 1000,
    )
