"""A pytest plugin: the `measure` fixture, and what is made of it at the end of a run.

A suite whose tests are evidence has its conftest make `measure` an autouse fixture; other tests of the same run are
left alone. With `--evidence DIR` there are DIR/report.html, evidence.json, junit.xml, vcd/, SHA256SUMS and
history.sqlite.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from _pytest.junitxml import xml_key

from picoinfuse.evidence import document, facts, history, recording
from picoinfuse.evidence.collecting import Collected
from picoinfuse.evidence.measuring import Measure
from picoinfuse.evidence.page import render
from picoinfuse.evidence.sums import write_sums
from picoinfuse.profile import load_profile

_MEASURE = pytest.StashKey[Measure]()
_WATCHED = pytest.StashKey[Any]()  # a Bench; before it was entered perhaps without its pump

B = TypeVar("B")


class Watch(Protocol):
    """`watched(bench)`, before or after the bench was entered; returns what it was given."""

    def __call__(self, bench: B, /) -> B: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("picoinfuse evidence")
    group.addoption(
        "--evidence", metavar="DIR", default=None, help="write report.html, evidence.json and junit.xml here"
    )
    group.addoption("--repeat", type=int, default=1, metavar="N", help="run each test so often; all outcomes are shown")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*ids): what all measurements of a test are about")
    config.addinivalue_line("markers", "waveform: the report has this test's pins even when it passes")
    if hasattr(config, "workerinput"):
        return
    folder = config.getoption("--evidence")
    if folder and not config.option.xmlpath:
        config.option.xmlpath = str(Path(folder) / "junit.xml")
    config.pluginmanager.register(EvidenceOfRun(config), "picoinfuse-evidence")


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    repeat = int(metafunc.config.getoption("--repeat") or 1)
    if repeat > 1 and "measure" in metafunc.fixturenames:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(1, repeat + 1), ids=lambda number: f"#{number}", indirect=True)


@pytest.fixture
def repetition(request: pytest.FixtureRequest) -> int:
    """Which of `--repeat` this is."""
    return request.param


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    """Takes down a value with its limits, and asserts them."""
    marks = request.node.iter_markers("requirement")
    taken = Measure(dict.fromkeys(req for mark in marks for req in mark.args))
    request.node.stash[_MEASURE] = taken
    return taken


@pytest.fixture
def watched(request: pytest.FixtureRequest) -> Watch:
    """Makes the serial line and the pins of a bench what the report shows of this test."""

    def watch(bench: B, /) -> B:
        request.node.stash[_WATCHED] = bench
        return bench

    return watch


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: Any = yield
    if "measure" in getattr(item, "fixturenames", ()):
        report.evidence = _evidence(item, report)
        # JUnit's file takes a test's properties from the report of its teardown, which gets what the item has.
        item.user_properties += recording.properties(report.evidence.get("measurements", ()))
    if call.when == "teardown" and _WATCHED in item.stash:
        del item.stash[_WATCHED]  # items live as long as the run, and an emulated board is 25 MB
    return report


def _evidence(item: pytest.Item, report: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if report.when == "setup":
        function = getattr(item, "function", None)
        kept["doc"] = (getattr(function, "__doc__", None) or "").strip()
        kept["requirements"] = [req for mark in item.iter_markers("requirement") for req in mark.args]
    if report.when == "call":
        kept |= recording.measurements(item.stash.get(_MEASURE, None))
    bench = item.stash.get(_WATCHED, None)
    if bench is not None and (report.when == "call" or report.failed):
        pictured = report.failed or item.get_closest_marker("waveform") is not None
        folder = item.config.getoption("--evidence")
        vcd = Path(folder) / "vcd" / f"{recording.file_name(item.nodeid)}.vcd" if folder else None
        try:
            kept |= recording.of_bench(bench, report.failed, bool(folder) and pictured, vcd)
        except Exception as error:  # a bench that is broken must not hide what the test said
            kept["log"] = [f"... the bench could not be asked: {type(error).__name__}: {error}"]
    return kept


class EvidenceOfRun:
    """Of the process that runs or distributes the tests: collects, writes, sums up."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._collected = Collected()
        self._began_s = time.monotonic()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._rigs: list[dict[str, str]] = []
        self._document: dict[str, Any] | None = None

    def pytest_sessionstart(self) -> None:
        """The wiring as it is before the first test."""
        self._rigs = facts.rig_facts(str(self._config.getoption("--bench", "none")))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "evidence") or report.when not in ("setup", "call", "teardown"):  # a worker that crashed
            self._collected.take(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        tests = self._collected.all()
        if not tests:
            return
        folder = self._config.getoption("--evidence")
        run = self._run()
        file = Path(folder) / "history.sqlite" if folder else None
        before: dict[str, list[str]] = {}
        if file is not None and file.is_file():
            before = history.outcomes_before(file, run["bench"], run["profile"]["name"], run["firmware_sha256"])
        self._document = document.document(run, tests, before)
        if folder and file is not None:
            self._document["moved"] = [vars(one) for one in history.moved(file, self._document)]
            history.append(file, self._document)
            document.write(Path(folder) / "evidence.json", self._document)
            (Path(folder) / "report.html").write_text(render(self._document, Path(folder)), "utf-8")
            self._tell_junit(self._document)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._document is not None:
            terminalreporter.section("evidence")
            for line in sentences(self._document):
                terminalreporter.write_line(line)
            if folder := self._config.getoption("--evidence"):
                terminalreporter.write_line(f"report: {Path(folder) / 'report.html'}")

    def pytest_unconfigure(self) -> None:
        """After junit.xml was written, which pytest does at the very end."""
        folder = self._config.getoption("--evidence")
        if folder and self._document is not None:
            waveforms = sorted({test["vcd"] for test in self._document["tests"] if test["vcd"]})
            write_sums(Path(folder), ["evidence.json", "report.html", "junit.xml", *waveforms])

    def _run(self) -> dict[str, Any]:
        option = self._config.getoption
        return {
            "started": self._started,
            "seconds": round(time.monotonic() - self._began_s, 2),
            "bench": str(option("--bench", "none")),
            "profile": facts.profile_facts(load_profile(str(option("--profile", "syringe-50ml")))),
            "rigs": self._rigs,
            "seed": int(option("--seed", None) or 0),
            "workers": int(option("numprocesses", None) or 1),
            "clone": facts.clone_facts(),
            "firmware_sha256": facts.firmware_hash(),
            "host": facts.host_facts(),
            "command": ["pytest", *(str(argument) for argument in sys.argv[1:])],
        }

    def _tell_junit(self, content: dict[str, Any]) -> None:
        xml = self._config.stash.get(xml_key, None)
        if xml is None:
            return
        run = content["run"]
        xml.add_global_property("bench", run["bench"])
        xml.add_global_property("profile", run["profile"]["name"])
        xml.add_global_property("seed", run["seed"])
        for rig in run["rigs"]:
            xml.add_global_property(f"rig.{rig['file']}", rig["sha256"])
        xml.add_global_property("commit", run["clone"]["commit"])
        xml.add_global_property("dirty", run["clone"]["dirty"])
        xml.add_global_property("firmware_sha256", run["firmware_sha256"])
        for board in content["boards"]:
            for name, value in board.items():
                xml.add_global_property(f"board.{name}", value)


def sentences(content: dict[str, Any]) -> list[str]:
    """The run in a few lines, for the end of the terminal's output."""
    summary = content["summary"]
    lines = [
        f"{summary['tests']} tests took {summary['measurements']} measurements: {summary['passed']} passed, "
        f"{summary['failed'] + summary['error']} failed, {summary['skipped']} skipped"
    ]
    if summary["not_measured"]:
        names = [test["test"] for test in content["tests"] if test["outcome"] == "passed" and not test["measured"]]
        shown = ", ".join(name.rpartition("/")[2] for name in names[:3])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines.append(f"{len(names)} of these passed without a measurement, evidence of nothing: {shown}{more}")
    verdicts = [row["verdict"] for row in content["requirements"]]
    told = ", ".join(f"{verdicts.count(word)} {word}" for word in document.VERDICTS if word in verdicts)
    lines.append(f"requirements: {told}")
    for shaky in content["flaky"]:
        lines.append(f"flaky: {shaky['test']}: {' '.join([*shaky['before'], *shaky['outcomes']])}")
    for one in content["moved"][:10]:
        lines.append(
            f"moved: {one['name']} in {one['test']}: {one['value']:.7g} {one['unit']}, median of {one['runs']} runs "
            f"{one['median']:.7g}, spread {one['spread']:.3g}"
        )
    if len(content["moved"]) > 10:
        lines.append(f"moved: {len(content['moved']) - 10} more measurements")
    return lines
