"""A history is data: the same seed draws the same one, and what is written down is what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.campaign.acts import ACTS
from picoinfuse.campaign.history import BadHistory, draw, dump, load
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
    history = draw(3, PROFILE, 1.0)
    file = tmp_path / "history.json"
    file.write_text(dump(history))
    assert load(file) == history


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "holds no history"),
        ('{"seed": 1, "profile": "x"}', "acts"),
        ('{"seed": 1, "profile": "x", "acts": [[]]}', "holds no history"),
        ('{"seed": 1, "profile": "x", "acts": [["dance"]]}', "an act 'dance'"),
    ],
)
def test_a_file_that_holds_none_is_refused_by_name(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(text)
    with pytest.raises(BadHistory, match=reason):
        load(file)
