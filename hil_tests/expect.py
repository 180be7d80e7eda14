"""Shared by the tests: arithmetic of the profile's mechanics, readings of the trace, a bench with a changed profile.

A rate is volume per time, so the interval between two steps is the volume of a step divided by the rate:
pL / (µL/h) = pL / (10^6 pL / 3.6·10^12 ns) = 3.6·10^6 ns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from picoinfuse.bench import Bench
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.client.notifications import AlarmEvent
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import Profile
from picoinfuse.trace.trace import Times

TICK_NS = 200  # the PIO's clock: the resolution of an edge
INSTRUMENT_NS = 1_000  # resolution of an instrument's edges, where the bench is not `exact`
LEAD_S = 0.35  # motion is granted 200 to 300 ms ahead; the rest is one turn of the loop
BEGIN_S = 0.06  # from a command's reply to the first grant: the delivery task runs every 50 ms at least
WATCHDOG_S = 2.0
BOOT_S = 0.5  # boot and self-test, where code takes no time
UP_S = 10.0  # a Pico boots from files and completes its self-test within this time
COLLECTION_MS = 40  # on a Pico: 17 for a garbage collection, 8 to count the heap (docs/performance.md), 15 for a reply


def step_pl(profile: Profile) -> Fraction:
    """Volume of a step, pL, as the pump uses it."""
    return Fraction(*profile.compiled()["mechanics"]["step_pl"])


def interval_ns(profile: Profile, rate_ul_h: int) -> Fraction:
    return step_pl(profile) * 3_600_000 / rate_ul_h


def step_hz(profile: Profile, rate_ul_h: int) -> float:
    return float(10**9 / interval_ns(profile, rate_ul_h))


def delivered_nl(profile: Profile, steps: int) -> int:
    """The volume that the pump reports for `steps`: rounded down to whole nL."""
    return int(steps * step_pl(profile) / 1000)


def true_nl(bench: Bench, start_ns: int) -> float:
    """The volume that has left the syringe since `start_ns`, nL."""
    return bench.trace.value_at("delivered_nl", now_ns(bench)) - bench.trace.value_at("delivered_nl", start_ns)


def unsure_at_most_nl(profile: Profile, top_ul_h: int) -> int:
    """The bound on the uncertainty after a power cut: 20 µL, the flow of 2 s (µL/h * 2 s / 3600 s * 1000 nL/µL = 5/9),
    two steps and the rounding.
    """
    return 20_000 + top_ul_h * 5 // 9 + delivered_nl(profile, 2) + 3


def reported_volume_is_true(bench: Bench, measure: Measure, start_ns: int) -> None:
    """The reported volume equals the volume that left the syringe. Tolerance: 1e-6, since the pump's ratio for a step
    is that close to the geometric volume, and as much for rounding; 1 nL for small volumes, since it reports whole nL.
    """
    told_nl = bench.pump.status().delivered_nl
    by_nl = max(2e-6 * told_nl, 1)
    measure("volume out of the syringe", true_nl(bench, start_ns), unit="nL", near=told_nl, by=by_nl)


def steps_are_even(bench: Bench, measure: Measure, since_s: float) -> None:
    """A steady rate is on a grid of 200 ns ticks, so two intervals differ by one tick at most. An interval has two
    edges, so an instrument may report it 1 µs too long or too short.
    """
    intervals_ns = bench.trace.intervals("step", round(since_s * 1e9), now_ns(bench))
    # At 100 mL/h: 100000 / 0.3499 / 3600 s = 79 steps a second, of which some 0.1 s are here at least.
    measure("intervals", len(intervals_ns), above=5)
    spread_ns = int(intervals_ns.max() - intervals_ns.min())
    most_ns = TICK_NS if "exact" in bench.capabilities else TICK_NS + 2 * INSTRUMENT_NS
    measure("from the shortest to the longest interval", spread_ns, unit="ns", at_most=most_ns)


def cut_off_ends(bench: Bench, *files: str) -> None:
    """Cuts 12 bytes off the end of each file of an idle pump, then resets it."""
    enter_repl(bench)
    for file in files:
        run_in_repl(bench, f"d = open({file!r}, 'rb').read(); f = open({file!r}, 'wb'); f.write(d[:-12]); f.close()")
    bench.reset()
    bench.sleep(1.0)


def now_ns(bench: Bench) -> int:
    return round(bench.now() * 1e9)


def limit_pa(bench: Bench, level: str) -> int:
    return bench.profile.compiled()["occlusion"][level + "_pa"]


def motor_steps(bench: Bench, start_ns: int = 0) -> Times:
    """Rising edges on STEP while ENABLE is low: the ones that move the motor."""
    edges = bench.trace.edges("step", True, start_ns)
    return np.array([t for t in edges if not bench.trace.level_at("enable", int(t))], dtype=np.int64)


def crossing_ns(bench: Bench, pressure_pa: float, start_ns: int) -> int:
    """When the true pressure first passed `pressure_pa`, interpolated linearly between two samples of the trace."""
    t, v = bench.trace.values("pressure_pa", start_ns)
    above = int(np.argmax(v > pressure_pa))
    assert v[above] > pressure_pa, "the pressure never passed the limit"
    if above == 0:
        return int(t[0])
    return int(np.interp(pressure_pa, v[above - 1 : above + 1], t[above - 1 : above + 1]))


@contextmanager
def bench_with(bench: Bench, **changed: dict[str, Any]) -> Iterator[Bench]:
    """A bench of the same kind and seed, whose profile differs in these keys of these sections."""
    values = bench.profile.values
    sections = {section: {**values[section], **keys} for section, keys in changed.items()}
    profile = replace(bench.profile, values={**values, **sections})
    with bench_kind(bench.name).open(profile, bench.seed) as opened:
        yield opened


def infuse(bench: Bench, rate_ul_h: int) -> float:
    """Starts and waits for the steady rate; returns the time from which the steps are evenly spaced."""
    bench.pump.start(rate_ul_h)
    bench.sleep(1.0)
    return bench.now()


def alarms_reported(bench: Bench, name: str) -> list[AlarmEvent]:
    return [event for event in bench.pump.events if isinstance(event, AlarmEvent) and event.name == name]


def end_self_test(bench: Bench) -> None:
    """Lets time pass until the self-test is over."""
    sleep_until(bench, lambda: bench.pump.status().state != "self_test", UP_S)


def sleep_until(bench: Bench, condition: Callable[[], bool], limit_s: float, step_s: float = 0.25) -> None:
    """Lets time pass until `condition()` holds; fails after `limit_s`."""
    end_s = bench.now() + limit_s
    while not condition():
        assert bench.now() < end_s, f"not so within {limit_s:g} s"
        bench.sleep(step_s)
