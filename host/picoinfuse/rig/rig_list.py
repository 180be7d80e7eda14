"""Several rigs by one name, `rig:A.toml,rig:B.toml` or a folder of rig files, and which test goes to which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from picoinfuse.common.errors import PicoinfuseError

KIND = "rig:"


class NoRigs(PicoinfuseError):
    """A folder without a rig file, or a rig that is named twice."""


def rigs_of(bench: str) -> list[str]:
    """The rigs that `--bench` names, each as a name of a bench of its own; none when it names no rig."""
    if not bench.startswith(KIND):
        return []
    names: list[str] = []
    for part in bench.split(","):
        where = Path(part.removeprefix(KIND))
        files = sorted(where.glob("*.toml")) if where.is_dir() else [where]
        if not files:
            raise NoRigs(f"there is no rig file in {where}")
        names += [f"{KIND}{file}" for file in files]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise NoRigs(f"{min(twice)} is named twice, and it has one board")
    return names


def shares(needs: Sequence[frozenset[str]], capabilities: Sequence[frozenset[str]]) -> list[int]:
    """For each test the number of its rig. Those that few can do are placed first."""
    able = [[rig for rig, has in enumerate(capabilities) if wanted <= has] for wanted in needs]
    everyone = list(range(len(capabilities)))
    load = [0] * len(capabilities)
    placed = [0] * len(needs)
    for test in sorted(range(len(needs)), key=lambda test: len(able[test]) or len(everyone)):
        rig = min(able[test] or everyone, key=lambda rig: load[rig])
        load[rig] += 1
        placed[test] = rig
    return placed
