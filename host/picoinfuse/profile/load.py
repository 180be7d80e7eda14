"""The profile of a bench: how a board is wired and what mechanics it drives, out of boards/NAME.toml.

    profile = load_profile("syringe-50ml")

A profile that exists is valid: `load_profile` raises ProfileError with every mistake and its line instead.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picoinfuse.common import paths
from picoinfuse.common.errors import ProfileError, ProfileNotFound
from picoinfuse.profile.checks import (
    check_battery,
    check_kvo,
    check_motion,
    check_pins,
    check_pressures,
    check_reservoir,
    check_retraction,
    check_upstream,
)
from picoinfuse.profile.compile import compile_frame, compile_values, world_values
from picoinfuse.profile.read import Reading


@dataclass(frozen=True)
class Profile:
    """`values` are those of the TOML file."""

    name: str
    file: Path
    values: dict[str, Any]

    def compiled(self) -> dict[str, Any]:
        """The object of `/profile.json`."""
        return compile_values(self.values)

    def frame(self) -> bytes:
        """The file `/profile.json`, ready to be written."""
        return compile_frame(self.values)

    def world(self) -> dict[str, Any]:
        """What a board in software plays."""
        return world_values(self.values)


def load_profile(name: str | Path) -> Profile:
    """By the path of a TOML file, or by the name of one in boards/."""
    file = Path(name)
    if file.suffix != ".toml":
        file = paths.boards() / f"{name}.toml"
        if not file.is_file():
            raise ProfileNotFound(f"there is no profile {name}; there are {', '.join(profile_names())}")
    reading = Reading(file)
    reading.check_schema()
    _check_tables(reading)
    if reading.mistakes:
        raise ProfileError(file, reading.mistakes)
    return Profile(reading.values["name"], file, reading.values)


def profile_names() -> list[str]:
    return sorted(file.stem for file in paths.boards().glob("*.toml"))


def _check_tables(reading: Reading) -> None:
    """Checks across keys, where the tables they need are without mistakes of their own."""
    faulty = frozenset(reading.faulty_tables)  # as it is now: the checks below add to it
    if "wiring" not in faulty:
        check_pins(reading)
    if not faulty & {"occlusion", "sensor"}:
        check_pressures(reading)
    if "mechanics" not in faulty:
        check_motion(reading)
    if not faulty & {"occlusion", "wiring"}:
        check_upstream(reading)
    if "reservoir" not in faulty:
        check_reservoir(reading)
    if not faulty & {"battery", "wiring"}:
        check_battery(reading)
    if not faulty & {"therapy", "mechanics"}:
        check_kvo(reading)
    if not faulty & {"occlusion", "mechanics"}:
        check_retraction(reading)
