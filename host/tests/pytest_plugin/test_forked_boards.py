"""A test in a fork: what it said comes back, and a fork that says nothing is a failure."""

from __future__ import annotations

import os
import signal
import types
from typing import Any

import pytest

from picoinfuse.pytest_plugin import forked_boards

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def item(pytestconfig: pytest.Config) -> Any:
    return types.SimpleNamespace(nodeid="test_x.py::test_x", location=("test_x.py", 1, "test_x"), config=pytestconfig)


def test_reports_come_back_with_what_is_added_to_them(item: Any, monkeypatch: pytest.MonkeyPatch):
    def run(item: Any, **_: Any) -> list[pytest.TestReport]:
        reports = [
            pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "call"),
            pytest.TestReport(item.nodeid, item.location, {}, "failed", "why", "call"),
        ]
        vars(reports[0])["evidence"] = {"measurements": [1]}
        return reports

    monkeypatch.setattr(forked_boards, "runtestprotocol", run)
    first, second = forked_boards._reports(item)
    assert (first.outcome, first.evidence) == ("passed", {"measurements": [1]})
    assert (second.outcome, second.longreprtext) == ("failed", "why")


def test_a_fork_that_dies_is_a_failed_test(item: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(forked_boards, "runtestprotocol", lambda item, **_: os.kill(os.getpid(), signal.SIGKILL))
    (report,) = forked_boards._reports(item)
    assert report.outcome == "failed"
    assert "without a report" in report.longreprtext
