"""A pytest plugin: each test has a copy of an emulated board that was switched on once.

To boot from files and to test itself takes the board 5 s, and the CPU here as long as most tests do. All boards of one
profile and seed are the same after that, to the last bit. So one is switched on in the process that runs the tests, and
each test runs in a fork of that process, which has a copy of everything. Its reports come back as those of a worker of
xdist do. Where there is no fork, or with --pdb, each test switches its own board on.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import warnings
from contextlib import suppress
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from picoinfuse.bench.emulator import CAPABILITIES_OF_EMULATOR, EmulatorBench
from picoinfuse.emulator.errors import EmulatorError
from picoinfuse.pytest_plugin.board_pool import needs, profile_name, switch_all_off, switch_on


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not _may_copy(item.config):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    if _has_board(item):
        for report in _reports(item):
            item.ihook.pytest_runtest_logreport(report=report)
    else:
        # Whole, with all that it set up for its module: a fork that found some of that could not tear it down.
        runtestprotocol(item, nextitem=None)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_unconfigure(config: pytest.Config) -> None:
    switch_all_off(config)


def _may_copy(config: pytest.Config) -> bool:
    option = config.getoption
    return option("--bench") == EmulatorBench.name and not option("usepdb") and hasattr(os, "fork")


def _has_board(item: pytest.Item) -> bool:
    """A board for this test is switched on; none for one that is skipped, or has another bench."""
    if "bench" not in getattr(item, "fixturenames", ()) or not needs(item) <= CAPABILITIES_OF_EMULATOR:
        return False
    try:
        switch_on(item.config, profile_name(item))
    except EmulatorError:
        return False  # the test's own fixture says what is wrong
    return True


def _reports(item: pytest.Item) -> list[Any]:
    """Runs the test in a fork. A fork that ends without a word, or not in time, is a failure."""
    reader, writer = os.pipe()
    gc.freeze()  # else the fork's first collection copies all pages of the board, to find nothing there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # xdist's threads do nothing that the fork needs
        child = os.fork()
    if not child:
        _run(item, reader, writer)
    gc.unfreeze()
    os.close(writer)
    said = b""
    try:
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        why = "the process of this test ended without a report"
    except pytest.fail.Exception as error:  # of pytest-timeout
        why = str(error)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # it has said all, or is out of time
        os.waitpid(child, 0)
    if not said:
        return [pytest.TestReport(item.nodeid, item.location, {}, "failed", why, "call")]
    restore = item.config.hook.pytest_report_from_serializable
    return [restore(config=item.config, data=data) for data in pickle.loads(said)]


def _run(item: pytest.Item, reader: int, writer: int) -> None:
    """In the fork; never returns."""
    try:
        os.close(reader)
        hook = item.config.hook.pytest_report_to_serializable
        reports = runtestprotocol(item, log=False, nextitem=None)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(pickle.dumps([hook(config=item.config, report=report) for report in reports]))
    finally:
        os._exit(0)  # nothing of what the other process will do at its end
