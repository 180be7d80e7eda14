"""Puts the reports of a run together, test by test: the three phases of each, whichever worker they came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EMPTY: dict[str, Any] = {
    "measurements": [],
    "left_out": 0,
    "requirements": [],
    "doc": "",
    "log": [],
    "board": None,
    "bench_s": None,
    "waveform": None,
    "course": None,
    "vcd": None,
}


def split_repetition(nodeid: str) -> tuple[str, int]:
    """`test_a[500-#2]` is the second run of `test_a[500]`; a test that was not repeated is its first."""
    inside = nodeid[:-1] if nodeid.endswith("]") else nodeid
    test, found, number = inside.rpartition("#")
    if not found or not number.isdigit():
        return nodeid, 1
    return (test[:-1] + "]" if test.endswith("-") else test.removesuffix("[")), int(number)


class Collected:
    """The tests of a run, in the order in which they began to report."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}

    def take(self, report: Any) -> None:
        """A pytest.TestReport, with `evidence` from `plugin.pytest_runtest_makereport` or without."""
        test = self.tests.get(report.nodeid) or self._begin(report)
        test["seconds"][report.when] = round(report.duration, 4)
        self._outcome(test, report)
        for name, value in getattr(report, "evidence", {}).items():
            if value:  # a later phase adds to an earlier one, and takes nothing away
                test[name] = value

    def all(self) -> list[dict[str, Any]]:
        """Every test, finished: with `measured`, whether it counts as evidence."""
        for test in self.tests.values():
            test["measured"] = bool(test["measurements"])
        return sorted(self.tests.values(), key=lambda test: (test["test"], test["repetition"]))

    def _begin(self, report: Any) -> dict[str, Any]:
        name, repetition = split_repetition(report.nodeid)
        test = {
            "test": name,
            "repetition": repetition,
            "outcome": "passed",
            "reason": "",
            "text": "",
            "seconds": {},
            "worker": getattr(report, "worker_id", "") or "",
            **{key: list(value) if isinstance(value, list) else value for key, value in _EMPTY.items()},
        }
        self.tests[report.nodeid] = test
        return test

    @staticmethod
    def _outcome(test: dict[str, Any], report: Any) -> None:
        if report.failed:
            if test["outcome"] not in ("failed", "error"):
                test["outcome"] = "failed" if report.when == "call" else "error"
            test["reason"] = test["reason"] or _crash(report)
            test["text"] = "\n\n".join(filter(None, (test["text"], _told(report))))
        elif report.skipped and test["outcome"] == "passed":
            test["outcome"] = "skipped"
            test["reason"] = _why_skipped(report)


def _crash(report: Any) -> str:
    """The first line of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr or "")
    return text.strip().split("\n")[0].removeprefix("AssertionError: ")[:500]


def _told(report: Any) -> str:
    captured = (f"---- {name} ----\n{text}" for name, text in report.sections if text.strip())
    return "\n\n".join((str(report.longrepr), *captured))


def _why_skipped(report: Any) -> str:
    why = report.longrepr
    text = why[2] if isinstance(why, tuple) else str(why)
    return text.removeprefix("Skipped: ")


def counts(tests: list[dict[str, Any]]) -> Mapping[str, int]:
    """How many of each kind; `not_measured`: passed, and evidence of nothing."""
    by_outcome = {
        name: sum(test["outcome"] == name for test in tests) for name in ("passed", "failed", "error", "skipped")
    }
    return {
        "tests": len(tests),
        **by_outcome,
        "not_measured": sum(test["outcome"] == "passed" and not test["measured"] for test in tests),
        "measurements": sum(len(test["measurements"]) + test["left_out"] for test in tests),
    }
