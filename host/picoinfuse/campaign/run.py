"""Many histories on all cores; one that breaks an invariant is made short and written down, to be played again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from picoinfuse.campaign.play import Broken, Outcome, play
from picoinfuse.campaign.scenario import History, draw, dump
from picoinfuse.campaign.shrink import shrink
from picoinfuse.profile import load_profile

_TEST = '''"""Seed {seed} of a campaign, made short: {broken}"""

from pathlib import Path

from picoinfuse.campaign.scenario import load
from picoinfuse.campaign.play import play


def test_seed_{seed}() -> None:
    assert play(load(Path(__file__).with_suffix(".json"))).broken is None
'''


@dataclass(frozen=True)
class Played:
    seed: int
    acts: int
    outcome: Outcome
    written: Path | None  # the short history, when an invariant broke


@dataclass(frozen=True)
class Rate:
    hours: float
    wall_s: float

    @property
    def hours_a_minute(self) -> float:
        return self.hours / self.wall_s * 60


def campaign(
    seeds: range, hours: float, profile: str, folder: Path, jobs: int | None = None
) -> Iterator[tuple[Played, Rate]]:
    """Yields each history as it is done, and how fast all of them went so far."""
    began_s = time.monotonic()
    done_hours = 0.0
    with ProcessPoolExecutor(jobs or os.cpu_count()) as pool:
        waiting = [pool.submit(play_seed, seed, hours, profile, folder) for seed in seeds]
        try:
            for future in as_completed(waiting):
                played = future.result()
                done_hours += played.outcome.hours
                yield played, Rate(done_hours, time.monotonic() - began_s)
        finally:  # Ctrl-C: those that have not begun are not waited for
            pool.shutdown(wait=False, cancel_futures=True)


def play_seed(seed: int, hours: float, profile: str, folder: Path) -> Played:
    history = draw(seed, load_profile(profile), hours)
    outcome = play(history)
    written = None
    if outcome.broken is not None:
        written = write_short(history, outcome.broken, folder)
    return Played(seed, len(history.acts), outcome, written)


def write_short(history: History, broken: Broken, folder: Path) -> Path:
    """The history up to where it broke, made short, as a file to play and a test beside it."""

    def fails(shorter: History) -> bool:
        again = play(shorter).broken
        return again is not None and again.invariant == broken.invariant

    short = shrink(replace(history, acts=history.acts[: broken.index + 1]), fails)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"test_seed_{history.seed}.json"
    file.write_text(dump(short), encoding="utf-8")
    file.with_suffix(".py").write_text(_TEST.format(seed=history.seed, broken=broken), encoding="utf-8")
    return file
