"""The tables of a rig file, boards/rigs/NAME.toml. The adapters, lines and capabilities are in hardware.py."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model

from picoinfuse.common.schema import Finding, Table, refused
from picoinfuse.common.words import shown
from picoinfuse.rig.hardware import ADAPTERS, LINES, MCP4725_ADDRESSES, REFERENCE_MV, SAMPLERATE_HZ
from picoinfuse.trace.trace import WIRES


def _not_empty(text: str) -> str:
    if not text:
        raise refused("out_of_range", "must not be empty")
    return text


def _address(value: Any) -> Any:
    if type(value) is not int or value not in MCP4725_ADDRESSES:
        raise refused("address", f"{shown(value)} is not the address of an MCP4725, 0x60 to 0x67")
    return value


def _driver(driver: str) -> str:
    if not driver or driver.startswith("-"):
        raise refused("driver", f"{shown(driver)} is not a driver of sigrok, such as fx2lafw")
    return driver


def _channel(channel: str) -> str:
    if not channel.isalnum():
        raise refused("channel", f"{shown(channel)} is not the name of a channel, such as D0")
    return channel


_ADDRESSES = {"type": "integer", "minimum": MCP4725_ADDRESSES[0], "maximum": MCP4725_ADDRESSES[-1]}
Text = Annotated[str, AfterValidator(_not_empty), WithJsonSchema({"type": "string", "minLength": 1})]
Address = Annotated[int, BeforeValidator(_address), WithJsonSchema(_ADDRESSES)]
Driver = Annotated[str, AfterValidator(_driver), WithJsonSchema({"type": "string", "examples": ["fx2lafw"]})]
Channel = Annotated[str, AfterValidator(_channel), WithJsonSchema({"type": "string", "examples": ["D0"]})]
Pin = Annotated[Text, WithJsonSchema({"type": "string", "minLength": 1, "examples": ["C0", "!C1"]})]


def check_place(port: str | None, location: str | None) -> Iterator[Finding]:
    """Exactly one of the two."""
    if port is None and location is None:
        yield Finding("missing_key", ("port",), "port is missing{where}: give either port or location")
    elif port is not None and location is not None:
        yield Finding("contradiction", ("location",), "location: give either port or location, not both")


class PumpPlace(Table):
    """The Pico under test, by its port or its place on USB."""

    port: Text | None = Field(None, description="Serial port, such as /dev/ttyACM0.")
    location: Text | None = Field(None, description="Place on USB, as `picoinfuse ports` shows it.")

    checks = (check_place,)


class AdapterTable(Table):
    """What drives the lines."""

    kind: Literal[tuple(ADAPTERS)] = Field(description="The adapter, as docs/rig.md describes it.")  # pyright: ignore


class Converter(Table):
    """An MCP4725."""

    address: Address = Field(description="On the I2C bus, 0x60 to 0x67.")
    reference_mv: int = Field(ge=REFERENCE_MV[0], le=REFERENCE_MV[1], description="Its supply, mV.")


class PicoInstrument(PumpPlace):
    """A second Pico, whose GP2 to GP7 are on the pump's wires."""

    kind: Literal["pico"] = Field(description="A second Pico, whose GP2 to GP7 are on the pump's wires.")


class SigrokInstrument(Table):
    """A logic analyser that sigrok-cli reads."""

    kind: Literal["sigrok"] = Field(description="A logic analyser that sigrok-cli reads; with [channels].")
    driver: Driver = Field(description="Sigrok's name of its driver.")
    samplerate_hz: int = Field(ge=SAMPLERATE_HZ[0], le=SAMPLERATE_HZ[1], description="Samples a second.")


def _table(name: str, doc: str, fields: dict[str, tuple[Any, Any]]) -> Any:
    more: dict[str, Any] = dict(fields)
    return create_model(name, __base__=Table, __doc__=doc, **more)


Lines = _table(
    "Lines",
    "Pins of the adapter that drive a wire of the bench. A ! before the pin: low is active.",
    {name: (Pin | None, Field(None, description=f"{what[0].upper()}{what[1:]}.")) for name, what in LINES.items()},
)
Channels = _table(
    "Channels",
    "Channels of the logic analyser.",
    {wire: (Channel | None, Field(None, description=f"On the pump's {wire}.")) for wire in WIRES},
)
