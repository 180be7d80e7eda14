"""The serial port: what the link needs of one, how it is opened, and which boards are plugged in.

`open_port` takes anything pyserial opens: a device, `socket://`, `rfc2217://`. It asks for exclusive access,
because two readers of one port each get half of the lines. Reads and writes both have a time-out: a board
that hangs must not hang the host.
"""

import errno
import os
from dataclasses import dataclass
from typing import Protocol

import serial
from serial.tools import list_ports

from picoinfuse.client.text import printable
from picoinfuse.common.errors import NoBoard, PortBusy, PortDenied, PortError, PortNotFound

READ_TIMEOUT_S = 0.05  # how long a close() waits for the reader at most
WRITE_TIMEOUT_S = 2.0
PICO_VID = 0x2E8A
PICO_PID = 0x0005  # MicroPython's USB serial port
BOOTSEL_PID = 0x0003


class Port(Protocol):
    """What pyserial's Serial has, as far as the link uses it. `read` blocks up to `timeout`."""

    @property
    def timeout(self) -> float | None: ...

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class UsbPort:
    """A serial port of a Pico that runs MicroPython."""

    device: str
    serial_number: str | None
    location: str | None
    description: str


def open_port(url: str) -> Port:
    """Opens a port. Raises PortNotFound, PortBusy, PortDenied or another PortError: one sentence that says why not."""
    try:
        if url.lower().startswith("rfc2217://"):
            return serial.serial_for_url(_lenient(url), baudrate=115200, timeout=READ_TIMEOUT_S)
        return serial.serial_for_url(
            url, baudrate=115200, timeout=READ_TIMEOUT_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True
        )
    except (OSError, ValueError) as error:
        raise _open_error(url, error) from error
    except TypeError as error:  # pyserial, of a URL without a port number
        raise PortNotFound(url, f"{url} has no port number; write it as {url.partition(':')[0]}://HOST:PORT") from error


def _lenient(url: str) -> str:
    """The URL of an RFC 2217 server, with the option that its answers to SET_CONTROL are not waited for.

    ser2net does not answer them for a board on USB or a pseudo terminal, and pyserial would give up after 3 s. Nothing
    is lost: such a port has no control lines. pyserial refuses a write time-out for these URLs; the socket has one of
    its own, 5 s.
    """
    if "ign_set_control" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}ign_set_control"


def usb_ports() -> list[UsbPort]:
    """Every Pico on USB that shows a MicroPython serial port."""
    found = [
        UsbPort(info.device, info.serial_number, info.location, printable(info.description or ""))
        for info in list_ports.comports()
        if (info.vid, info.pid) == (PICO_VID, PICO_PID)
    ]
    return sorted(found, key=lambda port: port.device)


def the_one_board() -> str:
    """The port of the only Pico; refuses to guess between two."""
    found = usb_ports()
    if not found:
        raise NoBoard("no Pico was found on USB; plug one in, or name a port with --port")
    if len(found) > 1:
        listed = ", ".join(f"{port.device} (serial number {port.serial_number})" for port in found)
        raise NoBoard(f"{len(found)} Picos were found; choose one with --port: {listed}")
    return found[0].device


def serial_number_of(url: str) -> str | None:
    """The USB serial number behind a device name, so that the board can be found again under another name."""
    device = os.path.realpath(url)
    return next((port.serial_number for port in usb_ports() if port.device in (url, device)), None)


def device_now(url: str, serial_number: str | None) -> str:
    """Where that board is now: after a reset the system may have given it another device name."""
    if serial_number is None:
        return url
    return next((port.device for port in usb_ports() if port.serial_number == serial_number), url)


def _open_error(url: str, error: OSError | ValueError) -> PortError:
    code = getattr(error, "errno", None)
    text = str(error)  # on Windows pyserial gives no errno, only the system's error as text
    if code == errno.EACCES:
        how = "add yourself to its group (sudo usermod -aG dialout $USER) and log in again"
        return PortDenied(url, f"you may not open {url}: {how}")
    if code in (errno.EAGAIN, errno.EBUSY) or "PermissionError" in text:
        return PortBusy(url, f"{url} is in use by another program; close it first")
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in text:
        return PortNotFound(url, f"there is no port {url}; `picoinfuse ports` lists those there are")
    if "://" in url:
        return PortNotFound(url, f"{url} cannot be reached: {text}")
    return PortError(url, f"{url} cannot be opened as a serial port: {text}")
