"""Two steps at the command line: what would change is shown, and a person says yes. `--yes` is for scripts.

The question goes to stderr, so that what is printed for a program stays alone on stdout.
"""

from typing import Annotated, Any

import typer
from rich.console import Console

from picoinfuse import units
from picoinfuse.cli.common import grid
from picoinfuse.messages import Proposal
from picoinfuse.pump import Pump

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: for scripts.")]

# By the unit, which is last in a name.
_TEXTS = {"_ul_h": units.ml_h, "_nl": units.ml, "_pa": units.mmhg}


def confirmed(pump: Pump, proposal: Proposal, yes: bool) -> dict[str, Any]:
    """The result of what was proposed. Exit status 1, and nothing changed, when the person does not want it."""
    if not yes:
        _show(proposal)
        if not typer.confirm("Do it?", err=True):
            typer.echo("nothing has changed", err=True)
            raise typer.Exit(1)
    return pump.confirm(proposal)


def _show(proposal: Proposal) -> None:
    table = grid()
    for name, (now, then) in proposal.changes.items():
        if now != then:
            table.add_row(_title(name), f"{_text(name, now)} → [bold]{_text(name, then)}[/]")
    Console(stderr=True, highlight=False).print(table)


def _title(name: str) -> str:
    unit = _unit(name)
    return name.removesuffix(unit or "").replace("_", " ").capitalize()


def _text(name: str, value: Any) -> str:
    if value is None:
        return "none"
    unit = _unit(name)
    return _TEXTS[unit](value) if unit is not None else str(value).replace("_", " ")


def _unit(name: str) -> str | None:
    return next((unit for unit in _TEXTS if name.endswith(unit)), None)
