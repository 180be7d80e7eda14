"""Confirmation at the command line: show what would change and ask. `--yes` skips the question, for scripts.

Questions go to stderr, so that stdout has nothing but the result.
"""

from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from picoinfuse.cli.common import grid, value_text
from picoinfuse.cli.limits import NO_DRUG, Units, amount, beyond
from picoinfuse.client.caller import Proposal, SoftLimit
from picoinfuse.client.pump import Pump
from picoinfuse.common import units
from picoinfuse.dosing.dose import decimal

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
OverrideSoftLimitsOption = Annotated[
    list[float] | None,
    typer.Option(
        "--override-soft-limits", help="A value that passes a soft limit, to be given all the same; for scripts."
    ),
]

R = TypeVar("R")

# Shown first, in this order; the pump sends the changes in the order of a hash.
_FIRST = ("state", "regimen", "drug", "dose", "rate_ul_h", "vtbi_nl", "volume_nl", "lasts_s")


def confirmed(
    pump: Pump,
    proposal: Proposal[R],
    yes: bool,
    override_soft_limits: list[float] | None = None,
    limits: Units = NO_DRUG,
) -> R:
    """Confirm a proposal and return the result. Raises typer.Exit(1), with nothing changed, when the person declines.

    A value beyond a soft limit of the drug library has to be typed again, in the units of `limits`, or named in
    `override_soft_limits`; `yes` alone does not override a soft limit.
    """
    if not yes:
        _show(proposal, limits)
        if not typer.confirm("Apply these changes?", err=True):
            raise _nothing()
    named = [round(value * 1000) for value in override_soft_limits or []]
    if not named and not yes:
        named = [_ask_again(soft, limits) for soft in proposal.soft_limits]
    return pump.confirm(proposal, named)


def _ask_again(soft: SoftLimit, limits: Units) -> int:
    typer.echo(beyond(soft.limit, soft.value, soft.bound, "soft", limits), err=True)
    typed = typer.prompt("Type the value again to override the limit", default="", show_default=False, err=True)
    if typed.strip() != decimal(soft.value):
        raise _nothing()
    return soft.value


def _nothing() -> typer.Exit:
    typer.echo("nothing was changed", err=True)
    return typer.Exit(1)


def _show(proposal: Proposal[Any], limits: Units) -> None:
    table = grid()
    rest = sorted(set(proposal.changes) - set(_FIRST))
    for name in [*(name for name in _FIRST if name in proposal.changes), *rest]:
        now, then = proposal.changes[name]
        if now != then:
            table.add_row(_title(name), f"{_text(name, now, limits)} → [bold]{_text(name, then, limits)}[/]")
    Console(stderr=True, highlight=False).print(table)


def _title(name: str) -> str:
    return units.split_unit(name)[0].replace("_", " ").capitalize()


def _text(name: str, value: Any, limits: Units) -> str:
    return amount(name, value, limits) if name == "dose" and value is not None else value_text(name, value)
