"""`.ci/check_commit.py` accepts `area: what it does` with a body, and says what is wrong with any other message."""

import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.lint.scripts import script

GOOD = "alarms: repeat the reminder\n\nA paused pump that is forgotten gives nothing.\n"


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return script("check_commit")


@pytest.mark.parametrize(
    "message",
    [
        GOOD,
        "core/alarms, link: x\n\nwhy\n",
        f"a: {'x' * 69}\n\nwhy\n",
        "# a comment of git's\n" + GOOD + "# another\n",
        "Merge branch 'rig'\n",
        'Revert "alarms: repeat the reminder"\n',
        "fixup! alarms: repeat the reminder\n",
    ],
)
def test_a_message_of_the_form_is_accepted(checker: ModuleType, message: str) -> None:
    assert checker.mistakes(message) == []


@pytest.mark.parametrize(
    ("message", "mistake"),
    [
        ("", "not of the form"),
        ("Repeat the reminder\n\nwhy\n", "not of the form"),
        ("Alarms: repeat the reminder\n\nwhy\n", "not of the form"),
        ("alarms:repeat\n\nwhy\n", "not of the form"),
        (f"a: {'x' * 70}\n\nwhy\n", "has 73 characters, at most 72"),
        ("alarms: repeat the reminder.\n\nwhy\n", "full stop"),
        ("alarms: repeat the reminder\nwhy\n", "second line is not empty"),
        ("alarms: repeat the reminder\n", "no body"),
        ("alarms: repeat the reminder\n\n# only a comment\n", "no body"),
    ],
)
def test_any_other_message_is_refused(checker: ModuleType, message: str, mistake: str) -> None:
    assert any(mistake in text for text in checker.mistakes(message))


def test_all_commits_since_one_are_checked(
    checker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "--quiet"], check=True)
    for message in ("before the rule", GOOD, "no body: here"):
        command = ["git", *identity, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", message]
        subprocess.run(command, check=True)
    assert checker.main(["--since", "HEAD~2"]) == 1
    out = capsys.readouterr().out
    assert "no body: say why" in out
    assert "before the rule" not in out
    assert checker.main(["--since", "HEAD"]) == 0
