"""A file of another kind is named, with the command that checks it."""

from pathlib import Path

import pytest

from picoinfuse.cli import main
from picoinfuse.common import paths

ROOT = paths.root()
FILES = {
    "profile": "boards/syringe-50ml.toml",
    "regimen": "regimens/pca.toml",
    "library": "library/example-ward.toml",
    "rig": "boards/rigs/ft232h.toml",
}
COMMANDS = {
    "profile": ["profile", "check"],
    "regimen": ["plan"],
    "library": ["library", "check"],
    "rig": ["rig", "check"],
}
CASES = [(asked, found) for asked in COMMANDS for found in FILES if asked != found]


@pytest.mark.parametrize(("asked", "found"), CASES)
def test_a_file_of_another_kind_is_named(asked: str, found: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / FILES[found]
    assert main([*COMMANDS[asked], str(file)]) == 1
    said = capsys.readouterr().err
    assert f"{file}:1: this is a" in said
    assert f"check it with `picoinfuse {' '.join(COMMANDS[found])} {file}`" in said


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("profile", 'name = "bench"\ncolour = 1\n', "unknown key colour"),  # rather a profile than anything else
        ("library", 'name = "ward"\nversion = 1\ndrugs = 1\n', "did you mean drug?"),
        ("library", "", "name is missing"),
    ],
)
def test_a_broken_file_of_the_right_kind_is_not_taken_for_another(
    command: str, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text, "utf-8")
    assert main([*COMMANDS[command], str(file)]) == 1
    assert said in capsys.readouterr().err
