"""Output that cannot be written, and files that cannot be read: one sentence, exit status 1, no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from picoinfuse.cli.common import check_writable
from tests.fake_pump import FakePump

Run = Callable[..., tuple[int, str, str]]
REGIMEN = str(Path(__file__).parents[3] / "regimens" / "antibiotic.toml")
FULL = Path("/dev/full")


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", REGIMEN, "--png", "{file}/x.png"),
        ("plan", REGIMEN, "--svg", "{file}/x.svg"),
        ("alarm-sounds", "{file}"),
        ("rig", "diagram", "boards/rigs/ft232h.toml", "-o", "{file}/x.svg"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_path_that_cannot_be_written_is_named_in_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(Path(REGIMEN).parents[1])
    file = tmp_path / "file"
    file.touch()
    code, _, err = run(*(argument.format(file=file) for argument in arguments))
    assert code == 1
    assert err.startswith(f"picoinfuse: {file}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [("check-up", "--yes", "-p", "x", "-o", "{file}/page.html"), ("stub", "--trace", "{file}/x.vcd")],
    ids=" ".join,
)
def test_an_output_path_is_tried_before_the_work_begins(
    run: Run, pump: FakePump, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "file"
    file.touch()
    code, out, err = run(*(argument.format(file=file) for argument in arguments))
    assert (code, out) == (1, "")
    assert err.startswith(f"picoinfuse: {file}")
    assert pump.written == []


def test_trying_an_output_path_leaves_no_file_and_changes_none(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "page.html")
    assert list((tmp_path / "new").iterdir()) == []
    old = tmp_path / "old"
    old.write_text("kept")
    check_writable(old)
    assert old.read_text() == "kept"


@pytest.mark.skipif(not FULL.exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("arguments", [["--help"], ["alarms"], ["alarms", "--json"], ["alarms", "--markdown"]])
def test_a_full_disk_under_the_output_is_one_sentence(arguments: list[str]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "picoinfuse", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr == "picoinfuse: cannot write: no space left on device\n"


def test_a_reader_that_has_enough_ends_the_command_without_a_word() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "picoinfuse", "alarms", "--markdown"],
            stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
