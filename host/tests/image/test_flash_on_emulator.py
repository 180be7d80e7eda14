"""`picoinfuse flash` against an emulated Pico: MicroPython's own way into BOOTSEL, and what answers after the copy.

Only the disk is a folder; the file in it goes to the emulated boot ROM, which programs it and starts it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from picoinfuse.client.port import UsbPort
from picoinfuse.common.errors import NoAnswer
from picoinfuse.flash import image
from picoinfuse.flash.errors import PumpBusy, WrongFirmware
from picoinfuse.flash.flasher import Flasher
from picoinfuse.flash.system import Running
from picoinfuse.flash.volume import COPY_NAME, INFO_FILE, Progress, Volume, copy
from picoinfuse.image import info, uf2

from .emulated import MS, Board, newest_image

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
PORT = UsbPort("/dev/ttyACM0", "E660A", "1-2:1.0", "emulated")


class EmulatedSystem:
    """A System whose one board is the emulated Pico; its clock is the Pico's."""

    def __init__(self, board: Board, disk: Path) -> None:
        self.board = board
        self._disk = disk
        (disk / INFO_FILE).write_text("Board-ID: RPI-RP2\n")

    def boards(self) -> list[UsbPort]:
        return [PORT] if self.board.pico.usb.connected and not self.board.pico.in_bootsel else []

    def volumes(self) -> list[Volume]:
        return [Volume(self._disk, "RPI-RP2", "1-2")] if self.board.pico.in_bootsel else []

    def bootsel_locations(self) -> list[str]:
        return ["1-2"] if self.board.pico.in_bootsel else []

    def running(self, port: str) -> Running:
        try:
            hello = self.board.hello()
        except AssertionError as error:
            raise NoAnswer(str(error)) from error
        numbers = tuple(int(part) for part in hello["micropython"].split("."))
        return Running(numbers, hello["machine"], hello["version"], hello["commit"])

    def ask_service(self, port: str) -> None:
        reply = self.board.request("service")
        if "error" in reply:
            raise PumpBusy(reply["error"]["message"])

    def ask_bootsel(self, port: str) -> None:
        """As mpremote does it."""
        self.board.raw_prompt()
        self.board.pico.usb.send(b"import machine; machine.bootloader()\x04")

    def copy(self, data: bytes, volume: Volume, progress: Progress) -> None:
        copy(data, volume, progress)
        self.board.forget()
        self.board.pico.flash_uf2(uf2.read(volume.path / COPY_NAME))

    def monotonic(self) -> float:
        return self.board.pico.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        self.board.pico.run(seconds * 1e9)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[EmulatedSystem]:
    file = newest_image()
    if file is None:
        pytest.skip("no production image: make image MPY_DIR=…")
    board = Board(file, tmp_path / "flash.bin")
    board.pico.run(300 * MS)
    disk = tmp_path / "disk"
    disk.mkdir()
    yield EmulatedSystem(board, disk)
    board.pico.close()


def test_running_pump_is_flashed_and_answers_as_what_was_flashed(system: EmulatedSystem) -> None:
    said: list[str] = []
    flashed = Flasher(system, said.append, lambda *_: None).run(system.board.image, None)
    assert flashed.image.info is not None
    assert flashed.running.version == flashed.image.info.version
    assert "putting the pump into service" in said
    # Power on, the watchdog reset that proves the watchdog, service, BOOTSEL, the new image.
    assert len(system.board.pico.starts) == 5


def test_board_that_answers_as_something_else_is_noticed(system: EmulatedSystem, tmp_path: Path) -> None:
    """The same firmware, but its info block promises another commit."""
    own = system.board.image
    assert own.info is not None
    firmware = own.file.flash[: own.info.image_bytes]
    other = tmp_path / "other.uf2"
    other.write_bytes(uf2.write(info.append(firmware, own.info.version, "0ther", own.info.micropython)))
    with pytest.raises(WrongFirmware, match=r"but .* \(0ther\) was flashed"):
        Flasher(system, lambda _: None, lambda *_: None).run(image.load(other), None)
