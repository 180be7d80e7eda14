"""Check board profiles."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption
from picoinfuse.common.errors import ProfileError
from picoinfuse.profile import load_profile

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Typer keeps `check` as a subcommand: without this, the only one would take the place of `profile`."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A TOML file, or the name of one in boards/.")],
    as_json: JsonOption = False,
) -> None:
    """Check a profile; report every mistake with its line."""
    try:
        profile = load_profile(file)
    except ProfileError as error:
        if not as_json:
            raise
        mistakes = [dataclasses.asdict(mistake) for mistake in error.mistakes]
        print_json({"file": str(error.file), "mistakes": mistakes})
        raise typer.Exit(1) from error
    if as_json:
        print_json({"file": str(profile.file), "mistakes": []})
    else:
        console().print(f"{profile.name} is valid")
