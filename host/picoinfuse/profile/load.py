"""The profile of a bench: how a board is wired and what mechanics it drives, out of boards/NAME.toml.

    profile = load_profile("syringe-50ml")

A profile that exists is valid: `load_profile` raises ProfileError with every mistake and its line instead.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picoinfuse.common import paths, toml
from picoinfuse.common.errors import ProfileError, ProfileNotFound
from picoinfuse.common.file_kinds import refuse_other_kinds
from picoinfuse.profile.compile import compile_frame, compile_values, world_values


@dataclass(frozen=True)
class Profile:
    """`values` are the tables of the TOML file, `{"mechanics": {"full_steps": 200, …}, …}`; see profile/schema.py."""

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
    """By the path of a TOML file, or by the name of one in boards/.

    Raises ProfileNotFound, or ProfileError with every mistake and its line.
    """
    from picoinfuse.common.schema import validate
    from picoinfuse.profile.file_schema import ProfileFile

    file = Path(name)
    if file.suffix != ".toml":
        file = paths.boards() / f"{name}.toml"
        if not file.is_file():
            raise ProfileNotFound(f"there is no profile {name}; there are {', '.join(profile_names())}")
    document = toml.read(file, ProfileError, ProfileNotFound)
    refuse_other_kinds("profile", document, ProfileError)
    values = validate(ProfileFile, document, ProfileError).model_dump(exclude_none=True)
    return Profile(values["name"], file, values)


def profile_names() -> list[str]:
    """The names of the profiles in boards/."""
    return sorted(file.stem for file in paths.boards().glob("*.toml"))
