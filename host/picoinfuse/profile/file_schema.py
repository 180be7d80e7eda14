"""The schema of a whole profile: its tables, and what must fit together across them."""

from typing import Annotated

from pydantic import Field

from picoinfuse.common.schema import Table
from picoinfuse.profile import cross_checks, schema


class ProfileFile(Table):
    """A profile: how a board is wired and what mechanics it drives."""

    name: schema.Name = Field(description="The profile's name: 1 to 32 of a-z, 0-9 and -, with no - first.")
    description: str | None = Field(None, description="One line for people.")
    wiring: schema.Wiring
    mechanics: Annotated[schema.Syringe | schema.Peristaltic, Field(discriminator="kind")]
    sensor: schema.Sensor
    occlusion: schema.Occlusion
    alarms: schema.Alarms
    therapy: schema.Therapy
    battery: schema.Battery | None = None
    reservoir: schema.Reservoir
    library: schema.Library
    world: schema.World

    checks = (
        cross_checks.check_pins,
        cross_checks.check_reach,
        cross_checks.check_step_volume,
        cross_checks.check_step_rate,
        cross_checks.check_upstream,
        cross_checks.check_battery_wired,
        cross_checks.check_kvo,
        cross_checks.check_retraction,
    )
