"""What a run leaves behind: report, evidence, JUnit XML, history; with and without workers."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import jsonschema
import pytest

from picoinfuse.evidence import document
from tests.evidence import suite

pytest_plugins = "pytester"


class Ran(NamedTuple):
    """A finished run of the little suite."""

    output: str
    folder: Path


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["one process", "two workers"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run once for all tests that look at it."""
    place = tmp_path_factory.mktemp("little")
    (place / "conftest.py").write_text(suite.CONFTEST, "utf-8")
    (place / "test_little.py").write_text(suite.TESTS, "utf-8")
    options = ["--rootdir", ".", "-c", "/dev/null", "--evidence", "evidence", "-p", "no:cacheprovider", *request.param]
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)
    return Ran(done.stdout, place / "evidence")


def evidence(folder: Path) -> dict[str, Any]:
    return document.read(folder / "evidence.json")


def of(content: dict[str, Any], name: str) -> dict[str, Any]:
    (test,) = (test for test in content["tests"] if test["test"].endswith(f"::{name}"))
    return test


def test_evidence_is_as_its_schema_says(ran: Ran) -> None:
    schema = json.loads(document.SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((ran.folder / "evidence.json").read_text("utf-8")), schema)


def test_its_sums_are_those_that_sha256sum_makes(ran: Ran) -> None:
    sums = (ran.folder / "SHA256SUMS").read_text("utf-8")
    failed = of(evidence(ran.folder), "test_fails")
    named = {line.split("  ", 1)[1] for line in sums.splitlines()}
    assert named >= {"evidence.json", "report.html", "junit.xml", failed["vcd"]}
    for line in sums.splitlines():
        told, name = line.split("  ", 1)
        assert hashlib.sha256((ran.folder / name).read_bytes()).hexdigest() == told


@pytest.mark.parametrize("bit", [0, 999, 4000, -1])
def test_one_bit_that_is_not_as_the_run_left_it_is_refused(ran: Ran, tmp_path: Path, bit: int) -> None:
    data = bytearray((ran.folder / "evidence.json").read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    (tmp_path / "evidence.json").write_bytes(data)
    (tmp_path / "SHA256SUMS").write_bytes((ran.folder / "SHA256SUMS").read_bytes())
    with pytest.raises(document.BadEvidence):
        document.read(tmp_path / "evidence.json")


def test_every_test_is_there_with_its_outcome_and_what_it_measured(ran: Ran) -> None:
    content = evidence(ran.folder)
    outcomes = {test["test"].rpartition("::")[2]: (test["outcome"], test["measured"]) for test in content["tests"]}
    assert outcomes == {
        "test_measures": ("passed", True),
        "test_fails": ("failed", True),
        "test_measures_nothing": ("passed", False),
        "test_is_skipped": ("skipped", False),
        "test_without_a_requirement": ("passed", True),
        "test_with_a_picture": ("passed", True),
        "test_has_no_board": ("error", False),
    }
    # 1 + 2 + 1 + 1 values; the failed one is among them.
    assert (content["summary"]["measurements"], content["summary"]["not_measured"]) == (5, 1)


def test_a_failure_can_be_understood_without_running_it_again(ran: Ran) -> None:
    failed = of(evidence(ran.folder), "test_fails")
    assert failed["reason"] == "time to alarm again: 0.73 s, asked ≤ 0.6 (OCC-1)"
    assert [one["held"] for one in failed["measurements"]] == [True, False]
    assert 'measure("time to alarm again", 0.73' in failed["text"]  # the traceback
    assert len(failed["log"]) == 2
    assert "<svg" in failed["waveform"]
    assert (ran.folder / failed["vcd"]).is_file()
    page = (ran.folder / "report.html").read_text("utf-8")
    for told in ("time to alarm again: 0.73 s", "&#34;method&#34;:&#34;status&#34;", "The alarm comes in time."):
        assert told in page


def test_a_board_that_does_not_come_up_has_its_log_too(ran: Ran) -> None:
    broken = of(evidence(ran.folder), "test_has_no_board")
    assert "RuntimeError: the board did not come up" in broken["reason"]
    assert len(broken["log"]) == 2


def test_requirements_are_covered_by_what_was_measured(ran: Ran) -> None:
    rows = {row["id"]: row for row in evidence(ran.folder)["requirements"]}
    assert (rows["OCC-3"]["verdict"], rows["OCC-3"]["measurements"]) == ("shown", 1)
    assert (rows["OCC-1"]["verdict"], rows["OCC-1"]["failed"]) == ("failed", 1)
    assert rows["GIP-1.1"]["verdict"] == "no test"
    assert rows["NO-1"]["verdict"] == "unknown"


def test_what_measured_nothing_is_said_with_numbers(ran: Ran) -> None:
    assert "7 tests took 5 measurements: 4 passed, 2 failed, 1 skipped\n" in ran.output
    assert "1 of these passed without a measurement, evidence of nothing: test_little.py::test_mea" in ran.output
    assert "requirements: 1 shown, 1 failed" in ran.output


def test_the_page_needs_nothing_from_elsewhere(ran: Ran) -> None:
    page = (ran.folder / "report.html").read_text("utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert " src=" not in page


def test_junit_has_each_measurement_and_the_run(ran: Ran) -> None:
    root = ElementTree.parse(ran.folder / "junit.xml")
    told = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert told["measurement: time to alarm again"] == "0.73 s, asked ≤ 0.6, OCC-1"
    assert told["seed"] == "0"
    assert len(str(told["firmware_sha256"])) == 64


def test_repetitions_that_differ_are_shown_as_flaky(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(suite.CONFTEST)
    pytester.makepyfile(
        test_shaky="""
        def test_passes_by_turns(measure, repetition):
            measure("repetition", repetition % 2, equal=1)

        def test_steady(measure, repetition):
            measure("repetition", repetition, at_least=1)
        """
    )
    folder = pytester.path / "evidence"
    result = pytester.runpytest_subprocess("--evidence", str(folder), "--repeat", "3")
    result.assert_outcomes(passed=5, failed=1)  # nothing is run again in silence
    (shaky,) = evidence(folder)["flaky"]
    assert shaky["test"].endswith("::test_passes_by_turns")
    assert shaky["outcomes"] == ["passed", "failed", "passed"]
    result.stdout.fnmatch_lines(["flaky: *test_passes_by_turns: passed failed passed"])


def test_runs_before_are_remembered_and_a_move_is_pointed_out(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(suite.CONFTEST)
    folder = pytester.path / "evidence"
    result = None
    for value in (100.0, 101.0, 100.5, 103.0):  # spread 1, median 100.5: 103 is 2.5 away
        pytester.makepyfile(test_one=f"def test_one(measure):\n    measure('rate', {value}, unit='Hz', at_least=0)")
        result = pytester.runpytest_subprocess("--evidence", str(folder))
    assert result is not None
    (moved,) = evidence(folder)["moved"]
    assert (moved["value"], moved["median"], moved["spread"], moved["runs"]) == (103.0, 100.5, 1.0, 3)
    result.stdout.fnmatch_lines(["moved: rate in *test_one: 103 Hz*"])
    with sqlite3.connect(folder / "history.sqlite") as history:
        assert history.execute("SELECT count(*) FROM run").fetchone() == (4,)


def test_tests_of_other_suites_are_no_evidence(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["picoinfuse.pytest_plugin.evidence"]')
    pytester.makepyfile("def test_elsewhere():\n    pass")
    result = pytester.runpytest_subprocess("--evidence", str(pytester.path / "evidence"))
    result.assert_outcomes(passed=1)
    assert not (pytester.path / "evidence" / "evidence.json").exists()
