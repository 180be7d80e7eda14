"""Reads a rig file, boards/rigs/NAME.toml, and refuses it with the line of every mistake before anything is driven."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picoinfuse.common import toml
from picoinfuse.common.errors import RigError, RigNotFound
from picoinfuse.common.file_kinds import refuse_other_kinds
from picoinfuse.rig.hardware import CONVERTERS
from picoinfuse.rig.instrument.sigrok import Analyser

if TYPE_CHECKING:
    from picoinfuse.rig.file_schema import RigFile


@dataclass(frozen=True)
class Converter:
    """An MCP4725: its I2C address, and its supply, which is its reference."""

    address: int
    reference_mv: int


@dataclass(frozen=True)
class Line:
    """A driven wire."""

    pin: str
    active_low: bool


@dataclass(frozen=True)
class Instrument:
    """What captures edges: a Pico at a port or a USB location, or else an analyser."""

    port: str | None
    location: str | None
    analyser: Analyser | None


@dataclass(frozen=True)
class Rig:
    """A rig file that is valid. One of `port` and `location` is there. `adapter_line`: of the file, for errors."""

    file: Path
    name: str
    port: str | None
    location: str | None
    adapter: str
    adapter_line: int
    lines: dict[str, Line]
    converters: dict[str, Converter]
    capabilities: frozenset[str]
    instrument: Instrument | None


def load_rig(file: Path) -> Rig:
    """The rig that a file describes. Raises RigNotFound, or RigError with every mistake and its line."""
    from picoinfuse.common.schema import validate
    from picoinfuse.rig.file_schema import RigFile

    document = toml.read(file, RigError, RigNotFound)
    refuse_other_kinds("rig", document, RigError)
    rig = validate(RigFile, document, RigError)
    pins = rig.lines.model_dump(exclude_none=True)
    converters = {name: getattr(rig, name) for name in CONVERTERS}
    return Rig(
        file,
        rig.name or file.stem,
        rig.pump.port,
        rig.pump.location,
        rig.adapter.kind,
        document.line(("adapter", "kind")),
        {name: Line(pin.removeprefix("!"), pin.startswith("!")) for name, pin in pins.items()},
        {name: Converter(table.address, table.reference_mv) for name, table in converters.items() if table},
        frozenset(rig.capabilities),
        _instrument(rig),
    )


def _instrument(rig: RigFile) -> Instrument | None:
    table = rig.instrument
    if table is None:
        return None
    if table.kind == "pico":
        return Instrument(table.port, table.location, None)
    assert rig.channels is not None, "check_analyser passed"
    return Instrument(None, None, Analyser(table.driver, table.samplerate_hz, rig.channels.model_dump()))
