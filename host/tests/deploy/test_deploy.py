"""Deployment: the files, the commands for mpremote, and the checks."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from picoinfuse.client.frame import decode
from picoinfuse.common import paths
from picoinfuse.common.errors import BuildError, DeployError, FilesystemFull, UnsupportedBoard, UnsupportedMicroPython
from picoinfuse.deploy import bytecode, deploy
from picoinfuse.deploy.mpremote import run_mpremote
from picoinfuse.deploy.on_board import SURVEY, final_path, staged_name
from picoinfuse.deploy.staging import commit, fingerprint, staged
from picoinfuse.profile import Profile, load_profile
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


def test_profiles_have_different_fingerprints(profile: Profile) -> None:
    assert fingerprint(profile) == fingerprint(profile)
    assert len({fingerprint(profile), fingerprint(load_profile("peristaltic")), fingerprint(profile, b"image")}) == 3


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*args: object, **kwargs: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", run)
    assert commit() == "unknown"


def test_the_firmware_is_compiled_but_for_what_micropython_wants_as_source(profile: Profile) -> None:
    with staged(profile) as folder:
        before = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
        bytecode.compile_folder(folder)
        after = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        # A .mpy file begins with M, the version, 0 for no machine code, and the bits of a small int: a Pico has 31
        assert (folder / "pump/app.mpy").read_bytes()[:4] == b"M\x06\x00\x1f"
    kept = {"boot.py", "main.py"}
    assert after == kept | {"profile.json"} | {name.replace(".py", ".mpy") for name in before - kept}


def test_what_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "pump").mkdir()
    (tmp_path / "pump" / "bad.py").write_text("def f(:\n")
    with pytest.raises(BuildError, match=r"pump/bad\.py does not compile: SyntaxError"):
        bytecode.compile_folder(tmp_path)


def test_the_compiler_is_the_pinned_one() -> None:
    assert version(bytecode.PACKAGE) == bytecode.PINNED
    assert f'"{bytecode.PACKAGE}=={bytecode.PINNED}"' in (paths.root() / "pyproject.toml").read_text()


@pytest.mark.parametrize("mpy", [0x0306, 0x1306, 0x0B06])  # none, of an RP2040 with machine code, of the Unix port
def test_boards_that_read_our_bytecode(mpy: int) -> None:
    bytecode.check_format(mpy)


@pytest.mark.parametrize(("mpy", "name"), [(0x1307, "7"), (0x0005, "5")])
def test_boards_that_do_not(mpy: int, name: str) -> None:
    with pytest.raises(UnsupportedBoard, match=rf"format {name}, this tool writes format 6"):
        bytecode.check_format(mpy)


class FakeBoard:
    """A fake serial port and a fake mpremote: after a deployment, `hello` reports the deployed firmware."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, profile: Profile) -> None:
        self.pump = FakePump()
        self.pump.results["hello"] = {**self.pump.results["hello"], "commit": commit(), "profile": profile.name}
        self.pump.after["service"] = b"MicroPython v1.25.0\r\n>>> "
        self.calls: list[list[str]] = []
        self.is_a: list[Any] = ["micropython", [1, 25, 0], 0x1306, "rp2", "Raspberry Pi Pico with RP2040"]
        self.free_blocks = 300
        self.files: dict[str, bytes] = {}
        monkeypatch.setattr("picoinfuse.client.session.open_port", lambda url: self._opened())

    def run(self, arguments: list[str], on_line: Callable[[str], None]) -> None:
        self.calls.append(arguments)
        if SURVEY in arguments:
            for path, data in self.files.items():
                on_line(f"file {hashlib.sha256(data).hexdigest()} {len(data)} {path}")
            on_line(f"board {json.dumps(self.is_a)}")
            on_line(f"room 4096 {self.free_blocks}")
        for source, name in self._copies(arguments):
            on_line(f"cp {source} {name}")
            self.files[final_path(name[1:])] = Path(source).read_bytes()

    def _copies(self, arguments: list[str]) -> list[tuple[str, str]]:
        return [(arguments[i + 1], arguments[i + 2]) for i, word in enumerate(arguments) if word == "cp"]

    @property
    def copied(self) -> list[str]:
        return [final_path(name[1:]) for call in self.calls for _, name in self._copies(call)]

    @property
    def last_call(self) -> list[str]:
        return self.calls[-1][2:]

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
    board.files["/pump/gone.py"] = b"of an older firmware"
    done = deploy("/dev/test", profile, steps.append, board.run)
    assert board.pump.executed == [("service", {})]
    assert [call[:3] for call in board.calls] == [["connect", "/dev/test", "exec"]] * 2
    assert {"/boot.py", "/main.py", "/profile.json", "/pump/app.mpy", "/pump/core/motion/ramp.mpy"} <= set(board.copied)
    total = len(board.copied)
    assert (done.files_copied, done.files_skipped, done.files_removed) == (total, 0, 1)
    assert done.hello.profile == "syringe-50ml"
    assert steps[0] == "identifying the board"
    assert f"copying file {total} of {total}: /pump/wiring.mpy" in steps
    assert board.last_call[-1] == "reset"


def test_only_what_changed_is_sent(board: FakeBoard, profile: Profile) -> None:
    deploy("/dev/test", profile, run=board.run)
    total = len(board.copied)
    board.files["/pump/app.mpy"] = b"changed"
    board.calls.clear()
    done = deploy("/dev/test", profile, run=board.run)
    assert board.copied == ["/pump/app.mpy"]
    assert (done.files_copied, done.files_skipped) == (1, total - 1)


