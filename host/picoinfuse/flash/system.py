"""What flashing needs from outside: ports, volumes, the firmware at a port, and a clock.

`System` is the interface. `RealSystem` uses USB, mounted disks and mpremote; tests pass a fake.
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
    """The firmware at a port. `version` and `commit` are the pump's, or None at a MicroPython prompt."""

    micropython: tuple[int, ...]
    machine: str
    version: str | None = None
    commit: str | None = None


class System(Protocol):
    """Times are in seconds."""

    def boards(self) -> list[UsbPort]:
        """Picos that run MicroPython."""
        ...

    def volumes(self) -> list[Volume]:
        """Mounted UF2 volumes."""
        ...

    def bootsel_locations(self) -> list[str]:
        """USB locations of boards in BOOTSEL, mounted or not; empty if the system does not report them."""
        ...

    def running(self, port: str) -> Running:
        """The firmware at a port. Raises a PicoinfuseError if nothing answers."""
        ...

    def ask_service(self, port: str) -> None:
        """Put the pump into service: it resets into the prompt. Raises PumpBusy if it refuses."""
        ...

    def ask_bootsel(self, port: str) -> None:
        """Restart MicroPython into BOOTSEL. Raises NoBootloader."""
        ...

    def copy(self, data: bytes, volume: Volume, progress: Progress) -> None:
        """Copy a UF2 file to the volume. Raises a FlashError."""
        ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class RealSystem:
    """USB, mounted disks and mpremote."""

    def boards(self) -> list[UsbPort]:
        return usb_ports()

    def volumes(self) -> list[Volume]:
        return find_volumes()

    def bootsel_locations(self, devices: Path = Path("/sys/bus/usb/devices")) -> list[str]:
        """From /sys, since the boot loader has no serial port that pyserial could list."""
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
        fields = {name: str(hello.get(name)) for name in ("micropython", "machine", "version", "commit")}
        numbers = tuple(int(part) for part in re.findall(r"\d+", fields["micropython"]))
        return Running(numbers, fields["machine"], fields["version"], fields["commit"])

    def ask_service(self, port: str) -> None:
        pump = Pump(port)
        try:
            pump.ask_who()
            with suppress(PortVanished):  # the port may go before the reply has come
                pump.service()
        except PumpError as error:
            if error.code == "wrong_state":
                raise PumpBusy(f"the pump at {port} refuses service: {error.message}; stop it first") from error
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
    """One Pico with a given port and volume: an emulated one, or one that is not found automatically."""

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
    """Run mpremote and return the lines that it prints. Raises NoBootloader."""
    lines: list[str] = []
    try:
        run_mpremote(["connect", device(port), *arguments], lines.append)
    except DeployError as error:
        raise NoBootloader(str(error)) from error
    return lines
