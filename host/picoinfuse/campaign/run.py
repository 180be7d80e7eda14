"""Runs many scenarios on all cores. One that violates an invariant is shortened and stored, to be replayed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from picoinfuse.campaign.play import Broken, Outcome, play
from picoinfuse.campaign.scenario import Scenario, draw, dump
from picoinfuse.campaign.shrink import shrink
from picoinfuse.profile import load_profile

_TEST = '''"""Seed {seed} of a campaign, shortened: {broken}"""

from pathlib import Path

from picoinfuse.campaign.scenario import load
from picoinfuse.campaign.play import play


def test_seed_{seed}() -> None:
    assert play(load(Path(__file__).with_suffix(".json"))).broken is None
'''


@dataclass(frozen=True)
class Played:
    """A finished run of one scenario."""

    seed: int
    acts: int
    outcome: Outcome
    written: Path | None  # the shortened scenario, when an invariant was violated


@dataclass(frozen=True)
class Rate:
    """Pump-hours run so far, and the wall time that they took."""

    hours: float
    wall_s: float

    @property
    def hours_a_minute(self) -> float:
        """Pump-hours per minute of wall time."""
        return self.hours / self.wall_s * 60


def campaign(
    seeds: range, hours: float, profile: str, folder: Path, jobs: int | None = None
) -> Iterator[tuple[Played, Rate]]:
    """Runs the scenarios of `seeds`, each of `hours`, in `jobs` processes (by default one a core). Yields each when it
    is done, with the rate so far. Shortened scenarios are written to `folder`.
    """
    began_s = time.monotonic()
    done_hours = 0.0
    with ProcessPoolExecutor(jobs or os.cpu_count()) as pool:
        waiting = [pool.submit(play_seed, seed, hours, profile, folder) for seed in seeds]
        try:
            for future in as_completed(waiting):
                played = future.result()
                done_hours += played.outcome.hours
                yield played, Rate(done_hours, time.monotonic() - began_s)
        finally:  # after Ctrl-C: does not wait for scenarios that have not begun
            pool.shutdown(wait=False, cancel_futures=True)


def play_seed(seed: int, hours: float, profile: str, folder: Path) -> Played:
    """Draws and plays the scenario of one seed; shortens and stores it if it violates an invariant."""
    scenario = draw(seed, load_profile(profile), hours)
    outcome = play(scenario)
    written = None
    if outcome.broken is not None:
        written = write_short(scenario, outcome.broken, folder)
    return Played(seed, len(scenario.acts), outcome, written)


def write_short(scenario: Scenario, broken: Broken, folder: Path) -> Path:
    """Shortens the scenario up to the violation; writes it as a JSON file with a test next to it. Returns the file."""

    def fails(shorter: Scenario) -> bool:
        again = play(shorter).broken
        return again is not None and again.invariant == broken.invariant

    short = shrink(replace(scenario, acts=scenario.acts[: broken.index + 1]), fails)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"test_seed_{scenario.seed}.json"
    file.write_text(dump(short), encoding="utf-8")
    file.with_suffix(".py").write_text(_TEST.format(seed=scenario.seed, broken=broken), encoding="utf-8")
    return file
