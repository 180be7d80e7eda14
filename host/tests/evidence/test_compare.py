"""Two runs side by side, and one measurement from run to run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from picoinfuse.cli import main
from picoinfuse.evidence import history
from picoinfuse.evidence.compare import compare
from picoinfuse.evidence.document import BadEvidence, document, read, write
from picoinfuse.evidence.measuring import Measure

RUN = {
    "started": "2026-01-01T00:00:00+00:00",
    "seconds": 1.0,
    "bench": "stub",
    "profile": {"name": "syringe-50ml", "wiring": {}},
    "rigs": [],
    "seed": 1,
    "workers": 1,
    "clone": {"commit": "0123456789", "dirty": False},
    "firmware_sha256": 64 * "0",
    "host": {},
    "command": [],
}


def ran(**tests: dict[str, float]) -> dict[str, Any]:
    """A run whose tests measured these values."""
    found = []
    for name, values in tests.items():
        measure = Measure()
        for what, value in values.items():
            measure(what, value, unit="s", at_least=0)
        found.append(
            {
                "test": f"hil_tests/test_a.py::{name}",
                "repetition": 1,
                "outcome": "passed",
                "reason": "",
                "measured": bool(values),
                "measurements": [vars(one) for one in measure.taken],
                "left_out": 0,
                "requirements": [],
                "board": None,
            }
        )
    return document(RUN, found, {})


def test_what_changed_is_listed_with_the_greatest_change_first() -> None:
    first = ran(test_x={"a": 1.0, "b": 10.0, "c": 3.0}, test_gone={})
    second = ran(test_x={"a": 1.5, "b": 10.1, "c": 3.0}, test_new={})
    second["tests"][0]["outcome"] = "failed"
    told = [(one.what, one.test.partition("::")[2], one.name, one.first, one.second) for one in compare(first, second)]
    assert told == [
        ("outcome", "test_x", "", "passed", "failed"),
        ("only in one", "test_gone", "", "passed", None),
        ("only in one", "test_new", "", None, "passed"),
        ("measurement", "test_x", "a", 1.0, 1.5),  # 50 %
        ("measurement", "test_x", "b", 10.0, 10.1),  # 1 %
    ]


def test_what_one_bench_skipped_comes_last_with_its_reason_and_is_no_test_that_is_missing() -> None:
    first = ran(test_x={"a": 1.0}, test_y={"b": 1.0}, test_only_here={})
    second = ran(test_x={"a": 2.0}, test_y={}, test_z={})
    second["tests"][1] |= {"outcome": "skipped", "reason": "bench emulator has no slow"}
    second["tests"][2]["outcome"] = "skipped"  # and the first did not select it: neither ran it
    told = [(one.what, one.test.partition("::")[2], one.reason, one.second) for one in compare(first, second)]
    assert told == [
        ("only in one", "test_only_here", "", None),
        ("measurement", "test_x", "", 2.0),
        ("skipped in one", "test_y", "bench emulator has no slow", "skipped"),
    ]


def test_equal_runs_have_no_difference() -> None:
    assert compare(ran(test_x={"a": 1.0}), ran(test_x={"a": 1.0})) == []


def test_the_command_compares_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("a", 2.0), ("b", 3.0)):
        write(tmp_path / f"{name}.json", ran(test_x={"time to alarm": value}))
    with pytest.raises(SystemExit) as ended:
        main(["report", "compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--json"])
    assert ended.value.code == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["name"], told["first"], told["second"], told["percent"]) == ("time to alarm", 2.0, 3.0, 50.0)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": "other"}',
        '{"format": "picoinfuse evidence", "version": 9}',
        '{"format": "picoinfuse evidence", "version": 1}',
    ],
)
def test_a_file_that_is_no_evidence_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(BadEvidence):
        read(tmp_path / "a.json")


def test_the_error_for_a_folder_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(BadEvidence, match=r"is a folder; the evidence of a run is its file evidence\.json"):
        read(tmp_path)


def test_evidence_cut_short_or_with_a_flipped_bit_is_refused_or_compared(tmp_path: Path) -> None:
    """A flipped bit within a text or a number cannot be detected; any other damage is named, without a traceback."""
    whole = ran(test_x={"a": 1.0})
    file = tmp_path / "a.json"
    write(file, whole)
    data = file.read_bytes()
    refused = 0
    places = range(0, len(data), 1 + len(data) // 300)
    for at in places:
        for content in (data[:at], data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]):
            file.write_bytes(content)
            try:
                compare(whole, read(file))
            except BadEvidence:
                refused += 1
    assert refused > len(places)  # each that is cut, and many more


def test_a_trend_is_drawn_and_its_move_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = tmp_path / "history.sqlite", tmp_path / "trend.svg"
    for value in (0.30, 0.32, 0.31, 0.40):  # spread 0.02, median 0.31: 0.40 is 0.09 away
        history.append(file, ran(test_x={"time to alarm": value}))
    with pytest.raises(SystemExit) as ended:
        main(["report", "trend", "time to alarm", "--history", str(file), "--picture", str(picture)])
    assert ended.value.code == 0
    assert "moved in hil_tests/test_a.py::test_x: 0.4 s, median of 3 runs before 0.31" in capsys.readouterr().out
    assert "<svg" in picture.read_text("utf-8")


def test_a_measurement_that_never_was_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    history.append(file, ran(test_x={"time to alarm": 0.3}))
    with pytest.raises(history.BadHistory, match="it has time to alarm"):
        history.points(file, "time to alram")
