"""A person without a Pico: an emulated one at a serial port, flashed, deployed to, asked, with the real commands."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from picoinfuse.client.pump import Pump
from picoinfuse.deploy import deploy
from picoinfuse.emulator.boot_volume import BootVolume, NoPlaceForVolume
from picoinfuse.emulator.session import EmulatorSession
from picoinfuse.flash.flasher import flash
from picoinfuse.flash.volume import COPY_NAME, INFO_FILE, read_volume
from picoinfuse.image import uf2
from picoinfuse.profile import load_profile


@contextmanager
def session(uf2_file: Path, folder: Path, **options: bool) -> Iterator[str]:
    """As `picoinfuse emulate` runs it; gives the port's name. What ends the board ends the test."""
    profile = load_profile("syringe-50ml")
    board = EmulatorSession(
        profile, uf2_file, link=folder / "pump", flash=None, trace=None, seed=1, volume=folder / "disk", **options
    )
    done = threading.Event()
    trouble: list[Exception] = []

    def look_after() -> None:
        try:
            while not done.wait(0.05):
                board.check()
        except Exception as error:
            trouble.append(error)

    with board:
        thread = threading.Thread(target=look_after)
        thread.start()
        try:
            yield str(folder / "pump")
        finally:
            done.set()
            thread.join()
    assert trouble == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_from_a_bare_pico_in_bootsel_to_an_infusion(uf2_file: Path, tmp_path: Path) -> None:
    with session(uf2_file, tmp_path, empty=True, bootsel=True) as port:
        assert not Path(port).exists()  # BOOTSEL has a disk and no port
        flashed = flash(uf2_file, port, tmp_path / "disk", lambda _: None, lambda *_: None)
        assert (flashed.running.version, flashed.port) == (None, port)
        assert not (tmp_path / "disk").exists()
        done = deploy(port, load_profile("syringe-50ml"))
        assert done.files_copied > 30
        with Pump(port) as pump:
            while pump.status().state == "self_test":
                time.sleep(0.1)
            assert pump.start(100_000) == "infusing"
            assert pump.stop() == "idle"
        again = flash(uf2_file, port, tmp_path / "disk", lambda _: None, lambda *_: None)
        # MicroPython does not touch the filesystem: the pump is there again
        assert again.running.version == done.hello.version


def test_the_disk_is_gone_when_the_last_block_is_there(tmp_path: Path) -> None:
    volume = BootVolume(tmp_path / "disk")
    volume.show()
    found = read_volume(tmp_path / "disk")
    assert found is not None
    assert found.is_pico
    whole = uf2.write(bytes(1024))
    copied = tmp_path / "disk" / COPY_NAME
    copied.write_bytes(whole[:-512])
    assert volume.taken() is None
    copied.write_bytes(whole)
    taken = volume.taken()
    assert taken is not None
    assert taken.raw == whole
    volume.hide()
    assert not volume.shown


def test_a_folder_that_is_there_is_not_made_a_disk(tmp_path: Path) -> None:
    (tmp_path / INFO_FILE).write_text("somebody's")
    with pytest.raises(NoPlaceForVolume, match="exists already"):
        BootVolume(tmp_path)
    assert (tmp_path / INFO_FILE).read_text() == "somebody's"
