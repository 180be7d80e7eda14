"""What flashing needs of the world: ports, volumes, whoever answers at a port, and the clock.

`System` is the seam. `RealSystem` is USB, mounted disks and stock mpremote; tests hand in another one.
"""

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from picoinfuse.client.port import BOOTSEL_PID, PICO_VID, UsbPort, usb_ports
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import DeployError, PortVanished, PumpError, ReplAnswers
from picoinfuse.deploy.mpremote import device, run_mpremote
from picoinfuse.flash.errors import NoBootloader, PumpBusy
from picoinfuse.flash.volume import Progress, Volume, copy, find_volumes, read_volume

_WHO = "import json; from sys import implementation as i; print(json.dumps([i.version[:3], i._machine]))"


@dataclass(frozen=True)
class Running:
    """Who answers at a port. `version` and `commit` are the pump's, None at a MicroPython prompt."""

    micropython: tuple[int, ...]
    machine: str
    version: str | None = None
    commit: str | None = None


class System(Protocol):
    def boards(self) -> list[UsbPort]:
        """Picos that run MicroPython."""
        ...

    def volumes(self) -> list[Volume]: ...

    def bootsel_locations(self) -> list[str]:
        """Where boards in BOOTSEL hang on USB, mounted or not; empty where the system does not tell."""
        ...

    def running(self, port: str) -> Running:
        """Raises a PicoinfuseError when nobody answers."""
        ...

    def ask_service(self, port: str) -> None:
        """The pump gives up the board and resets into the prompt; raises PumpBusy when it refuses."""
        ...

    def ask_bootsel(self, port: str) -> None: ...

    def copy(self, data: bytes, volume: Volume, progress: Progress) -> None: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class RealSystem:
    def boards(self) -> list[UsbPort]:
        return usb_ports()

    def volumes(self) -> list[Volume]:
        return find_volumes()

    def bootsel_locations(self, devices: Path = Path("/sys/bus/usb/devices")) -> list[str]:
        """The boot loader has no serial port, so pyserial does not know it; Linux tells in /sys."""
        wanted = (f"{PICO_VID:04x}", f"{BOOTSEL_PID:04x}")
        found = [path for path in devices.glob("*") if _ids(path) == wanted]
        return sorted(path.name for path in found)

    def running(self, port: str) -> Running:
        pump = Pump(port)
        try:
            hello = pump.ask_who()
        except ReplAnswers:
            numbers, machine = json.loads(_mpremote(port, "exec", _WHO)[-1])
            return Running(tuple(numbers), machine)
        finally:
            pump.close()
        told = {name: str(hello.get(name)) for name in ("micropython", "machine", "version", "commit")}
        numbers = tuple(int(part) for part in re.findall(r"\d+", told["micropython"]))
        return Running(numbers, told["machine"], told["version"], told["commit"])

    def ask_service(self, port: str) -> None:
        pump = Pump(port)
        try:
            pump.ask_who()
            with suppress(PortVanished):  # the port may go before the reply has come
                pump.service()
        except PumpError as error:
            if error.code == "wrong_state":
                raise PumpBusy(f"the pump at {port} keeps the board: {error.message}") from error
            raise
        finally:
            pump.close()

    def ask_bootsel(self, port: str) -> None:
        _mpremote(port, "bootloader")

    def copy(self, data: bytes, volume: Volume, progress: Progress) -> None:
        copy(data, volume, progress)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class NamedSystem(RealSystem):
    """One Pico whose port and volume are named: an emulated one, or one that this computer does not find by itself."""

    def __init__(self, port: str, volume: Path) -> None:
        self._port = port
        self._volume = volume

    def boards(self) -> list[UsbPort]:
        there = Path(self._port).exists()
        return [UsbPort(self._port, None, None, "")] if there else []

    def volumes(self) -> list[Volume]:
        found = read_volume(self._volume)
        return [found] if found else []

    def bootsel_locations(self, devices: Path = Path("/sys/bus/usb/devices")) -> list[str]:
        return []


def _ids(folder: Path) -> tuple[str, str]:
    return _read(folder / "idVendor"), _read(folder / "idProduct")


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _mpremote(port: str, *arguments: str) -> list[str]:
    """What it prints, by lines."""
    lines: list[str] = []
    try:
        run_mpremote(["connect", device(port), *arguments], lines.append)
    except DeployError as error:
        raise NoBootloader(str(error)) from error
    return lines
