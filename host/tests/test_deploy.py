"""Deployment: what goes on the board, what mpremote is told, and what is checked."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from picoinfuse.deploy import deploy
from picoinfuse.errors import DeployError
from picoinfuse.frame import decode
from picoinfuse.mpremote import run_mpremote
from picoinfuse.profile import Profile, load_profile
from picoinfuse.staging import PREPARE, commit, mpremote_commands, staged
from tests.fake_pump import FakePump, ScriptedPort


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("syringe-50ml")


def test_what_is_staged_is_the_firmware_the_commit_and_the_profile(profile: Profile) -> None:
    with staged(profile) as folder:
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert {"boot.py", "main.py", "pump/app.py", "pump/build.py", "profile.json"} <= names
        assert not [name for name in names if "tests" in name or "__pycache__" in name or name.endswith(".pyc")]
        assert decode((folder / "profile.json").read_bytes()) == profile.compiled()
        assert f'COMMIT = "{commit()}"' in (folder / "pump" / "build.py").read_text()
    assert not folder.exists()


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*args: object, **kwargs: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", run)
    assert commit() == "unknown"


def test_mpremote_gets_one_chain_that_ends_with_main_and_a_reset(tmp_path: Path) -> None:
    (tmp_path / "pump" / "core").mkdir(parents=True)
    for name in ("boot.py", "main.py", "profile.json", "pump/app.py", "pump/core/ticks.py"):
        (tmp_path / name).write_text("")
    commands = mpremote_commands(tmp_path)
    chain = " ".join(commands[2:]).replace(f"{tmp_path}/", "").split(" + ")
    assert chain == [
        "+ fs cp boot.py :/boot.py",
        "fs cp profile.json :/profile.json",
        "fs cp pump/app.py :/pump/app.py",
        "fs cp pump/core/ticks.py :/pump/core/ticks.py",
        "fs cp main.py :/main.py",
        "reset",
    ]
    assert commands[0] == "exec"
    assert "folders = ['/pump', '/pump/core']" in commands[1]


def test_strays_are_removed_and_folders_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script for the board, run on CPython with the one function that only MicroPython's os has."""
    board = tmp_path / "pump"
    (board / "old").mkdir(parents=True)
    for name in ("app.py", "gone.py", "old/gone.py"):
        (board / name).write_text("")
    script = PREPARE.format(keep=["/pump/app.py"], folders=["/pump", "/pump/core"])
    script = script.replace("import os", "").replace('"/pump', f'"{board}').replace("'/pump", f"'{board}")

    import os

    class BoardOs:
        mkdir, rmdir, remove = os.mkdir, os.rmdir, os.remove

        @staticmethod
        def ilistdir(folder: str) -> list[tuple[str, int, int]]:
            return [(e.name, 0x4000 if e.is_dir() else 0x8000, 0) for e in os.scandir(folder)]

    exec(script, {"os": BoardOs})
    assert sorted(p.relative_to(board).as_posix() for p in board.rglob("*")) == ["app.py", "core"]
    assert sorted(capsys.readouterr().out.split()) == sorted(
        ["removed", f"{board}/gone.py", "removed", f"{board}/old/gone.py"]
    )


