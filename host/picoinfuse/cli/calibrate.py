"""`picoinfuse calibrate`: guide the operator through a calibration, or show, set or undo a factor."""

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
from picoinfuse.client.methods.calibration import Calibration
from picoinfuse.client.pump import Pump
from picoinfuse.common import units

RATE, VOLUME = "60", "5"


def calibrate(
    rate: Annotated[str, typer.Option(help="Rate of each run, mL/h; use the rate that you infuse with.")] = RATE,
    volume: Annotated[str, typer.Option(help="Volume of each run, mL; a larger one is more accurate.")] = VOLUME,
    runs: Annotated[int, typer.Option(min=FEWEST_RUNS, max=MOST_RUNS, help="Number of runs.")] = FEWEST_RUNS,
    by: Annotated[str, typer.Option(help="What you measure: weight or volume.")] = "weight",
    temperature: Annotated[float | None, typer.Option(help="Temperature of the weighed water, °C.")] = None,
    density: Annotated[float | None, typer.Option(help="Density of a liquid other than water, g/mL.")] = None,
    operator: Annotated[str | None, typer.Option(help="Name of the operator.", show_default=False)] = None,
    date: Annotated[str | None, typer.Option(help="Date, such as 2026-11-22. Default: today.")] = None,
    factor: Annotated[str | None, typer.Option(help="Store this factor, such as 1031/1000, without runs.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Return to the previous factor.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show the factor in force and the previous ones.")] = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the delivered volume in several runs and store the calibration factor."""
    if (factor is not None) + undo + show > 1:
        raise typer.BadParameter("give only one of --factor, --undo and --show")
    wanted = None if factor is None else parse_factor(factor)
    day = datetime.date.today().isoformat() if date is None else _day(date)
    with open_pump(port) as pump:
        if show:
            _show(pump.calibration(), as_json)
        elif undo:
            restored = pump.uncalibrate()
            sentence = f"the calibration is now {describe(restored)}; the pump has restarted"
            tell(as_json, {"factor": restored}, sentence)
        elif wanted is not None:
            _store(pump, wanted, day, operator, as_json)
        else:
            rate_ul_h = quantity(units.rate_ul_h, rate, "--rate")
            volume_nl = quantity(units.volume_nl, volume, "--volume")
            found = lead(pump, rate_ul_h, volume_nl, runs, _vessel(by, temperature, density))
            if found is None:
                typer.echo("nothing was stored; the calibration is unchanged", err=True)
                raise typer.Exit(1)
            _store(pump, found.factor, day, operator, as_json)


def _vessel(by: str, temperature_c: float | None, density_g_ml: float | None) -> Vessel:
    if by not in ("weight", "volume"):
        raise typer.BadParameter(f"{by!r} is not weight or volume", param_hint="--by")
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
    stored = pump.calibrate(factor.numerator, factor.denominator, day, name)
    sentence = f"stored: the calibration is {describe(stored)}, {day}, {name}; the pump has restarted"
    tell(as_json, {"factor": stored, "date": day, "operator": name}, sentence)


def _day(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date such as 2026-11-22", param_hint="--date") from error


def _show(calibration: Calibration, as_json: bool) -> None:
    if as_json:
        print_json(dataclasses.asdict(calibration))
        return
    if calibration.fault is not None:
        console().print(f"[bold red]no valid calibration[/]: {calibration.fault}")
        return
    if not calibration.entries:
        console().print("not calibrated: the factor is 1/1, the geometry of the profile applies")
        return
    table = Table(box=None, header_style="bold")
    for column in ("", "Factor", "Corrects by", "Date", "By"):
        table.add_column(column)
    for number, entry in enumerate(calibration.entries):
        text = f"{entry.num}/{entry.den}"
        corrects = f"{(entry.num / entry.den - 1) * 100:+.2f} %"
        table.add_row("before" if number else "in force", text, corrects, entry.date, entry.operator)
    console().print(table)
