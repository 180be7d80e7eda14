"""Flash an image: find the Pico, put it into BOOTSEL, copy, wait until it is back, check what runs.

The image is checked before the board is touched. A board is identified by its USB location, because port names
change and all Picos in BOOTSEL have the same serial number. If two boards cannot be told apart, flashing stops
with an error.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.client.port import UsbPort
from picoinfuse.common.errors import NoAnswer, PicoinfuseError
from picoinfuse.flash.errors import (
    DifferentDevice,
    NoBootloader,
    NoPico,
    NoVolume,
    PortDidNotReturn,
    TwoPicos,
    WrongBoard,
)
from picoinfuse.flash.image import Image, compare, load
from picoinfuse.flash.system import NamedSystem, RealSystem, Running, System
from picoinfuse.flash.volume import Progress, Volume

PERSON_TIMEOUT_S = 60.0  # for a person to press BOOTSEL and plug the board in
VOLUME_TIMEOUT_S = 20.0  # after the request for BOOTSEL; some desktops mount slowly
PORT_TIMEOUT_S = 20.0
RESET_TIMEOUT_S = 3.0  # for the port to vanish after the request for a reset
POLL_S = 0.1
_REPLUG = "unplug it, plug it in again, and run picoinfuse doctor"
_HOLD = "hold BOOTSEL on the Pico while you plug it in"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Flashed:
    """The flashed image and the firmware that runs now."""

    port: str
    image: Image
    running: Running
    seconds: float


def flash(path: Path, port: str | None, volume: Path | None, say: Say, progress: Progress) -> Flashed:
    """Flash the file `path` to the Pico at `port`, or to the only one if `port` is None.

    `volume` and `port` together name a board that is not found automatically. Calls `say` with each step and
    `progress` with the bytes written. Raises FlashError, BadUf2, UnsupportedMicroPython or DamagedImage.
    """
    image = load(path)
    if volume is None or port is None:
        return Flasher(RealSystem(), say, progress).run(image, port)
    return Flasher(NamedSystem(port, volume), say, progress).run(image, None)


class Flasher:
    """Flashes one image on a System."""

    def __init__(self, system: System, say: Say, progress: Progress) -> None:
        self._system = system
        self._say = say
        self._progress = progress

    def run(self, image: Image, port: str | None) -> Flashed:
        """Flash `image` to the Pico at `port`, or to the only one. Raises FlashError."""
        began = self._system.monotonic()
        board, volume = self._find(port)
        location = _place(board.location) if board else volume.location if volume else None
        if volume is None:
            volume = self._bootsel(board, location)
            location = location or volume.location
        others = self._system.boards()
        self._say(f"copying {image.name} to {volume.path}")
        self._system.copy(image.file.raw, volume, self._progress)
        self._say("waiting for the board to come back")
        back = self._wait_port(location, others)
        running = self._check(image, back.device)
        return Flashed(back.device, image, running, self._system.monotonic() - began)

    # ---- which board ----

    def _find(self, port: str | None) -> tuple[UsbPort | None, Volume | None]:
        """The board, or its volume if it is in BOOTSEL, or neither if none is plugged in yet."""
        boards = self._system.boards()
        if port is not None:
            chosen = [board for board in boards if board.device in (port, os.path.realpath(port))]
            if not chosen:
                there = ", ".join(map(_describe, boards)) or "none"
                raise DifferentDevice(f"{port} is not a Pico with MicroPython on USB; found: {there}")
            return chosen[0], None
        volumes = self._system.volumes()
        picos = [volume for volume in volumes if volume.is_pico]
        if len(boards) + len(picos) > 1:
            listed = ", ".join([*map(_describe, boards), *map(_describe_volume, picos)])
            how = "choose one with --port, or unplug the others"
            raise TwoPicos(f"{len(boards) + len(picos)} Picos were found; {how}: {listed}")
        if not boards and not picos and volumes:
            raise _wrong_board(volumes[0])
        return (boards[0] if boards else None), (picos[0] if picos else None)

    # ---- into BOOTSEL ----

    def _bootsel(self, board: UsbPort | None, location: str | None) -> Volume:
        before = self._system.volumes()
        if board is not None and self._ask(board):
            return self._wait_volume(before, location, VOLUME_TIMEOUT_S)
        self._say(f"{_HOLD}; waiting for up to {PERSON_TIMEOUT_S:g} s")
        return self._wait_volume(before, location, PERSON_TIMEOUT_S)

    def _ask(self, board: UsbPort) -> bool:
        """Ask the board for BOOTSEL. Returns False if it does not answer: then a person has to press the button."""
        device = board.device
        try:
            if self._system.running(device).version is not None:
                self._say("putting the pump into service")
                self._system.ask_service(device)
                device = self._wait_reset(board).device
            self._say("restarting the board into BOOTSEL")
            self._system.ask_bootsel(device)
        except (NoAnswer, NoBootloader) as error:
            self._say(f"the board cannot be asked for BOOTSEL: {error}")
            return False
        return True

    def _wait_reset(self, board: UsbPort) -> UsbPort:
        """Wait until the port is gone and back; a reset faster than the polling counts too."""
        place = _place(board.location)
        deadline = self._system.monotonic() + RESET_TIMEOUT_S
        while board in self._system.boards() and self._system.monotonic() < deadline:
            self._system.sleep(POLL_S)
        others = [other for other in self._system.boards() if _place(other.location) != place]
        return self._wait_port(place, others)

    def _wait_volume(self, before: list[Volume], location: str | None, timeout_s: float) -> Volume:
        deadline = self._system.monotonic() + timeout_s
        while True:
            new = [volume for volume in self._system.volumes() if volume not in before]
            here = [volume for volume in new if location is None or volume.location in (None, location)]
            picos = [volume for volume in here if volume.is_pico]
            if len(picos) > 1:
                listed = ", ".join(map(_describe_volume, picos))
                raise TwoPicos(f"{len(picos)} UF2 volumes appeared; unplug all but one: {listed}")
            if picos:
                return picos[0]
            if here:
                raise _wrong_board(here[0])
            if self._system.monotonic() >= deadline:
                raise self._no_volume(timeout_s)
            self._system.sleep(POLL_S)

    def _no_volume(self, timeout_s: float) -> PicoinfuseError:
        waiting = self._system.bootsel_locations()
        if waiting:
            places = ", ".join(waiting)
            how = "mount it, for example with: udisksctl mount -b /dev/disk/by-label/RPI-RP2"
            return NoVolume(f"a Pico is in BOOTSEL (USB {places}), but its volume is not mounted; {how}")
        if self._system.boards():
            return NoVolume(f"the UF2 volume did not appear within {timeout_s:g} s; {_HOLD}")
        return NoPico(f"no Pico was found within {timeout_s:g} s; {_HOLD}")

    # ---- and back ----

    def _wait_port(self, location: str | None, others: list[UsbPort]) -> UsbPort:
        """The new port at the board's USB location; its name may have changed."""
        deadline = self._system.monotonic() + PORT_TIMEOUT_S
        while True:
            new = [board for board in self._system.boards() if board not in others]
            here = [board for board in new if location is None or _place(board.location) in (None, location)]
            if len(here) > 1:
                listed = ", ".join(map(_describe, here))
                raise TwoPicos(f"{len(here)} Picos appeared; it is unknown which was flashed: {listed}")
            if here:
                return here[0]
            if self._system.monotonic() >= deadline:
                where = f" at USB {location}" if location else ""
                raise PortDidNotReturn(f"no board came back{where} within {PORT_TIMEOUT_S:g} s; {_REPLUG}")
            self._system.sleep(POLL_S)

    def _check(self, image: Image, port: str) -> Running:
        """Compare what runs with the image. The port may not be accessible at once, so it is tried repeatedly."""
        deadline = self._system.monotonic() + PORT_TIMEOUT_S
        while True:
            try:
                running = self._system.running(port)
                break
            except PicoinfuseError as error:
                if self._system.monotonic() >= deadline:
                    raise PortDidNotReturn(f"the board is back at {port}, but does not answer: {error}") from error
            self._system.sleep(POLL_S)
        compare(image, running, port)
        return running


def _place(location: str | None) -> str | None:
    """The USB location without the interface: "1-2.3:1.0" → "1-2.3"."""
    return location.partition(":")[0] if location else None


def _describe(board: UsbPort) -> str:
    return f"{board.device} (serial number {board.serial_number}, USB {_place(board.location)})"


def _describe_volume(volume: Volume) -> str:
    return f"{volume.path} (in BOOTSEL, USB {volume.location})"


def _wrong_board(volume: Volume) -> WrongBoard:
    return WrongBoard(f"{volume.path} belongs to a board {volume.board_id!r}, not to a Pico (RPI-RP2)")
