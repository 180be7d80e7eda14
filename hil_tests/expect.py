"""What the tests share: the arithmetic of the profile's mechanics, and readings of the trace.

A rate is volume per time, so the interval between two steps is the volume of a step divided by the rate:
pL / (µL/h) = pL / (10^6 pL / 3.6·10^12 ns) = 3.6·10^6 ns.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from picoinfuse.bench import Bench
from picoinfuse.messages import AlarmEvent
from picoinfuse.profile import Profile
from picoinfuse.trace import Times

TICK_NS = 200  # of the PIO's clock: no edge can be told finer
LEAD_S = 0.35  # motion is granted 200 to 300 ms ahead; the rest is the look of the loop at its tasks
BEGIN_S = 0.06  # from a command's answer to the first grant: the motor's task looks every 50 ms at least
WATCHDOG_S = 2.0
BOOT_S = 0.5  # boot and self-test
COLLECTION_MS = 45  # for which a collection of garbage stops a Pico's loop: 42 are measured, docs/performance.md


def step_pl(profile: Profile) -> Fraction:
    """Volume of a step, as the pump knows it."""
    return Fraction(*profile.compiled()["mechanics"]["step_pl"])


def interval_ns(profile: Profile, rate_ul_h: int) -> Fraction:
    return step_pl(profile) * 3_600_000 / rate_ul_h


def step_hz(profile: Profile, rate_ul_h: int) -> float:
    return float(10**9 / interval_ns(profile, rate_ul_h))


def delivered_nl(profile: Profile, steps: int) -> int:
    """As the pump tells it: rounded down."""
    return int(steps * step_pl(profile) / 1000)


def true_nl(bench: Bench, start_ns: int) -> float:
    """What has left the syringe since."""
    return bench.trace.value_at("delivered_nl", now_ns(bench)) - bench.trace.value_at("delivered_nl", start_ns)


def now_ns(bench: Bench) -> int:
    return round(bench.now() * 1e9)


def limit_pa(bench: Bench, level: str) -> int:
    return bench.profile.compiled()["occlusion"][level + "_pa"]


def motor_steps(bench: Bench, start_ns: int = 0) -> Times:
    """Rising edges on STEP while ENABLE is low: the ones that move the motor."""
    edges = bench.trace.edges("step", True, start_ns)
    return np.array([t for t in edges if not bench.trace.level_at("enable", int(t))], dtype=np.int64)


def crossing_ns(bench: Bench, pressure_pa: float, start_ns: int) -> int:
    """When the true pressure first passed; between two samples of the trace it rises along a line."""
    t, v = bench.trace.values("pressure_pa", start_ns)
    above = int(np.argmax(v > pressure_pa))
    assert v[above] > pressure_pa, "the pressure never passed the limit"
    if above == 0:
        return int(t[0])
    return int(np.interp(pressure_pa, v[above - 1 : above + 1], t[above - 1 : above + 1]))


def alarms_told(bench: Bench, name: str) -> list[AlarmEvent]:
    return [event for event in bench.pump.events if isinstance(event, AlarmEvent) and event.name == name]


def sleep_until(bench: Bench, condition: Callable[[], bool], limit_s: float, step_s: float = 0.25) -> None:
    """Lets time pass until it is so; fails after `limit_s`."""
    end_s = bench.now() + limit_s
    while not condition():
        assert bench.now() < end_s, f"not so within {limit_s:g} s"
        bench.sleep(step_s)
