"""Two steps at the command line: what would change is shown, and a person says yes. `--yes` is for scripts.

The question goes to stderr, so that what is printed for a program stays alone on stdout.
"""

from typing import Annotated, Any

import typer
from rich.console import Console

from picoinfuse.cli.common import grid
from picoinfuse.cli.limits import NO_DRUG, Units, amount, beyond
from picoinfuse.client.messages import Proposal, SoftLimit
from picoinfuse.client.pump import Pump
from picoinfuse.common import units
from picoinfuse.common.units import duration
from picoinfuse.dosing.dose import decimal

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: for scripts.")]
OverrideSoftLimitsOption = Annotated[
    list[float] | None,
    typer.Option(
        "--override-soft-limits", help="A value that passes a soft limit, to be given all the same; for scripts."
    ),
]

# By the unit, which is last in a name.
_TEXTS = {"_ul_h": units.ml_h, "_nl": units.ml, "_pa": units.mmhg, "_s": duration}
# What a person reads first; the pump's own order is that of a hash.
_FIRST = ("state", "regimen", "drug", "dose", "rate_ul_h", "vtbi_nl", "volume_nl", "lasts_s")


def confirmed(
    pump: Pump, proposal: Proposal, yes: bool, override_soft_limits: list[float] | None = None, limits: Units = NO_DRUG
) -> dict[str, Any]:
    """The result of what was proposed. Exit status 1, and nothing changed, when the person does not want it. What
    passes a soft limit of the drug library has to be typed again, in the units of `limits`; `--yes` does not pass it.
    """
    if not yes:
        _show(proposal, limits)
        if not typer.confirm("Do it?", err=True):
            raise _nothing()
    named = [round(value * 1000) for value in override_soft_limits or []]
    if not named and not yes:
        named = [_ask_again(soft, limits) for soft in proposal.soft_limits]
    return pump.confirm(proposal, named)


def _ask_again(soft: SoftLimit, limits: Units) -> int:
    typer.echo(beyond(soft.limit, soft.value, soft.bound, "soft", limits), err=True)
    typed = typer.prompt("Type the value to give it all the same", default="", show_default=False, err=True)
    if typed.strip() != decimal(soft.value):
        raise _nothing()
    return soft.value


def _nothing() -> typer.Exit:
    typer.echo("nothing has changed", err=True)
    return typer.Exit(1)


def _show(proposal: Proposal, limits: Units) -> None:
    table = grid()
    rest = sorted(set(proposal.changes) - set(_FIRST))
    for name in [*(name for name in _FIRST if name in proposal.changes), *rest]:
        now, then = proposal.changes[name]
        if now != then:
            table.add_row(_title(name), f"{_text(name, now, limits)} → [bold]{_text(name, then, limits)}[/]")
    Console(stderr=True, highlight=False).print(table)


def _title(name: str) -> str:
    unit = _unit(name)
    return name.removesuffix(unit or "").replace("_", " ").capitalize()


def _text(name: str, value: Any, limits: Units) -> str:
    if value is None:
        return "none"
    if name == "dose":
        return amount(name, value, limits)
    unit = _unit(name)
    return _TEXTS[unit](value) if unit is not None else str(value).replace("_", " ")


def _unit(name: str) -> str | None:
    return next((unit for unit in _TEXTS if name.endswith(unit)), None)
