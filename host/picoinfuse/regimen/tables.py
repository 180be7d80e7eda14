"""The tables of a regimen that more than one kind has, and what each is in the pump's integers."""

from collections.abc import Iterator

from pydantic import Field

from picoinfuse.common import units
from picoinfuse.common.errors import BadQuantity
from picoinfuse.common.schema import Finding, Table
from picoinfuse.regimen.quantities import rate_of
from picoinfuse.regimen.types import Concentration, Duration, Rate, Segment, Volume, Weight


def rate_and_volume(rate: int | None, volume: int | None, duration: int | None) -> tuple[int, int] | None:
    """(µL/h, nL) of any two of the three; None where there are fewer. Raises BadQuantity."""
    if volume is not None and duration is not None:
        return (rate_of(volume, duration) if volume else 0), volume
    if rate is not None and volume is not None:
        return rate, volume
    if rate is not None and duration is not None:
        return rate, rate * duration * 5 // 18
    return None


def check_two_of_three(rate: int | None, volume: int | None, duration: int | None) -> Iterator[Finding]:
    """Two of the three are there; all three agree."""
    try:
        found = rate_and_volume(rate, volume, duration)
    except BadQuantity as error:
        yield Finding("quantity", ("duration",), f"duration: {error}")
        return
    if found is None:
        there = {"rate": rate, "volume": volume, "duration": duration}
        missing = next(name for name, value in there.items() if value is None)
        yield Finding(
            "missing_key", (missing,), f"{missing} is missing{{where}}: give two of rate, volume and duration"
        )
    elif rate not in (None, found[0]):
        text = f"rate: {units.ml_h(rate)} does not fit the volume and the duration, which make {units.ml_h(found[0])}"
        yield Finding("contradiction", ("rate",), f"{text}; leave one of the three out")


class VolumeAtRate(Table):
    """Any two of rate, volume and duration."""

    rate: Rate | None = Field(None, description="How fast.")
    volume: Volume | None = Field(None, description="How much.")
    duration: Duration | None = Field(None, description="For how long.")

    checks = (check_two_of_three,)

    def rate_and_volume(self) -> tuple[int, int]:
        """(µL/h, nL)."""
        found = rate_and_volume(self.rate, self.volume, self.duration)
        assert found is not None, "check_two_of_three passed"
        return found

    def segment(self) -> Segment:
        """A volume at a rate."""
        rate_ul_h, volume_nl = self.rate_and_volume()
        return [rate_ul_h, rate_ul_h, 0, volume_nl]


class DrugTable(Table):
    """What is in a mL, and for whom. Doses and amounts need it."""

    name: str | None = Field(None, description="The drug's name in the pump's library, whose limits then hold.")
    concentration: Concentration | None = Field(None, description="The amount in a mL, or in a volume.")
    weight: Weight | None = Field(None, description="The patient's weight, for doses by weight.")
