"""A world for the flasher: Picos on USB, a folder that behaves like the UF2 volume, a clock that runs in `sleep`."""

import errno
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from picoinfuse.client.port import UsbPort
from picoinfuse.common.errors import NoAnswer, PicoinfuseError
from picoinfuse.flash.errors import PumpBusy
from picoinfuse.flash.system import Running
from picoinfuse.flash.volume import INFO_FILE, File, Progress, Volume, copy, read_volume
from picoinfuse.image import info, uf2

PICO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
FOREIGN = "UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n"


def firmware(version: str = "v1.25.0", program: str = "MicroPython", size: int = 100_000) -> bytes:
    """Flash that holds nothing but the SDK's binary info: header at 0x100, table, two entries, two texts."""
    flash = bytearray(b"\x5a" * size)
    base = uf2.FLASH_START
    struct.pack_into("<5I", flash, 0x100, 0x7188EBF2, base + 0x140, base + 0x148, 0, 0xE71AA390)
    struct.pack_into("<2I", flash, 0x140, base + 0x150, base + 0x160)
    tag = int.from_bytes(b"RP", "little")
    struct.pack_into("<2H2I", flash, 0x150, 6, tag, 0x02031C86, base + 0x180)
    struct.pack_into("<2H2I", flash, 0x160, 6, tag, 0x11A9BC3A, base + 0x1A0)
    for offset, text in ((0x180, program), (0x1A0, version)):
        data = text.encode() + b"\0"
        flash[offset : offset + len(data)] = data
    return bytes(flash)


def production(version: str = "0.1.0", commit: str = "c0ffee") -> bytes:
    return info.append(firmware(), version, commit, "v1.25.0")


def port(device: str = "/dev/ttyACM0", serial: str = "E660A", location: str | None = "1-2") -> UsbPort:
    return UsbPort(device, serial, f"{location}:1.0" if location else None, "Board in FS mode")


class VolumeFile:
    """A file on the boot ROM's disk. `fail(written)` comes before each write and may raise; `leave()`: the restart."""

    def __init__(self, path: Path, size: int, fail: Callable[[int], None], leave: Callable[[], None]) -> None:
        self._file = path.open("wb", buffering=0)
        self._size = size
        self._written = 0
        self._fail = fail
        self._leave = leave

    def write(self, data: bytes, /) -> int:
        self._fail(self._written)
        self._written += len(data)
        return self._file.write(data) or 0

    def sync(self) -> None:
        if self._written == self._size:
            self._leave()
            raise OSError(errno.EIO, "Input/output error")

    def close(self) -> None:
        self._file.close()


@dataclass
class World:
    """`after` runs due events during a sleep; a flashed board comes back as `returns`."""

    folder: Path
    ports: list[UsbPort] = field(default_factory=list)
    returns: UsbPort | None = None
    who: dict[str, Running] = field(default_factory=dict)  # by device, as long as that is plugged in
    runs: Running | None = None  # after flashing; None: what the file holds
    location: str | None = "1-2"  # of the volume, as the system reports it
    bootsel: list[str] = field(default_factory=list)
    infusing: bool = False
    mute: bool = False  # after flashing, the board does not answer
    bootsel_delay_s: float = 1.0
    return_delay_s: float = 2.0
    fail: Callable[[int], None] = lambda written: None
    now: float = 0.0
    due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    flashed: bytes | None = None

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, what))

    def appear(self, text: str = PICO, name: str = "RPI-RP2") -> None:
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / INFO_FILE).write_text(text)

    def vanish(self, name: str = "RPI-RP2") -> None:
        shutil.rmtree(self.folder / name)

    # ---- System ----

    def boards(self) -> list[UsbPort]:
        return list(self.ports)

    def volumes(self) -> list[Volume]:
        found = (read_volume(path, self.location) for path in sorted(self.folder.iterdir()))
        return [volume for volume in found if volume]

    def bootsel_locations(self) -> list[str]:
        return self.bootsel

    def running(self, port: str) -> Running:
        if port not in self.who or port not in [board.device for board in self.ports]:
            raise NoAnswer(f"nothing answers at {port}")
        return self.who[port]

    def ask_service(self, port: str) -> None:
        self.asked.append(f"service {port}")
        if self.infusing:
            raise PumpBusy("the pump keeps the board: service is refused while infusing")
        board = self._unplug(port)
        self.after(0.5, lambda: self.ports.append(board))

    def ask_bootsel(self, port: str) -> None:
        self.asked.append(f"bootsel {port}")
        self._unplug(port)
        self.after(self.bootsel_delay_s, self.appear)

    def copy(self, data: bytes, volume: Volume, progress: Progress) -> None:
        def open_file(path: Path) -> File:
            return VolumeFile(path, len(data), self.fail, leave)

        def leave() -> None:
            self.flashed = (volume.path / "picoinfuse.uf2").read_bytes()
            self.vanish(volume.path.name)
            self.after(self.return_delay_s, self._return)

        copy(data, volume, progress, open_file)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        ready = [what for when, what in self.due if when <= self.now]
        self.due = [(when, what) for when, what in self.due if when > self.now]
        for what in ready:
            what()

    def _unplug(self, port: str) -> UsbPort:
        board = next(board for board in self.ports if board.device == port)
        self.ports.remove(board)
        return board

    def _return(self) -> None:
        if self.returns is not None:
            self.ports.append(self.returns)
            self.who.clear()
        if self.returns is not None and not self.mute:
            self.who[self.returns.device] = self.runs or self._flashed_identity()

    def _flashed_identity(self) -> Running:
        assert self.flashed is not None
        try:
            own = info.read(uf2.parse(self.flashed).flash)
        except PicoinfuseError:
            return Running((1, 25, 0), "Raspberry Pi Pico with RP2040")
        return Running((1, 25, 0), "picoinfuse", own.version, own.commit)
