"""A scenario: a sequence of acts on a pump and its surroundings. It is data, so it can be drawn from a seed, shortened,
stored and replayed.
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
LONGEST_WAIT_S = 366 * 86400  # in a file


class BadScenario(PicoinfuseError):
    """A file does not contain a valid scenario."""


@dataclass(frozen=True)
class Act:
    """One act. `name`: a key of ACTS, or "wait". `args`: its arguments; of wait the duration in s."""

    name: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *(str(arg) for arg in self.args)])


@dataclass(frozen=True)
class Scenario:
    """A sequence of acts for a board with the given profile."""

    seed: int  # of the scenario, and of the board's noise
    profile: str
    acts: tuple[Act, ...]

    @property
    def seconds(self) -> float:
        """Total of the waits, in s. Other acts take a little time too."""
        return sum(act.args[0] for act in self.acts if act.name == "wait")


def draw(seed: int, profile: Profile, hours: float) -> Scenario:
    """Draws a random scenario of `hours` of bench time. The same seed gives the same one on any machine."""
    rng = random.Random(seed)
    names, weights = list(ACTS), [kind.weight for kind in ACTS.values()]
    acts: list[Act] = []
    left_s = hours * 3600
    while left_s > 0:
        name = rng.choices(names, weights)[0]
        acts.append(Act(name, ACTS[name].draw(rng, profile)))
        # Log-uniform: waits of milliseconds are as frequent as waits of minutes.
        wait_s = round(math.exp(rng.uniform(math.log(SHORTEST_S), math.log(LONGEST_S))), 3)
        wait_s = min(wait_s, left_s)
        acts.append(Act("wait", (wait_s,)))
        left_s -= wait_s
    return Scenario(seed, profile.name, tuple(acts))


def dump(scenario: Scenario) -> str:
    """The scenario as JSON, one act a line."""
    acts = ",\n  ".join(json.dumps([act.name, *act.args]) for act in scenario.acts)
    return f'{{"seed": {scenario.seed}, "profile": {json.dumps(scenario.profile)}, "acts": [\n  {acts}\n]}}\n'


def load(path: Path) -> Scenario:
    """Reads a scenario from a file. Raises BadScenario, which names the invalid act."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadScenario(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadScenario(f"{path} is not a scenario: {error}") from error
    wanted = {"seed": int, "profile": str, "acts": list}
    if not isinstance(data, dict) or [type(data.get(name)) for name in wanted] != list(wanted.values()):
        raise BadScenario(f"{path} is not a scenario: it needs the keys seed, profile and acts")
    return Scenario(data["seed"], data["profile"], tuple(_act(path, *row) for row in enumerate(data["acts"])))


def _act(path: Path, index: int, row: Any) -> Act:
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        raise BadScenario(f"{path}: act {index} is {row!r}, not a list of its name and arguments")
    act = Act(row[0], tuple(row[1:]))
    if act.name not in ACTS and act.name != "wait":
        raise BadScenario(f"{path}: act {index} is {act.name!r}; use {', '.join(ACTS)} or wait")
    if not (_is_wait(act.args) if act.name == "wait" else ACTS[act.name].takes(act.args)):
        raise BadScenario(f"{path}: act {index}, {act.name}, does not accept the arguments {list(act.args)}")
    return act


def _is_wait(args: tuple[Any, ...]) -> bool:
    """One finite number of seconds, at most a year."""
    return len(args) == 1 and type(args[0]) in (int, float) and 0 <= args[0] <= LONGEST_WAIT_S
