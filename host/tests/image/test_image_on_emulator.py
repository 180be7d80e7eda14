"""The production image on an emulated Pico.

It boots from an empty filesystem, alarms for want of a profile, is given one by way of the service prompt, passes its
self-test and infuses. `make image` builds the image; without one these tests are skipped.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from picoinfuse.profile import load_profile

from .emulated import ENABLE, MS, Board, newest_image

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    file = newest_image()
    if file is None:
        pytest.skip("no production image: make image MPY_DIR=…")
    board = Board(file, tmp_path / "flash.bin")
    yield board
    board.pico.close()


def test_image_boots_from_empty_flash_into_an_alarmed_state(board: Board) -> None:
    hello = board.hello()
    assert board.image.info is not None
    assert (hello["version"], hello["commit"]) == (board.image.info.version, board.image.info.commit)
    assert hello["machine"] == "picoinfuse on Raspberry Pi Pico with RP2040"
    assert hello["profile"] is None
    status = board.ask("status")
    assert (status["state"], status["alarms"]) == ("fault", ["profile_fault"])
    assert board.pico.nets[ENABLE].level == 1  # the motor is off


def test_image_takes_a_profile_passes_its_self_test_and_infuses(board: Board) -> None:
    board.hello()
    board.prompt()
    profile = load_profile("syringe-50ml").frame()
    assert board.execute("import os\nprint([name for name in os.listdir('/') if '.' in name])") == "[]"
    board.execute(f"with open('/profile.json', 'wb') as f: f.write({profile!r})")
    board.reset()
    assert board.hello()["profile"] == "syringe-50ml"
    board.run_until(lambda: board.ask("status")["state"] == "idle", 3000)
    assert board.ask("status")["alarms"] == []

    began_ns = board.pico.now_ns
    board.ask("start", rate_ul_h=1_000_000)
    board.pico.run(2000 * MS)
    status = board.ask("status")
    assert (status["state"], status["alarms"]) == ("infusing", [])
    board.ask("stop")
    board.run_until(lambda: board.ask("status")["state"] == "idle", 2000)
    board.pico.run(500 * MS)
    status = board.ask("status")
    # 1 L/h is 277.8 nL/ms and a step 349.9 nL: 794 steps/s. The ramp from 400 Hz takes 0.1 s and 20 steps off. A stop
    # finishes the 200 to 300 ms that are granted, or the 500 that cover an erase of the flash, 159 to 397 steps, and
    # ramps down in 0.1 s, 60 steps. 2 s: 1588 - 20 + 159 + 60 = 1787 to 2025, and 50 for the time of the two commands.
    assert status["steps_counted"] == board.trace.count("step", began_ns)
    assert 1737 < status["steps_counted"] < 2075
    assert status["delivered_nl"] == pytest.approx(status["steps_counted"] * 349.9, rel=1e-3)


def test_what_an_older_deployment_left_does_not_run(board: Board) -> None:
    """Frozen modules come before files: neither boot.py, main.py nor pump/ on the filesystem is looked at."""
    board.hello()
    board.prompt()
    board.execute(
        "import os\nos.mkdir('/pump')\n"
        "for name in ('/boot.py', '/main.py', '/pump/__init__.py', '/pump/app.py', '/pump/build.py'):\n"
        "    with open(name, 'w') as f: f.write('raise SystemExit')\n"
    )
    board.reset()
    hello = board.hello()
    assert board.image.info is not None
    assert hello["version"] == board.image.info.version


def test_damaged_filesystem_is_kept_and_alarmed(board: Board, tmp_path: Path) -> None:
    board.hello()
    board.pico.close()
    flash = tmp_path / "flash.bin"
    damaged = bytearray(flash.read_bytes())
    damaged[0:64] = bytes(64)  # the first superblock
    damaged[4096 : 4096 + 64] = bytes(64)  # the second
    flash.write_bytes(damaged)
    file = newest_image()
    assert file is not None
    again = Board(file, flash)
    again.hello()
    status = again.ask("status")
    assert status["state"] == "fault"
    assert "profile_fault" in status["alarms"]  # beside those of whatever else is missing there
    again.pico.close()
    assert flash.read_bytes() == bytes(damaged)
