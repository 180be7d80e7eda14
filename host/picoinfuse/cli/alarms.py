"""Commands about alarms that need no pump."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from picoinfuse.alarms.table import alarm_rows, markdown
from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption

Markdown = Annotated[bool, typer.Option("--markdown", help="Print docs/alarms.md.")]


def alarms(as_markdown: Markdown = False, as_json: JsonOption = False) -> None:
    """List all alarms, with their texts and what to do."""
    if as_markdown:
        print(markdown(), end="")
        return
    rows = alarm_rows()
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    table = Table("alarm", "priority", "what it says", "what to do")
    for row in rows:
        table.add_row(row.name, row.priority, row.text, row.action)
    console().print(table)


def alarm_sounds(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the WAV files.")],
    profile: Annotated[str, typer.Option(help="Profile of the board in software that plays them.")] = "syringe-50ml",
) -> None:
    """Write a WAV file of each alarm priority, from the firmware's own piezo signal."""
    from picoinfuse.alarms.sounds import write_alarm_sounds  # the board in software needs numpy
    from picoinfuse.profile import load_profile

    for file in write_alarm_sounds(folder, load_profile(profile)):
        print(file)
