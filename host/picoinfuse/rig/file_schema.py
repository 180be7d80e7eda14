"""The schema of a whole rig file: its tables, and what must fit together across them."""

from typing import Literal

from pydantic import Field

from picoinfuse.common.schema import Table
from picoinfuse.rig import cross_checks, schema
from picoinfuse.rig.hardware import NEEDED


class RigFile(Table):
    """A rig: a Pico whose wires are driven and captured by real hardware."""

    name: str | None = Field(None, description="The rig's name; the file's where it is missing.")
    description: str | None = Field(None, description="One line for people.")
    capabilities: list[Literal[tuple(NEEDED)]] = Field([], description="What tests may ask of this bench.")  # pyright: ignore
    pump: schema.PumpPlace
    adapter: schema.AdapterTable
    lines: schema.Lines = Field(default_factory=schema.Lines, description="Wires that are driven.")  # pyright: ignore[reportInvalidTypeForm]
    sensor_dac: schema.Converter | None = Field(None, description="Takes the place of the pressure sensor.")
    battery_dac: schema.Converter | None = Field(None, description="Takes the place of the battery's divider.")
    instrument: schema.PicoInstrument | schema.SigrokInstrument | None = Field(
        None, discriminator="kind", description="What captures edges."
    )
    channels: schema.Channels | None = Field(None, description="With an instrument of kind sigrok.")  # pyright: ignore[reportInvalidTypeForm]

    checks = (
        cross_checks.check_pins,
        cross_checks.check_addresses,
        cross_checks.check_pairs,
        cross_checks.check_boards,
        cross_checks.check_channels,
        cross_checks.check_analyser,
        cross_checks.check_claims,
    )
