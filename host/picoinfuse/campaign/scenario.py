"""A history: what is done to a pump and its world, in order. It is data, so it can be drawn from a seed, cut shorter,
written down and played again.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picoinfuse.campaign.acts import ACTS
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.profile import Profile

SHORTEST_S = 0.02
LONGEST_S = 900.0
LONGEST_WAIT_S = 366 * 86400  # in a file that somebody wrote


class BadHistory(PicoinfuseError):
    """A file that should hold a history does not."""


@dataclass(frozen=True)
class Act:
    """`name` is one of ACTS; `args` are what it takes."""

    name: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *(str(arg) for arg in self.args)])


@dataclass(frozen=True)
class History:
    seed: int  # of the history, and of the board's noise
    profile: str
    acts: tuple[Act, ...]

    @property
    def seconds(self) -> float:
        """What passes in waits; acts take a little beside."""
        return sum(act.args[0] for act in self.acts if act.name == "wait")


def draw(seed: int, profile: Profile, hours: float) -> History:
    """A random history of that many hours. The same seed draws the same one on any machine."""
    rng = random.Random(seed)
    names, weights = list(ACTS), [kind.weight for kind in ACTS.values()]
    acts: list[Act] = []
    left_s = hours * 3600
    while left_s > 0:
        name = rng.choices(names, weights)[0]
        acts.append(Act(name, ACTS[name].draw(rng, profile)))
        # Log-uniform: as many waits between two looks of a task as between two meals.
        wait_s = round(math.exp(rng.uniform(math.log(SHORTEST_S), math.log(LONGEST_S))), 3)
        wait_s = min(wait_s, left_s)
        acts.append(Act("wait", (wait_s,)))
        left_s -= wait_s
    return History(seed, profile.name, tuple(acts))


def dump(history: History) -> str:
    """As JSON, one act a line."""
    acts = ",\n  ".join(json.dumps([act.name, *act.args]) for act in history.acts)
    return f'{{"seed": {history.seed}, "profile": {json.dumps(history.profile)}, "acts": [\n  {acts}\n]}}\n'


def load(path: Path) -> History:
    """Raises BadHistory, naming the act that is wrong."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadHistory(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadHistory(f"{path} holds no history: {error}") from error
    wanted = {"seed": int, "profile": str, "acts": list}
    if not isinstance(data, dict) or [type(data.get(name)) for name in wanted] != list(wanted.values()):
        raise BadHistory(f"{path} holds no history: it has not a seed, a profile and acts")
    return History(data["seed"], data["profile"], tuple(_act(path, *row) for row in enumerate(data["acts"])))


def _act(path: Path, index: int, row: Any) -> Act:
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        raise BadHistory(f"{path}: act {index} is {row!r}, not a list of its name and what it takes")
    act = Act(row[0], tuple(row[1:]))
    if act.name not in ACTS and act.name != "wait":
        raise BadHistory(f"{path}: act {index} is {act.name!r}; there are {', '.join(ACTS)} and wait")
    if not (_is_wait(act.args) if act.name == "wait" else ACTS[act.name].takes(act.args)):
        raise BadHistory(f"{path}: act {index}, {act.name}, does not take {list(act.args)}")
    return act


def _is_wait(args: tuple[Any, ...]) -> bool:
    """Seconds; up to a year, which is no infinity."""
    return len(args) == 1 and type(args[0]) in (int, float) and 0 <= args[0] <= LONGEST_WAIT_S
