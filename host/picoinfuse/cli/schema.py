"""The schemas of the files that people write: for editors as JSON Schema, for readers as a page."""

from enum import StrEnum
from typing import Annotated, Any

import typer


class Kind(StrEnum):
    """A kind of file."""

    PROFILE = "profile"
    REGIMEN = "regimen"
    LIBRARY = "library"
    RIG = "rig"


KindArgument = Annotated[Kind, typer.Argument(help="Kind of file.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the page of docs/reference/ instead.")]

_INTROS = {
    Kind.PROFILE: "A profile, `boards/NAME.toml`, says how a board is wired and what mechanics it drives. "
    "`picoinfuse profile check` checks one.",
    Kind.REGIMEN: "A regimen says what the pump gives and when. `picoinfuse plan FILE` checks and shows one; "
    "[regimens.md](../regimens.md) explains them.",
    Kind.LIBRARY: "A drug library says which drugs a pump gives, at which concentrations and within which limits. "
    "`picoinfuse library check FILE` checks one; [library.md](../library.md) explains them.",
    Kind.RIG: "A rig file, `boards/rigs/NAME.toml`, says how the wires of a bench are driven and captured. "
    "`picoinfuse rig check FILE` reads it and tries each wire; [rig.md](../rig.md) explains them.",
}


def schema(kind: KindArgument, as_markdown: Markdown = False) -> None:
    """Print the JSON Schema of a kind of file, for editors that check TOML."""
    from picoinfuse.common import reference

    if as_markdown:
        print(reference.markdown(kind, _INTROS[kind], _models(kind)), end="")
    else:
        print(reference.json_schema(kind, _models(kind)), end="")


def _models(kind: Kind) -> list[Any]:
    """The pydantic models; importing pydantic takes 0.1 s, so only when they are asked for."""
    if kind is Kind.PROFILE:
        from picoinfuse.profile.file_schema import ProfileFile

        return [ProfileFile]
    if kind is Kind.REGIMEN:
        from picoinfuse.regimen.schema import KINDS

        return list(KINDS.values())
    if kind is Kind.LIBRARY:
        from picoinfuse.library.schema import LibraryFile

        return [LibraryFile]
    from picoinfuse.rig.file_schema import RigFile

    return [RigFile]
