"""The same scenario on the stub and on the emulated Pico: edges, answers and alarms agree within stated tolerances.

On the stub code takes no time; on the emulated Pico it takes what it takes. So instants that depend on when a command
was carried out, or a task came round, may differ by some turns of the loop; what the pump says, and how its steps are
spaced, may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from picoinfuse.bench import Bench
from picoinfuse.bench.emulator import EmulatorBench
from picoinfuse.bench.stub import StubBench
from picoinfuse.client.notifications import AlarmEvent, StateEvent
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")
STEP_NL = PROFILE.world()["step_nl"]
LATE_S = 0.2  # of a command's effect: 50 ms until delivery looks, 100 ms that it may be late, one more turn
TASKS = ("task_overrun",)  # says how long code takes, which the stub cannot know

pytestmark = pytest.mark.timeout(240)


@dataclass
class Phase:
    """What was seen in a stretch of the scenario."""

    name: str
    state: str
    rate_ul_h: int
    alarms: frozenset[str]
    steps: list[int]  # ns from the beginning of the phase
    counted: int
    pressure_pa: float


class Scenario:
    """Plays it on one bench; times are from the first command."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.phases: list[Phase] = []
        self.events: list[tuple[str, str]] = []

    def phase(self, name: str, seconds: float) -> None:
        bench = self.bench
        began_ns = round(bench.now() * 1e9)
        bench.sleep(seconds)
        ended_ns = began_ns + round(seconds * 1e9)
        status = bench.pump.status()
        self.phases.append(
            Phase(
                name,
                status.state,
                status.rate_ul_h,
                frozenset(status.alarms) - set(TASKS),
                [int(t) - began_ns for t in bench.trace.edges("step", start_ns=began_ns, end_ns=ended_ns)],
                status.steps_counted,
                bench.trace.value_at("pressure_pa", ended_ns),
            )
        )

    def play(self) -> Scenario:
        bench, pump = self.bench, self.bench.pump
        pump.start(5_000)
        self.phase("5 mL/h", 10)
        pump.set_rate(300_000)
        self.phase("300 mL/h", 4)
        pump.pause()
        self.phase("paused", 2)
        pump.resume()
        self.phase("resumed", 3)
        pump.set_rate(999_000)
        bench.occlude()
        self.phase("occluded", 5)
        bench.occlude(False)
        bench.sleep(3)
        pump.stop()
        bench.sleep(1)
        pump.clear_alarms()
        self.phase("relieved", 1)
        bench.sensor_fault("open")
        self.phase("sensor open", 2)
        for event in pump.events:
            if isinstance(event, StateEvent):
                self.events.append((event.event, event.state))
            elif isinstance(event, AlarmEvent) and event.name not in TASKS:
                self.events.append((event.name, "begins" if event.active else "ends"))
        return self


@pytest.fixture(scope="module")
def both(uf2_file: Path) -> tuple[Scenario, Scenario]:
    with StubBench(PROFILE) as stub:
        on_stub = Scenario(stub).play()
    with EmulatorBench(PROFILE, uf2_file=uf2_file) as emulator:
        on_emulator = Scenario(emulator).play()
    return on_stub, on_emulator


def pairs(both: tuple[Scenario, Scenario]) -> list[tuple[Phase, Phase]]:
    return list(zip(both[0].phases, both[1].phases, strict=True))


def test_states_rates_and_alarms_are_the_same(both: tuple[Scenario, Scenario]):
    for stub, emulator in pairs(both):
        assert (emulator.name, emulator.state, emulator.rate_ul_h, emulator.alarms) == (
            stub.name,
            stub.state,
            stub.rate_ul_h,
            stub.alarms,
        )


def test_events_come_in_the_same_order(both: tuple[Scenario, Scenario]):
    assert both[1].events == both[0].events


def test_as_many_steps_are_made(both: tuple[Scenario, Scenario]):
    for stub, emulator in pairs(both):
        # A command that takes effect LATE_S later makes so many steps of the fastest rate fewer or more.
        rate_hz = max(stub.rate_ul_h, 300_000) / 3.6 / STEP_NL
        assert abs(len(emulator.steps) - len(stub.steps)) <= 2 + LATE_S * rate_hz, stub.name


def test_the_steps_of_a_steady_rate_are_spaced_alike(both: tuple[Scenario, Scenario]):
    for stub, emulator in pairs(both):
        if stub.name not in ("5 mL/h", "300 mL/h"):
            continue
        half = len(stub.steps) // 2  # beyond the ramp
        seen = np.diff(emulator.steps[half:-2])
        expected = np.diff(stub.steps[half:-2])
        # The grid's ticks are 200 ns; both place each step on it
        assert abs(seen.mean() - expected.mean()) <= 1e-6 * expected.mean() + 200, stub.name
        assert np.ptp(seen) <= np.ptp(expected) + 1000, stub.name


def test_the_first_step_comes_as_soon(both: tuple[Scenario, Scenario]):
    for stub, emulator in pairs(both):
        if stub.steps and stub.name in ("5 mL/h", "resumed"):
            assert abs(emulator.steps[0] - stub.steps[0]) <= LATE_S * 1e9, stub.name


def test_pressure_is_alike(both: tuple[Scenario, Scenario]):
    for stub, emulator in pairs(both):
        # The line's compliance is 14.37 nL/Pa: LATE_S of 999 mL/h make 55,500 nL / 14.37 = 3.9 kPa
        assert abs(emulator.pressure_pa - stub.pressure_pa) <= 3900, stub.name
