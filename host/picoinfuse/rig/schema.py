"""The schema of a rig file, boards/rigs/NAME.toml. The adapters, lines and capabilities are in hardware.py."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model

from picoinfuse.common.schema import Table, refused
from picoinfuse.common.words import shown
from picoinfuse.rig import checks_of_file as checks
from picoinfuse.rig.hardware import ADAPTERS, LINES, MCP4725_ADDRESSES, NEEDED, REFERENCE_MV, SAMPLERATE_HZ
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


class PumpPlace(Table):
    """The Pico under test, by its port or its place on USB."""

    port: Text | None = Field(None, description="Serial port, such as /dev/ttyACM0.")
    location: Text | None = Field(None, description="Place on USB, as `picoinfuse ports` shows it.")

    checks = (checks.check_place,)


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


class RigFile(Table):
    """A rig: a Pico whose wires are driven and captured by real hardware."""

    name: str | None = Field(None, description="The rig's name; the file's where it is missing.")
    description: str | None = Field(None, description="One line for people.")
    capabilities: list[Literal[tuple(NEEDED)]] = Field([], description="What tests may ask of this bench.")  # pyright: ignore
    pump: PumpPlace
    adapter: AdapterTable
    lines: Lines = Field(default_factory=Lines, description="Wires that are driven.")  # pyright: ignore[reportInvalidTypeForm]
    sensor_dac: Converter | None = Field(None, description="Takes the place of the pressure sensor.")
    battery_dac: Converter | None = Field(None, description="Takes the place of the battery's divider.")
    instrument: PicoInstrument | SigrokInstrument | None = Field(
        None, discriminator="kind", description="What captures edges."
    )
    channels: Channels | None = Field(None, description="With an instrument of kind sigrok.")  # pyright: ignore[reportInvalidTypeForm]

    checks = (
        checks.check_pins,
        checks.check_addresses,
        checks.check_pairs,
        checks.check_boards,
        checks.check_channels,
        checks.check_analyser,
        checks.check_claims,
    )