class FakeBoard:
    """What the port shows, and mpremote as the board sees it: deploys what the hello then tells."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, profile: Profile) -> None:
        self.pump = FakePump()
        self.pump.results["hello"] = {**self.pump.results["hello"], "commit": commit(), "profile": profile.name}
        self.pump.after["service"] = b"MicroPython v1.25.0\r\n>>> "
        self.calls: list[list[str]] = []
        monkeypatch.setattr("picoinfuse.session.open_port", lambda url: self._opened())

    def run(self, arguments: list[str], on_line: Callable[[str], None]) -> None:
        self.calls.append(arguments)
        on_line("removed /pump/gone.py")
        for source, name in self._copies(arguments):
            on_line(f"cp {source} {name}")
            if name.startswith(":/pump/core/"):
                on_line(f"Up to date: {name[1:]}")

    def _copies(self, arguments: list[str]) -> list[tuple[str, str]]:
        return [(arguments[i + 1], arguments[i + 2]) for i, word in enumerate(arguments) if word == "cp"]

    def _opened(self) -> FakePump:
        again = FakePump()
        again.results, again.refusals, again.after = self.pump.results, self.pump.refusals, self.pump.after
        again.executed, again.at_enter = self.pump.executed, self.pump.at_enter
        return again


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch, profile: Profile) -> FakeBoard:
    return FakeBoard(monkeypatch, profile)


def test_a_pump_is_asked_for_service_and_then_gets_the_files(board: FakeBoard, profile: Profile) -> None:
    steps: list[str] = []
    done = deploy("/dev/test", profile, steps.append, board.run)
    assert board.pump.executed == [("service", {})]
    assert [call[:3] for call in board.calls] == [["connect", "/dev/test", "exec"]]
    core = sum(word.startswith(":/pump/core/") for word in board.calls[0])
    total = board.calls[0].count("cp")
    assert (done.files_copied, done.files_skipped, done.files_removed) == (total - core, core, 1)
    assert done.hello.profile == "syringe-50ml"
    assert steps[0] == "looking who is there"
    assert f"copying file {total} of {total}: /main.py" in steps


def test_a_pump_that_infuses_is_left_alone(board: FakeBoard, profile: Profile) -> None:
    board.pump.refusals["service"] = {"code": "wrong_state", "message": "", "data": {"state": "infusing"}}
    with pytest.raises(DeployError, match="the pump is infusing; stop it first"):
        deploy("/dev/test", profile, run=board.run)
    assert board.calls == []


@pytest.mark.parametrize(
    ("what", "value"), [("version", "0.0.9"), ("commit", "deadbeef"), ("profile", "peristaltic"), ("profile", None)]
)
def test_a_pump_that_is_not_the_one_sent_is_an_error(
    board: FakeBoard, profile: Profile, what: str, value: str | None
) -> None:
    board.pump.results["hello"] = {**board.pump.results["hello"], what: value}
    with pytest.raises(DeployError, match=f"answers with {what} {value}"):
        deploy("/dev/test", profile, run=board.run)


def test_a_firmware_that_crashes_is_told_with_its_last_words(
    board: FakeBoard, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picoinfuse.deploy.BOOT_TIMEOUT_S", 0.1)
    crash = b'Traceback:\r\n  File "main.py", line 3\r\nMemoryError: \r\nMicroPython v1.25.0\r\n>>> '
    board.pump.after["service"] = b">>> "

    def run(arguments: list[str], on_line: Callable[[str], None]) -> None:
        monkeypatch.setattr("picoinfuse.session.open_port", lambda url: ScriptedPort(lambda data: crash))

    with pytest.raises(DeployError, match="no pump answers; it said: MemoryError:"):
        deploy("/dev/test", profile, run=run)


def test_a_prompt_that_was_missed_is_asked_for(board: FakeBoard, profile: Profile) -> None:
    board.pump.after["service"] = b""
    board.pump.at_enter = b">>> "
    assert deploy("/dev/test", profile, run=board.run).files_copied


def test_a_link_to_a_port_is_followed_for_mpremote(board: FakeBoard, profile: Profile, tmp_path: Path) -> None:
    """mpremote 1.29 knows a pseudo-terminal by the name /dev/pts/…"""
    link = tmp_path / "pump"
    link.symlink_to("/dev/pts/99")
    deploy(str(link), profile, run=board.run)
    assert board.calls[0][1] == "/dev/pts/99"


def test_what_mpremote_says_last_is_in_the_error() -> None:
    lines: list[str] = []
    with pytest.raises(DeployError, match=r"failed to access /dev/no-such-port.*service strap"):
        run_mpremote(["connect", "/dev/no-such-port", "exec", "1"], lines.append)
    assert len(lines) == 1


def test_each_line_of_mpremote_is_handed_on() -> None:
    lines: list[str] = []
    run_mpremote(["version"], lines.append)
    assert lines == ["mpremote 1.29.0"]
