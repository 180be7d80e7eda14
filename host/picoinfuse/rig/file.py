"""Reads a rig file, boards/rigs/NAME.toml, and refuses it with the line of every mistake before anything is driven."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.common.errors import Mistake, PicoinfuseError
from picoinfuse.common.toml import KeyLines, syntax_mistake
from picoinfuse.rig.instruments import Instrument, check_instrument, instrument_of
from picoinfuse.rig.reading import Reading
from picoinfuse.rig.schema import (
    ADAPTERS,
    CONVERTERS,
    INSTRUMENT_KEYS,
    LINES,
    MCP4725_ADDRESSES,
    NEEDED,
    REFERENCE_MV,
    WITH,
)
from picoinfuse.trace.trace import WIRES

_TABLES = {
    "pump": {"port", "location"},
    "adapter": {"kind"},
    "lines": set(LINES),
    "instrument": {key for keys in INSTRUMENT_KEYS.values() for key in keys},
    "channels": set(WIRES),
}
_TOP = {"name", "description", "capabilities"}
_CONVERTER_KEYS = {"address", "reference_mv"}


class RigUnreadable(PicoinfuseError):
    """There is no text in the rig file, or no rig file."""


class RigError(PicoinfuseError):
    """A rig file is wrong. It carries every mistake, each with its line."""

    def __init__(self, file: Path, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line)
        super().__init__("\n".join(f"{file}:{m.line}: {m.message}" for m in self.mistakes))


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
class Rig:
    """A rig file that is in order. One of `port` and `location` is there. `adapter_line`: of the file, for errors."""

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
    """The rig that a file describes. Raises RigUnreadable, or RigError with every mistake."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RigUnreadable(f"the rig file {file} cannot be read: {why}") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RigError(file, [syntax_mistake(error, text)]) from error
    reading = Reading(values, KeyLines(text))
    _check_keys(reading)
    _check_pump(reading)
    _check_adapter(reading)
    _check_converters(reading)
    _check_pairs(reading)
    check_instrument(reading)
    _check_claims(reading)
    if reading.mistakes:
        raise RigError(file, reading.mistakes)
    pump = reading.table("pump")
    return Rig(
        file,
        str(values.get("name", file.stem)),
        pump.get("port"),
        pump.get("location"),
        reading.table("adapter")["kind"],
        reading.places.of("adapter", "kind"),
        {name: Line(pin.removeprefix("!"), pin.startswith("!")) for name, pin in reading.table("lines").items()},
        {name: Converter(**reading.table(name)) for name in CONVERTERS if name in values},
        frozenset(values.get("capabilities", ())),
        instrument_of(reading),
    )


def _check_keys(reading: Reading) -> None:
    tables = {**_TABLES, **dict.fromkeys(CONVERTERS, _CONVERTER_KEYS)}
    for name, value in reading.values.items():
        if name not in tables and name not in _TOP:
            reading.mistake("unknown_key", name if isinstance(value, dict) else "", name, f"unknown key {name}")
        elif name in tables and not isinstance(value, dict):
            reading.mistake("wrong_type", "", name, f"{name} must be a table")
        elif name in tables:
            for key in value.keys() - tables[name]:
                reading.mistake("unknown_key", name, key, f"unknown key {key} in [{name}]")


def _check_pump(reading: Reading) -> None:
    given = reading.table("pump")
    if len(given) != 1 or not all(isinstance(value, str) and value for value in given.values()):
        reading.mistake("pump", "pump", "", "[pump] must say either port or location, as text")


def _check_adapter(reading: Reading) -> None:
    """Its kind, and that every line has a pin of its own."""
    kind = reading.table("adapter").get("kind")
    if kind not in ADAPTERS:
        reading.mistake("adapter", "adapter", "kind", f"adapter kind is {kind!r}, must be one of {', '.join(ADAPTERS)}")
        return
    adapter = ADAPTERS[kind]
    wired = any(name in reading.values for name in CONVERTERS)
    used = dict.fromkeys(adapter.i2c, "I2C") if wired else {}
    for name, value in reading.table("lines").items():
        pin = value.removeprefix("!") if isinstance(value, str) else value
        if pin not in adapter.pins:
            pins = ", ".join(sorted(adapter.pins))
            reading.mistake("no_such_pin", "lines", name, f"{name}: {kind} has no pin {pin!r}, it has {pins}")
        elif pin in used:
            reading.mistake("pin_used_twice", "lines", name, f"{name} and {used[pin]} are both on {pin}")
        else:
            used[pin] = name


def _check_converters(reading: Reading) -> None:
    addresses: dict[int, str] = {}
    for name in CONVERTERS:
        if name not in reading.values:
            continue
        address, reference_mv = (reading.table(name).get(key) for key in ("address", "reference_mv"))
        low, high = REFERENCE_MV
        if type(address) is not int or address not in MCP4725_ADDRESSES:
            reading.mistake("address", name, "address", f"{name}: an MCP4725 has an address from 0x60 to 0x67")
        elif address in addresses:
            text = f"{name} and {addresses[address]} are both at {address:#x}"
            reading.mistake("address_used_twice", name, "address", text)
        else:
            addresses[address] = name
        if type(reference_mv) is not int or not low <= reference_mv <= high:
            reading.mistake("reference", name, "reference_mv", f"{name}: reference_mv must be {low} to {high}")


def _check_claims(reading: Reading) -> None:
    claimed = reading.values.get("capabilities", [])
    if not isinstance(claimed, list):
        reading.mistake("wrong_type", "", "capabilities", "capabilities must be a list")
        return
    for capability in claimed:
        if capability not in NEEDED:
            text = f"no rig can claim {capability!r}; there are {', '.join(NEEDED)}"
            reading.mistake("unknown_capability", "", "capabilities", text)
            continue
        for wire in NEEDED[capability]:
            if not _has(reading, wire):
                text = f"{capability} is claimed, but {_lacks(wire)}"
                reading.mistake("not_wired", "", "capabilities", text)


def _check_pairs(reading: Reading) -> None:
    """The pressure sensor is either the sensor or a converter: a switch between them, or none of both."""
    for wire, other in WITH.items():
        if _has(reading, wire) and not _has(reading, other):
            table, key = (wire, "") if wire in CONVERTERS else ("lines", wire)
            reading.mistake("not_wired", table, key, f"{wire} is of no use: {_lacks(other)}")


def _has(reading: Reading, wire: str) -> bool:
    return wire in reading.table("lines") if wire in LINES else wire in reading.values


def _lacks(wire: str) -> str:
    return f"[lines] has no {wire}" if wire in LINES else f"there is no [{wire}]"
