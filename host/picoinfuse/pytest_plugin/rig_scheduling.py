"""Several rigs in one run: `--bench rig:A.toml,rig:B.toml`, or a folder of rig files, with `-n` of as many workers.

Each worker has a rig of its own and runs the tests that are its. A test goes to a rig that has what it needs, to the
one with the fewest tests so far when there are more; what none has, is skipped there with the reason. A pytest plugin.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.pytest_plugin.board_pool import needs
from picoinfuse.rig.file import load_rig
from picoinfuse.rig.rig_list import KIND, rigs_of, shares

_RIGS = pytest.StashKey[list[str]]()
_NUMBER = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A worker gets its rig; who starts them has every rig file checked, and sends each worker all tests."""
    try:
        rigs = rigs_of(str(config.getoption("--bench")))
        for rig in rigs:
            load_rig(Path(rig.removeprefix(KIND)))
    except PicoinfuseError as error:
        raise pytest.UsageError(str(error)) from error
    if len(rigs) < 2:
        return
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        number = int(workerinput["workerid"].removeprefix("gw"))
        config.stash[_RIGS] = rigs
        config.stash[_NUMBER] = number
        config.option.bench = rigs[number]
        return
    workers = int(config.getoption("numprocesses", None) or 0)
    if workers != len(rigs):
        text = f"{len(rigs)} rigs are named: a worker for each is -n {len(rigs)}, not {workers or 'none'}"
        raise pytest.UsageError(text)
    config.option.dist = "each"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every worker reckons the same shares, and keeps its own."""
    rigs = config.stash.get(_RIGS, None)
    if rigs is None:
        return
    capabilities = [load_rig(Path(rig.removeprefix(KIND))).capabilities for rig in rigs]
    placed = shares([needs(item) for item in items], capabilities)
    items[:] = [item for item, rig in zip(items, placed, strict=True) if rig == config.stash[_NUMBER]]
