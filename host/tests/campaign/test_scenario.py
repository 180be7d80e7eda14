"""A scenario is data: the same seed draws the same one, and what is written down is what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.campaign.acts import ACTS
from picoinfuse.campaign.scenario import BadScenario, draw, dump, load
from picoinfuse.cli import main
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")


def test_the_same_seed_draws_the_same_history_and_another_seed_another() -> None:
    assert draw(5, PROFILE, 2.0) == draw(5, PROFILE, 2.0)
    assert draw(5, PROFILE, 2.0).acts != draw(6, PROFILE, 2.0).acts


def test_its_waits_are_the_hours_that_were_asked_for() -> None:
    assert draw(1, PROFILE, 3.0).seconds == pytest.approx(3 * 3600, abs=0.1)


def test_every_kind_of_act_comes_up() -> None:
    drawn = {act.name for seed in range(10) for act in draw(seed, PROFILE, 10.0).acts}
    assert drawn == {*ACTS, "wait"}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    scenario = draw(3, PROFILE, 1.0)
    file = tmp_path / "scenario.json"
    file.write_text(dump(scenario))
    assert load(file) == scenario


def test_whatever_is_drawn_may_stand_in_a_file(tmp_path: Path) -> None:
    for seed in range(20):
        scenario = draw(seed, PROFILE, 5.0)
        (tmp_path / "scenario.json").write_text(dump(scenario))
        assert load(tmp_path / "scenario.json") == scenario


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file, why in ((tmp_path, "Is a directory"), (tmp_path / "none.json", "No such file or directory")):
        assert main(["campaign", "--replay", str(file)]) == 1
        assert capsys.readouterr().err == f"picoinfuse: {file} cannot be read: {why}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not a scenario"),
        ("[1]", "is not a scenario"),
        ('{"seed": 1, "profile": "x"}', "acts"),
        ('{"seed": "1", "profile": "x", "acts": []}', "it needs the keys seed"),
        ('{"seed": 1, "profile": "x", "acts": [[]]}', "act 0 is \\[\\]"),
        ('{"seed": 1, "profile": "x", "acts": ["wait"]}', "act 0 is 'wait', not a list"),
        ('{"seed": 1, "profile": "x", "acts": [["pause"], ["dance"]]}', "act 1 is 'dance'; use start"),
        ('{"seed": 1, "profile": "x", "acts": [["wait", NaN]]}', "act 0, wait, does not accept the arguments"),
        ('{"seed": 1, "profile": "x", "acts": [["wait", "1"]]}', "act 0, wait, does not accept the arguments"),
        ('{"seed": 1, "profile": "x", "acts": [["start"]]}', "act 0, start, does not accept the arguments"),
        ('{"seed": 1, "profile": "x", "acts": [["mend", "the world"]]}', "act 0, mend, does not accept the arguments"),
        ('{"seed": 1, "profile": "x", "acts": [["pause", 1]]}', "act 0, pause, does not accept the arguments"),
    ],
)
def test_a_file_that_holds_none_is_refused_by_name(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(text)
    with pytest.raises(BadScenario, match=reason):
        load(file)
