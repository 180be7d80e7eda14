"""A pytest plugin: a board that is lost fails its test, and three tests in a row that lose theirs end the run.

The next test's bench begins anew and tries to have the board back. More workers than there are boards are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from picoinfuse.bench.kinds import bench_kind
from picoinfuse.bench.serial import LOST, BoardLost
from picoinfuse.common.errors import PicoinfuseError

MOST_IN_A_ROW = 3

_LOST = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    workers = int(config.getoption("numprocesses", None) or 0)
    try:
        kind = bench_kind(str(config.getoption("--bench")))
    except PicoinfuseError as error:  # a rig file with a mistake is refused before the first test
        raise pytest.UsageError(str(error)) from error
    if kind.boards is not None and workers > kind.boards:
        raise pytest.UsageError(f"bench {kind.name} has {kind.boards} board for {workers} workers; leave out -n")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    stash = item.session.stash
    if call.excinfo is not None and isinstance(call.excinfo.value, (*LOST, BoardLost)):
        stash[_LOST] = stash.get(_LOST, 0) + 1
        if stash[_LOST] >= MOST_IN_A_ROW:
            item.session.shouldstop = f"{MOST_IN_A_ROW} tests in a row lost the board: {call.excinfo.value}"
    elif call.when == "call" and call.excinfo is None:
        stash[_LOST] = 0
    return report
