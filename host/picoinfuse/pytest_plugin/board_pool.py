"""The emulated boards of a run, each switched on once: `copies` gives every test a copy of one."""

from __future__ import annotations

import pytest

from picoinfuse.bench.emulator import EmulatorBench
from picoinfuse.profile import load_profile

_BOARDS = pytest.StashKey[dict[tuple[str, int], EmulatorBench]]()


def copied(config: pytest.Config, name: str) -> EmulatorBench | None:
    """The board of this fork, to be entered; None where there is none: then one is to be switched on."""
    board = config.stash.get(_BOARDS, {}).get((name, _seed(config)))
    return None if board is None else board.copied()


def profile_name(item: pytest.Item) -> str:
    """Of `@pytest.mark.profile(NAME)`, for tests that are about other mechanics, else the one that was asked for."""
    mark = item.get_closest_marker("profile")
    return mark.args[0] if mark else str(item.config.getoption("--profile"))


def needs(item: pytest.Item) -> frozenset[str]:
    """The capabilities that a test asks its bench for: of `@pytest.mark.needs(NAME, …)`."""
    return frozenset(name for mark in item.iter_markers("needs") for name in mark.args)


def switch_on(config: pytest.Config, name: str) -> None:
    """The board of that profile, unless it is on already. Raises EmulatorError."""
    boards = config.stash.setdefault(_BOARDS, {})
    if (name, _seed(config)) not in boards:
        board = EmulatorBench(load_profile(name), seed=_seed(config))
        board.switch_on()
        boards[name, _seed(config)] = board


def switch_all_off(config: pytest.Config) -> None:
    for board in config.stash.get(_BOARDS, {}).values():
        board.switch_off()


def _seed(config: pytest.Config) -> int:
    return int(str(config.getoption("--seed")))
