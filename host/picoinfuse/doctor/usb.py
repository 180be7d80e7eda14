"""Check the boards that are plugged in, and the permission to use them."""

import os
import sys
from pathlib import Path

from picoinfuse.client.port import BOOTSEL_PID, PICO_VID, UsbPort, usb_ports
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import NoAnswer, PicoinfuseError, PortBusy, ReplAnswers, UnsupportedMicroPython
from picoinfuse.common.micropython_versions import check_version
from picoinfuse.deploy import staging
from picoinfuse.doctor.checks import Check

USB_DEVICES = Path("/sys/bus/usb/devices")
USB_DRIVERS = Path("/sys/bus/usb/drivers")
MODULES = Path("/lib/modules")
RULES = (Path("/etc/udev/rules.d"), Path("/lib/udev/rules.d"), Path("/usr/lib/udev/rules.d"))
RULE = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="2e8a", MODE="0660", GROUP="dialout", ENV{ID_MM_DEVICE_IGNORE}="1"'
RULE_FILE = "/etc/udev/rules.d/60-picoinfuse.rules"
GROUPS = ("dialout", "uucp")  # Debian and most; Arch
HELLO_S = 1.0


def plugged_in() -> list[Check]:
    """Check permission, udev rule, driver, and each board on USB."""
    checks = [_group(), _rule(), _driver()] if sys.platform == "linux" else []
    return [*checks, *_boards(), *_bootsel()]


def _group() -> Check:
    """Permission to open serial ports."""
    import grp

    known = [group for group in grp.getgrall() if group.gr_name in GROUPS]
    mine = {os.getegid(), *os.getgroups()}
    allowed = [group.gr_name for group in known if group.gr_gid in mine]
    if os.geteuid() == 0:
        return Check("permission", "ok", "root")
    if allowed:
        return Check("permission", "ok", f"in the group {allowed[0]}")
    name = known[0].gr_name if known else GROUPS[0]
    advice = f"sudo usermod -aG {name} $USER, then log out and in again"
    return Check("permission", "note", f"not in the group {name}, which may open serial ports", advice)


def _rule() -> Check:
    """Ports work without a rule on most systems, but ModemManager may probe each new one for a modem."""
    for folder in RULES:
        for file in sorted(folder.glob("*.rules")):
            if f"{PICO_VID:04x}" in _read(file).lower():
                return Check("udev rule", "ok", str(file))
    advice = f"only if ports are refused or busy: echo '{RULE}' | sudo tee {RULE_FILE} && sudo udevadm control --reload"
    return Check("udev rule", "note", "none for the Pico", advice)


def _driver() -> Check:
    """Linux's driver of USB serial ports; often missing in a container."""
    if (USB_DRIVERS / "cdc_acm").exists():
        return Check("driver", "ok", "cdc_acm")
    release = MODULES / os.uname().release
    if any(release.rglob("cdc-acm.ko*")) or "cdc-acm.ko" in _read(release / "modules.builtin"):
        return Check("driver", "ok", "cdc_acm, loaded when a Pico is plugged in")
    return Check("driver", "note", "cdc_acm is missing", "sudo modprobe cdc_acm; the boards in software need none")


def _boards() -> list[Check]:
    ports = usb_ports()
    if not ports:
        advice = "plug in a Pico that runs MicroPython; the boards in software need none"
        return [Check("Pico", "note", "none on USB", advice)]
    return [_board(port) for port in ports]


def _board(port: UsbPort) -> Check:
    found = f"{port.device}, serial number {port.serial_number}"
    if os.name == "posix" and not os.access(port.device, os.R_OK | os.W_OK):
        advice = "sudo usermod -aG dialout $USER, then log out and in again"
        return Check("Pico", "fault", f"{found}: no permission to open it", advice)
    try:
        with Pump(port.device, timeout_s=HELLO_S) as pump:
            hello = pump.hello()
        found = f"{found}: picoinfuse {hello.version} ({hello.commit}), MicroPython {hello.micropython}"
        check_version(tuple(int(part) for part in hello.micropython.split(".")), port.device)
    except UnsupportedMicroPython as error:
        return Check("Pico", "fault", found, f"{error}: make flash UF2=…")
    except ReplAnswers:
        return Check("Pico", "note", f"{found}: a MicroPython prompt", f"make deploy PORT={port.device}")
    except PortBusy as error:
        return Check("Pico", "note", found, str(error))
    except NoAnswer:
        advice = "reset it; if that does not help: make flash, make deploy"
        return Check("Pico", "fault", f"{found}: nothing answers", advice)
    except PicoinfuseError as error:
        return Check("Pico", "note", f"{found}: no pump", f"{error}; make deploy PORT={port.device}")
    if hello.commit != staging.commit():
        advice = f"make deploy PORT={port.device}, if it is meant to run this clone's {staging.commit()}"
        return Check("Pico", "note", found, advice)
    return Check("Pico", "ok", found)


def _bootsel() -> list[Check]:
    """Picos in BOOTSEL, from Linux's /sys; they have no serial port, so other systems do not show them."""
    found: list[Check] = []
    for device in sorted(USB_DEVICES.glob("*")):
        if (_usb_id(device / "idVendor"), _usb_id(device / "idProduct")) == (PICO_VID, BOOTSEL_PID):
            advice = "make flash UF2=…, then make deploy"
            found.append(Check("Pico", "note", f"in BOOTSEL at USB {device.name}", advice))
    return found


def _usb_id(file: Path) -> int | None:
    try:
        return int(file.read_text(), 16)
    except (OSError, ValueError):  # not a device, or gone just now
        return None


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
