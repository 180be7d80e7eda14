"""`picoinfuse calibrate`: leads a person through a calibration, or shows, sets or takes back a factor."""

import dataclasses
import datetime
from fractions import Fraction
from typing import Annotated

import typer
from rich.table import Table

from picoinfuse.calibration.factor import FEWEST_RUNS, MOST_RUNS, describe, parse_factor
from picoinfuse.calibration.gravimetry import ml_per_gram, water_g_ml
from picoinfuse.cli.collect import Vessel, lead
from picoinfuse.cli.common import console, open_pump, print_json, quantity, tell
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.client.messages import Calibration
from picoinfuse.client.pump import Pump
from picoinfuse.common import units

RATE, VOLUME = "60", "5"


def calibrate(
    rate: Annotated[str, typer.Option(help="mL/h of each run; use the one that you infuse with")] = RATE,
    volume: Annotated[str, typer.Option(help="mL of each run; more is more exact")] = VOLUME,
    runs: Annotated[int, typer.Option(min=FEWEST_RUNS, max=MOST_RUNS, help="how many at first")] = FEWEST_RUNS,
    by: Annotated[str, typer.Option(help="weight or volume: what you read")] = "weight",
    temperature: Annotated[float | None, typer.Option(help="°C of the water that is weighed")] = None,
    density: Annotated[float | None, typer.Option(help="g/mL, when it is not water")] = None,
    operator: Annotated[str | None, typer.Option(help="who stores it", show_default=False)] = None,
    date: Annotated[str | None, typer.Option(help="the day, such as 2026-11-22; today without it")] = None,
    factor: Annotated[str | None, typer.Option(help="set this one, such as 1031/1000, without any run")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="go back to the factor before")] = False,
    show: Annotated[bool, typer.Option("--show", help="the factor in force, and those before")] = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find how much the syringe really gives: run, collect, weigh, repeat; then store the factor."""
    if (factor is not None) + undo + show > 1:
        raise typer.BadParameter("--factor, --undo and --show are three different things")
    wanted = None if factor is None else parse_factor(factor)
    day = datetime.date.today().isoformat() if date is None else _day(date)
    with open_pump(port) as pump:
        if show:
            _show(pump.calibration(), as_json)
        elif undo:
            told = pump.uncalibrate()
            tell(as_json, {"factor": told}, f"the calibration is now {describe(told)}; the pump has restarted")
        elif wanted is not None:
            _store(pump, wanted, day, operator, as_json)
        else:
            rate_ul_h = quantity(units.rate_ul_h, rate, "--rate")
            volume_nl = quantity(units.volume_nl, volume, "--volume")
            found = lead(pump, rate_ul_h, volume_nl, runs, _vessel(by, temperature, density))
            if found is None:
                typer.echo("nothing is stored; the calibration is as it was", err=True)
                raise typer.Exit(1)
            _store(pump, found.factor, day, operator, as_json)


def _vessel(by: str, temperature_c: float | None, density_g_ml: float | None) -> Vessel:
    if by not in ("weight", "volume"):
        raise typer.BadParameter(f"{by!r} is neither weight nor volume", param_hint="--by")
    if by == "volume":
        return Vessel("mL", 1.0)
    if density_g_ml is not None:
        return Vessel("g", ml_per_gram(density_g_ml))
    water_c: float = _ask_temperature() if temperature_c is None else temperature_c
    return Vessel("g", ml_per_gram(water_g_ml(water_c)))


def _ask_temperature() -> float:
    return typer.prompt("Temperature of the water, °C", type=float, err=True)


def _store(pump: Pump, factor: Fraction, day: str, operator: str | None, as_json: bool) -> None:
    name: str = typer.prompt("Your name", err=True) if operator is None else operator
    told = pump.calibrate(factor.numerator, factor.denominator, day, name)
    sentence = f"stored: the calibration is {describe(told)}, {day}, {name}; the pump has restarted"
    tell(as_json, {"factor": told, "date": day, "operator": name}, sentence)


def _day(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day; 2026-11-22 is one", param_hint="--date") from error


def _show(calibration: Calibration, as_json: bool) -> None:
    if as_json:
        print_json(dataclasses.asdict(calibration))
        return
    if calibration.fault is not None:
        console().print(f"[bold red]no valid calibration[/]: {calibration.fault}")
        return
    if not calibration.entries:
        console().print("not calibrated: the geometry of the profile holds, factor 1/1")
        return
    table = Table(box=None, header_style="bold")
    for column in ("", "Factor", "Corrects by", "Date", "By"):
        table.add_column(column)
    for number, entry in enumerate(calibration.entries):
        text = f"{entry.num}/{entry.den}"
        corrects = f"{(entry.num / entry.den - 1) * 100:+.2f} %"
        table.add_row("before" if number else "in force", text, corrects, entry.date, entry.operator)
    console().print(table)
