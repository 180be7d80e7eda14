"""Regimens at the command line: a picture before anyone runs it, and boluses while it runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from picoinfuse.cli.asking import OverrideSoftLimitsOption, YesOption, confirmed
from picoinfuse.cli.common import console, open_pump, print_json, quantity, tell
from picoinfuse.cli.limits import in_drug_units, limits_of
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.client.pump import Pump
from picoinfuse.common import units
from picoinfuse.common.units import NL_PER_ML, UL_PER_ML, duration
from picoinfuse.profile import load_profile
from picoinfuse.regimen import load_regimen
from picoinfuse.regimen.plan import plan as plan_of
from picoinfuse.regimen.plan import rows

FileArgument = Annotated[Path, typer.Argument(help="A regimen (.toml); regimens/ has examples.")]


def plan(
    file: FileArgument,
    profile: Annotated[
        str, typer.Option(help="The profile whose mechanics the regimen is checked against.")
    ] = "syringe-50ml",
    png: Annotated[Path | None, typer.Option(help="write the picture", show_default=False)] = None,
    svg: Annotated[Path | None, typer.Option(help="write the picture", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a regimen, and show what it gives and when."""
    regimen = load_regimen(file, load_profile(profile))
    planned = plan_of(regimen.compiled)
    for picture in (png, svg):
        if picture is not None:
            from picoinfuse.regimen.figure import save  # matplotlib takes 0.3 s to import

            save(planned, regimen.name, picture)
    if as_json:
        values = {"name": regimen.name, "compiled": regimen.compiled, "shown": regimen.shown, "rows": rows(planned)}
        ends = planned.lasts_s if planned.ends else None
        print_json({**values, "lasts_s": ends, "volume_ml": planned.volume_nl / NL_PER_ML if planned.ends else None})
        return
    table = Table(title=regimen.name, box=None, header_style="bold")
    for column in ("Segment", "Times", "Begins", "Lasts", "mL/h", "mL in all"):
        table.add_column(column, justify="right")
    for row in rows(planned):
        begin, end = row["begin_ul_h"] / UL_PER_ML, row["end_ul_h"] / UL_PER_ML
        rate = f"{begin:g}" if begin == end else f"{begin:g} to {end:g}"
        endless = not planned.ends and row["segment"] == planned.parts[-1].segment
        lasts = "until stopped" if endless else duration(row["lasts_s"])
        volume = "–" if endless else f"{row['volume_ml']:g}"
        table.add_row(str(row["segment"] + 1), str(row["times"]), duration(row["begins_s"]), lasts, rate, volume)
    console().print(table)
    for line in regimen.shown:
        console().print(line)
    if regimen.square is not None:
        volume_nl, rate_ul_h = regimen.square
        console().print(f"a clinician's bolus: {units.ml(volume_nl)} at {units.ml_h(rate_ul_h)}, `picoinfuse bolus`")


def bolus(
    volume: Annotated[str | None, typer.Argument(help="mL", show_default=False)] = None,
    rate: Annotated[str | None, typer.Argument(help="mL/h, on top of what flows", show_default=False)] = None,
    regimen: Annotated[
        Path | None, typer.Option(help="the square bolus of that file (.toml) instead", show_default=False)
    ] = None,
    override_soft_limits: OverrideSoftLimitsOption = None,
    yes: YesOption = False,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a clinician's bolus, when it is confirmed. A patient's goes before it."""
    if (regimen is None) == (volume is None) or (volume is None) != (rate is None):
        raise typer.BadParameter("give a volume and a rate, or --regimen FILE, not both", param_hint="VOLUME")
    volume_nl = rate_ul_h = 0
    if volume is not None and rate is not None:
        volume_nl = quantity(units.volume_nl, volume, "VOLUME")
        rate_ul_h = quantity(units.rate_ul_h, rate, "RATE")
    with open_pump(port) as pump:
        if regimen is not None:
            volume_nl, rate_ul_h = _square_of(regimen, pump)
        limits = limits_of(pump.order())
        with in_drug_units(limits):
            proposal = pump.propose_bolus(volume_nl, rate_ul_h)
            result = confirmed(pump, proposal, yes, override_soft_limits, limits)
    tell(as_json, result, f"{units.ml(volume_nl)} at {units.ml_h(rate_ul_h)}")


def _square_of(file: Path, pump: Pump) -> tuple[int, int]:
    profile = pump.hello().profile
    if profile is None:
        raise typer.BadParameter("the pump has no valid profile", param_hint="--regimen")
    square = load_regimen(file, load_profile(profile)).square
    if square is None:
        raise typer.BadParameter(f"{file} has no [square]", param_hint="--regimen")
    return square


def request_bolus(port: PortOption = None, as_json: JsonOption = False) -> None:
    """Ask for a bolus as the patient's button does; exit status 1 when there is none."""
    with open_pump(port) as pump:
        told = pump.request_bolus()
    tell(as_json, told, "given" if told.given else f"not given: {(told.why or '').replace('_', ' ')}")
    if not told.given:
        raise typer.Exit(1)
