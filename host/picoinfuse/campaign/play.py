"""Plays a scenario on a board in software, and checks the invariants after each act."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from picoinfuse.bench.base import Bench
from picoinfuse.bench.stub import StubBench
from picoinfuse.campaign.acts import ACTS, LASTING
from picoinfuse.campaign.invariants import APART, INVARIANTS, STARVED
from picoinfuse.campaign.recovery_check import check_recovery
from picoinfuse.campaign.scenario import Act, Scenario
from picoinfuse.campaign.window import Infusion, Window, ask
from picoinfuse.client.methods.status import Status
from picoinfuse.profile import load_profile
from picoinfuse.stub.board import StubFailed
from picoinfuse.trace.trace import WIRES

PROBE_RATE = 20  # multiple of the lowest rate, for the infusion that shows that the pump can be used again
TONE_NS = 5_000_000  # several periods of the tone; the pauses between the pulses of an alarm are longer
MUTE = frozenset({"lamp_red wire low", "piezo wire low"})
END = Act("end")  # the check after the last act


@dataclass(frozen=True)
class Broken:
    """A violated invariant."""

    invariant: str
    act: str
    index: int
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} after act {self.index} ({self.act}): {self.text}"


@dataclass(frozen=True)
class Outcome:
    """Result of a scenario. `broken`: the first violation, or None."""

    broken: Broken | None
    hours: float  # of bench time
    digest: str  # of every edge on every wire


def play(scenario: Scenario, world: Mapping[str, Any] | None = None) -> Outcome:
    """Plays a scenario up to its end or the first violation. `world`: as of StubBench, for tests of the campaign."""
    with StubBench(load_profile(scenario.profile), seed=scenario.seed, real_grid_ms=1000, world=world) as bench:
        player = _Player(bench)
        broken = None
        for index, act in enumerate((*scenario.acts, END)):
            try:
                broken = player.end(index) if act is END else player.step(act, index)
            except StubFailed as error:
                broken = Broken("the_board_runs", str(act), index, str(error).splitlines()[-1])  # of a traceback
            if broken is not None:
                break
        return Outcome(broken, bench.board.now_ns / 3.6e12, _digest(bench))  # the board may have ended


class _Player:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        bench.pump.timeout_s = 0.5  # wall time; the board answers within a grant of time or not at all
        mechanics = bench.profile.compiled()["mechanics"]
        step_pl = mechanics["step_pl"][0] / mechanics["step_pl"][1]
        self._step_nl = step_pl / 1000
        self._max_hz = mechanics["max_rate_ul_h"] * 1e6 / 3600 / step_pl
        self._probe_ul_h = mechanics["min_rate_ul_h"] * PROBE_RATE
        self._faults: set[str] = set()
        self._starved = False  # the heap is exhausted until the next boot
        self._infusion: Infusion | None = None
        self._at_ns = self._now_ns()
        self._status = ask(bench)

    def step(self, act: Act, index: int) -> Broken | None:
        """Performs the act; returns the first invariant violated after it."""
        during = frozenset(self._faults)
        boot = self._bench.pump.boot
        began = self._begin(act)
        self._do(act)
        after = ask(self._bench) or self._after_giving_up()
        booted = self._bench.pump.boot != boot
        self._starved = (self._starved or act.args == (STARVED,)) and not booted
        disturbed = act.name == "disturb" or booted
        if disturbed:
            self._infusion = None  # a reset ends it, and other faults may
        elif after is not None and "self_test" in (act.name, after.state):
            self._infusion = None  # the self-test makes its own steps
        elif began is not None and after is not None and after.state == "infusing":
            self._infusion = began
        during |= self._faults | ({str(act.args[0])} if act.name == "disturb" else set())
        during |= {STARVED} if self._starved else set()
        if self._infusion is not None and during & APART:
            self._infusion.volume_unknown = True
        return self._check(str(act), index, after, during, disturbed, booted)

    def _after_giving_up(self) -> Status | None:
        """After three crashes in a row the firmware stays stopped until the next power cycle, with a steady lamp and a
        steady tone. Then cycles the power, and queries the pump. Neither signal is visible when both wires are broken.
        """
        now_ns = self._now_ns()
        lit = self._bench.trace.level_at("lamp_red", now_ns)
        sounds = len(self._bench.trace.edges("piezo", True, now_ns - TONE_NS)) > 1
        if not (lit or sounds or self._faults >= MUTE):
            return None
        self._bench.power_cycle()
        return ask(self._bench)

    def end(self, index: int) -> Broken | None:
        """Ends all faults and checks that the pump can infuse again: nothing may stay latched."""
        for name in sorted(self._faults):
            LASTING[name].end(self._bench)
        self._faults.clear()
        self._bench.patient(0.0)
        self._bench.sleep(40.0)  # a retraction is over in 30 s
        if (trouble := check_recovery(self._bench, self._probe_ul_h)) is None:
            return None
        return Broken("it_can_be_used_again", str(END), index, trouble)

    def _begin(self, act: Act) -> Infusion | None:
        """The infusion that the act would begin, if it is a `start` of an idle pump."""
        if act.name != "start" or self._status is None or self._status.state != "idle":
            return None
        vtbi_nl = act.args[1] if len(act.args) > 1 else None
        now_ns = self._now_ns()
        world_nl = self._bench.trace.value_at("delivered_nl", now_ns)
        return Infusion(vtbi_nl, now_ns, world_nl, self._bench.trace.count("step"))

    def _do(self, act: Act) -> None:
        if act.name == "wait":
            self._bench.sleep(act.args[0])
            return
        if act.name == "break":
            self._faults.add(act.args[0])
        ACTS[act.name].do(self._bench, *act.args)
        if act.name == "mend":
            self._faults.discard(act.args[0])

    def _check(
        self, act: str, index: int, after: Status | None, faults: frozenset[str], disturbed: bool, booted: bool
    ) -> Broken | None:
        events = list(self._bench.pump.events)
        window = Window(
            self._at_ns,
            self._now_ns(),
            self._status,
            after,
            events,
            self._infusion,
            faults,
            disturbed,
            booted,
            self._step_nl,
            self._max_hz,
            self._bench,
        )
        self._bench.pump.events.clear()
        self._at_ns, self._status = window.to_ns, after
        for invariant in INVARIANTS:
            if (text := invariant(window)) is not None:
                return Broken(invariant.__name__, act, index, text)
        return None

    def _now_ns(self) -> int:
        return round(self._bench.now() * 1e9)


def _digest(bench: Bench) -> str:
    """A digest of all edges; equal for equal runs on any machine."""
    digest = hashlib.sha256()
    for wire in WIRES:
        for part in bench.trace.transitions(wire):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]