def test_nothing_changed_is_a_reset(board: FakeBoard, profile: Profile) -> None:
    deploy("/dev/test", profile, run=board.run)
    done = deploy("/dev/test", profile, run=board.run)
    assert board.last_call == ["reset"]
    assert done.files_copied == 0


def test_source_beside_its_bytecode_goes(board: FakeBoard, profile: Profile) -> None:
    """MicroPython would take the source."""
    deploy("/dev/test", profile, run=board.run)
    board.files["/pump/app.py"] = b"older"
    assert deploy("/dev/test", profile, run=board.run).files_removed == 1


def test_what_was_copied_and_not_moved_in_is_not_copied_again(board: FakeBoard, profile: Profile) -> None:
    """mpremote finds it there by its SHA-256."""

    def run(arguments: list[str], on_line: Callable[[str], None]) -> None:
        board.run(arguments, on_line)
        if "cp" in arguments:
            on_line("Up to date: /staged/pump/app.mpy")

    done = deploy("/dev/test", profile, run=run)
    assert (done.files_copied, done.files_skipped) == (len(board.copied) - 1, 1)


def test_a_board_without_a_reader_for_bytecode_gets_the_source(board: FakeBoard, profile: Profile) -> None:
    board.is_a[2] = None
    deploy("/dev/test", profile, run=board.run)
    assert "/pump/app.py" in board.copied
    assert not [name for name in board.copied if name.endswith(".mpy")]


def test_a_production_image_gets_the_profile_alone(board: FakeBoard, profile: Profile) -> None:
    board.is_a[4] = "picoinfuse on Raspberry Pi Pico with RP2040"
    board.files["/pump/app.py"] = b"of an older deployment, which does not run"
    board.pump.results["hello"] = {**board.pump.results["hello"], "commit": "the image's"}
    done = deploy("/dev/test", profile, run=board.run)
    assert board.copied == ["/profile.json"]
    assert (done.frozen, done.files_copied, done.files_removed) == (True, 1, 0)


@pytest.mark.parametrize(
    ("is_a", "error", "match"),
    [
        (["micropython", [1, 24, 1], 0x1306, "rp2", "with RP2040"], UnsupportedMicroPython, r"24\.1.*1\.25 to 1\.29"),
        (["micropython", [1, 30, 0], 0x1306, "rp2", "with RP2040"], UnsupportedMicroPython, r"1\.30\.0"),
        (["micropython", [1, 29, 0], 0x1007, "rp2", "with RP2040"], UnsupportedBoard, "format 7"),
        (["micropython", [1, 25, 0], 0x2B06, "esp32", "ESP32S3"], UnsupportedBoard, "ESP32S3 with micropython"),
        (["micropython", [1, 25, 0], 0x1306, "rp2", "Raspberry Pi Pico2 with RP2350"], UnsupportedBoard, "RP2350"),
        (["circuitpython", [9, 2, 0], None, "RP2040", "Pico with rp2040"], UnsupportedBoard, "circuitpython"),
    ],
)
def test_a_board_that_does_not_fit_is_left_as_it_is(
    board: FakeBoard, profile: Profile, is_a: list[Any], error: type[Exception], match: str
) -> None:
    board.is_a = is_a
    with pytest.raises(error, match=match):
        deploy("/dev/test", profile, run=board.run)
    assert board.copied == []
    assert board.last_call == ["reset"]  # what was there runs on


def test_a_full_filesystem_is_left_as_it_is(board: FakeBoard, profile: Profile) -> None:
    board.free_blocks = 60
    with pytest.raises(FilesystemFull, match=r"filesystem needs \d+ KiB more free space; nothing was changed"):
        deploy("/dev/test", profile, run=board.run)
    assert board.copied == []
    assert board.last_call == ["reset"]


def test_room_that_a_deployment_left_taken_counts_as_free(board: FakeBoard, profile: Profile) -> None:
    deploy("/dev/test", profile, run=board.run)
    board.files = {staged_name(name): data for name, data in board.files.items()} | {"/staged/old.mpy": bytes(400_000)}
    board.free_blocks = 0
    deploy("/dev/test", profile, run=board.run)


def test_what_answers_but_says_nothing_sensible_is_an_error(board: FakeBoard, profile: Profile) -> None:
    with pytest.raises(DeployError, match="did not identify itself"):
        deploy("/dev/test", profile, run=lambda arguments, on_line: on_line("Booting ..."))


def test_a_pump_of_another_version_is_replaced(board: FakeBoard, profile: Profile) -> None:
    """Its hello lacks members that this program expects of its own pump."""
    now = board.pump.results["hello"]
    board.pump.results["hello"] = {"name": "picoinfuse", "version": "0.0.1", "protocol": 1}

    def run(arguments: list[str], on_line: Callable[[str], None]) -> None:
        board.run(arguments, on_line)
        if "cp" in arguments:
            board.pump.results["hello"] = now

    assert deploy("/dev/test", profile, run=run).hello.version == "0.1.0"
    assert board.pump.executed == [("service", {})]


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


def test_a_firmware_that_crashes_is_reported_with_its_last_output(
    board: FakeBoard, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picoinfuse.deploy.run.BOOT_TIMEOUT_S", 0.1)
    crash = b'Traceback:\r\n  File "main.py", line 3\r\nMemoryError: \r\nMicroPython v1.25.0\r\n>>> '
    board.pump.after["service"] = b">>> "

    def run(arguments: list[str], on_line: Callable[[str], None]) -> None:
        board.run(arguments, on_line)
        monkeypatch.setattr("picoinfuse.client.session.open_port", lambda url: ScriptedPort(lambda data: crash))

    with pytest.raises(DeployError, match="no pump answers; its last output: MemoryError:"):
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
