"""The bench at a serial port, with a board in software behind it that keeps the wall clock's pace."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from picoinfuse.bench.serial import BoardLost, NotWired, SerialBench
from picoinfuse.common import paths
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")
START_S = 60  # of a board in software on a machine that does other things too


@contextmanager
def board(port: Path, image: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`picoinfuse stub` at this port, until the end or until it is killed."""
    command = [sys.executable, "-c", "from picoinfuse.cli import main; main()", "stub"]
    options = ["--link", str(port), "--image", str(image), "--pace", "real"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, cwd=paths.root()) as process:
        try:
            deadline_s = time.monotonic() + START_S
            while not port.exists() and time.monotonic() < deadline_s:
                time.sleep(0.1)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_S)


@pytest.mark.timeout(180)
def test_a_board_at_a_port_is_fresh_for_each_test_and_runs(tmp_path: Path) -> None:
    with board(tmp_path / "port", tmp_path / "flash.img"):
        with SerialBench(PROFILE, str(tmp_path / "port")) as bench:
            assert bench.pump.start(100_000) == "infusing"
            bench.sleep(0.5)
            assert bench.pump.status().steps_commanded > 0
            first_boot = bench.pump.boot
            with pytest.raises(NotWired, match="occlude"):
                bench.occlude()
        with SerialBench(PROFILE, str(tmp_path / "port")) as bench:
            status = bench.pump.status()
            assert (status.state, status.steps_commanded) == ("idle", 0)
            assert bench.pump.boot != first_boot


@pytest.mark.timeout(180)
def test_a_board_that_goes_fails_its_test_and_one_that_is_back_serves_the_next(tmp_path: Path) -> None:
    port, image = tmp_path / "port", tmp_path / "flash.img"
    with board(port, image) as process, SerialBench(PROFILE, str(port)) as bench:
        bench.pump.timeout_s = 0.5
        process.kill()
        process.wait(10)
        with pytest.raises(PicoinfuseError, match="port"):
            bench.pump.status()
    port.unlink(missing_ok=True)
    with board(port, image), SerialBench(PROFILE, str(port)) as bench:
        assert bench.pump.status().state == "idle"


def test_a_board_that_does_not_come_back_is_lost_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.bench.serial.RESET_TIMEOUT_S", 0.1)
    with pytest.raises(BoardLost, match="there is no port"), SerialBench(PROFILE, str(tmp_path / "nothing")):
        pass


CONFTEST = """
pytest_plugins = ["picoinfuse.pytest_plugin.lost_boards"]

def pytest_addoption(parser):
    parser.addoption("--bench", default="stub")
"""
LOSING = """
import pytest
from picoinfuse.common.errors import PortVanished

@pytest.mark.parametrize("fine", [False, False, True, False, False, False, True, True])
def test_board(fine):
    if not fine:
        raise PortVanished("/dev/ttyACM0", "/dev/ttyACM0 has gone")
"""


def little(folder: Path, *options: str) -> str:
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "test_losing.py").write_text(LOSING, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-c", "/dev/null", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)
    return done.stdout + done.stderr


def test_three_tests_in_a_row_without_a_board_end_the_run(tmp_path: Path) -> None:
    told = little(tmp_path)
    # Two lost, one passed, three lost: the last two are not begun.
    assert "5 failed, 1 passed" in told
    assert "3 tests in a row lost the board: /dev/ttyACM0 has gone" in told


def test_more_workers_than_boards_are_refused(tmp_path: Path) -> None:
    assert "has 1 board for 2 workers" in little(tmp_path, "--bench", "serial:/dev/ttyACM0", "-n", "2")
