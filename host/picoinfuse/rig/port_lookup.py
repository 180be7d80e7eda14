"""Where the boards of a rig are now. By location a board is found again under whatever name it has."""

from __future__ import annotations

from pathlib import Path

from picoinfuse.client.port import usb_ports
from picoinfuse.common.errors import NoBoard
from picoinfuse.rig.file import Rig


def port_of(rig: Rig) -> str:
    """The port of the pump."""
    return port_at(rig.file, rig.port, rig.location)


def port_at(file: Path, port: str | None, location: str | None) -> str:
    """The port, or the one at that USB location."""
    if port is not None:
        return port
    for found in usb_ports():
        if found.location == location:
            return found.device
    raise NoBoard(f"{file}: no Pico is at USB location {location}; `picoinfuse ports` lists those there are")
