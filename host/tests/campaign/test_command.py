"""`picoinfuse campaign` reports each scenario as it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from picoinfuse.campaign.play import Broken, Outcome
from picoinfuse.campaign.run import Played, Rate
from picoinfuse.cli import campaign, main

HOLDS = Played(1, 20, Outcome(None, 2.0, "0123456789abcdef"), None)
BREAKS = Played(2, 30, Outcome(Broken("no_motion", "pause", 7, "it moves"), 1.0, "fedcba9876543210"), Path("b.json"))
WORDS = "no_motion after act 7 (pause): it moves; written to b.json"


def played(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[list[str], Any]:
    """What the command has printed whenever it asks for another scenario, and at its end; its exit status."""
    printed: list[str] = []

    def scenarios(*_: Any) -> Iterator[tuple[Played, Rate]]:
        for hours, one in ((2.0, HOLDS), (3.0, BREAKS)):
            printed.append(capsys.readouterr().out)
            yield one, Rate(hours, 60.0)
        printed.append(capsys.readouterr().out)

    monkeypatch.setattr(campaign, "run_campaign", scenarios)
    with pytest.raises(SystemExit) as ended:
        main(["campaign", "--seeds", "2", *options])
    return [*printed, capsys.readouterr().out], ended.value.code


def test_a_line_is_printed_as_each_history_ends(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (head, first, second, end), status = played(monkeypatch, capsys)
    assert head.split() == ["seed", "acts", "hours", "digest", "result"]
    assert first.split() == ["1", "20", "2.0", "0123456789abcdef", "holds"]
    assert second.split(maxsplit=4) == ["2", "30", "1.0", "fedcba9876543210", WORDS + "\n"]
    assert len(first.splitlines()) == len(second.splitlines()) == 1  # however narrow the terminal
    assert end == "2 scenarios, 3.0 pump-hours, 3.0 a minute; 1 broke\n"
    assert status == 1


def test_for_a_program_there_is_one_object_at_the_end(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (*before, end), status = played(monkeypatch, capsys, "--json")
    assert before == ["", "", ""]
    told = json.loads(end)
    assert told["hours_a_minute"] == 3.0
    assert [run["seed"] for run in told["runs"]] == [1, 2]
    assert told["runs"][1] == {"seed": 2, "acts": 30, "hours": 1.0, "digest": "fedcba9876543210", "result": WORDS}
    assert status == 1
