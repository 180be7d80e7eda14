"""`picoinfuse trumpet`: accuracy of a delivery, from a trace or the log of a balance."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from picoinfuse.analysis.balance import BalanceLog, read_balance
from picoinfuse.analysis.bolus import BolusAccuracy, bolus_accuracy, bolus_volumes
from picoinfuse.analysis.deliveries import StepMissing, TraceDelivery, from_trace, infusion_start_s
from picoinfuse.analysis.trumpet import AMBULATORY, STANDARD, RateMissing, Trumpet, TrumpetError
from picoinfuse.analysis.trumpet import trumpet as curves_of
from picoinfuse.calibration.factor import parse_factor
from picoinfuse.calibration.gravimetry import water_g_ml
from picoinfuse.cli.common import console, grid, print_json, quantity
from picoinfuse.cli.options import JsonOption
from picoinfuse.common import units
from picoinfuse.common.units import NL_PER_ML, UL_PER_ML
from picoinfuse.profile import load_profile
from picoinfuse.profile.compile import step_pl_exact
from picoinfuse.trace.vcd import read_vcd


class DensityMissing(TrumpetError):
    """The log of a balance is in grams, and no density is known."""


def trumpet(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Trace (.vcd) or log of a balance (.csv).")],
    rate: Annotated[str | None, typer.Option(help="Rate that the pump was set to, mL/h.", show_default=False)] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the pump, for the volume of a step.")] = None,
    factor: Annotated[str, typer.Option(help="Calibration factor of the pump, such as 103/100.")] = "1",
    ambulatory: Annotated[bool, typer.Option("--ambulatory", help="Samples of 15 min over 24 h.")] = False,
    start: Annotated[float | None, typer.Option(help="Start of the infusion in the file, s.")] = None,
    bolus: Annotated[str | None, typer.Option(help="Volume of a bolus, mL: evaluate 25 boluses.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Temperature of the water on the balance, °C.")] = None,
    density: Annotated[float | None, typer.Option(help="Density of a liquid other than water, g/mL.")] = None,
    evaporation: Annotated[float, typer.Option(help="Evaporation from the vessel, g/h.")] = 0.0,
    svg: Annotated[Path | None, typer.Option(help="Write the curves as SVG.", show_default=False)] = None,
    png: Annotated[Path | None, typer.Option(help="Write the curves as PNG.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the start-up curve, trumpet curve and overall error of an infusion, or the accuracy of 25 boluses."""
    exact = None if profile is None else step_pl_exact(load_profile(profile).values["mechanics"])
    step_nl = None if exact is None else float(exact * parse_factor(factor)) / 1000
    log = None
    if file.suffix.lower() == ".csv":
        log = read_balance(file, _density(density, temperature), evaporation, start)
    if bolus is not None:
        set_nl = quantity(units.volume_nl, bolus, "--bolus")
        accuracy = bolus_accuracy(_boluses(file, log, step_nl, start), set_nl)
        _print_boluses(accuracy, as_json)
        return
    if rate is None:
        raise RateMissing("the set rate of the pump is missing: give it in mL/h, such as --rate 5")
    rate_ul_h = quantity(units.rate_ul_h, rate, "--rate")
    delivery: BalanceLog | TraceDelivery = from_trace(read_vcd(file), step_nl, start) if log is None else log
    scheme = AMBULATORY if ambulatory else STANDARD
    curves = curves_of(delivery.volume, delivery.lasted_s, rate_ul_h, scheme, step_nl)
    _draw(curves, file, svg, png)
    if as_json:
        print_json(_values(curves))
    else:
        _print(curves)


def _density(density_g_ml: float | None, temperature_c: float | None) -> float:
    if density_g_ml is not None:
        return density_g_ml
    if temperature_c is None:
        raise DensityMissing("the density is missing: give --temperature 20 for water, or --density in g/mL")
    return water_g_ml(temperature_c)


def _boluses(file: Path, log: BalanceLog | None, step_nl: float | None, start_s: float | None) -> list[float]:
    """Volumes of the boluses, nL. A balance log has one reading after each bolus."""
    if log is not None:
        return np.diff(log.given_nl).tolist()
    if step_nl is None:
        raise StepMissing("the volume of a step is missing: name the pump's profile, such as --profile syringe-50ml")
    trace = read_vcd(file)
    return bolus_volumes(trace, step_nl, infusion_start_s(trace) if start_s is None else start_s)


def _draw(curves: Trumpet, file: Path, svg: Path | None, png: Path | None) -> None:
    for path, suffix in ((svg, ".svg"), (png, ".png")):
        if path is not None:
            from picoinfuse.report.trumpet_figure import save  # late: matplotlib takes half a second

            save(curves, path.with_suffix(suffix), f"{file.name}: {units.ml_h(round(curves.rate_ul_h))}")


def _values(curves: Trumpet) -> dict[str, Any]:
    startup = curves.startup
    return {
        "scheme": curves.scheme.name,
        "rate_ul_h": curves.rate_ul_h,
        "sample_s": curves.scheme.sample_s,
        "mean_error_percent": curves.mean_error_percent,
        "windows": [dataclasses.asdict(window) for window in curves.windows],
        "even_steps": [dataclasses.asdict(window) for window in curves.limit],
        "startup_ul_h": startup.rate_ul_h.tolist(),
    }


def _print(curves: Trumpet) -> None:
    scheme = curves.scheme
    flow = curves.startup.rate_ul_h / UL_PER_ML
    head = grid()
    head.add_row("Set", units.ml_h(round(curves.rate_ul_h)))
    first = f"{scheme.startup_s // 3600} h, samples of {scheme.sample_s} s"
    head.add_row("Start-up", f"{flow.min():.4g} to {flow.max():.4g} mL/h in the first {first}")
    period = f"{scheme.settle_s // 60} to {(scheme.settle_s + scheme.period_s) // 60} min"
    head.add_row("Overall error A", f"[bold]{curves.mean_error_percent:+.3f} %[/], from {period}")
    table = Table(box=None, header_style="bold")
    for column in ("Window P", "Ep(max)", "Ep(min)"):
        table.add_column(column, justify="right")
    if curves.limit:
        table.add_column("even steps", justify="right", style="dim")
    for number, window in enumerate(curves.windows):
        cells = [f"{window.minutes} min", f"{window.highest_percent:+.2f} %", f"{window.lowest_percent:+.2f} %"]
        if curves.limit:
            limit = curves.limit[number]
            cells.append(f"{limit.highest_percent:+.2f} / {limit.lowest_percent:+.2f} %")
        table.add_row(*cells)
    console().print(head, "", table)


def _print_boluses(accuracy: BolusAccuracy, as_json: bool) -> None:
    if as_json:
        print_json(accuracy)
        return
    table = grid()
    table.add_row("Boluses", f"{accuracy.boluses} of {accuracy.set_nl / NL_PER_ML:g} mL")
    table.add_row("Mean", f"{accuracy.mean_nl / NL_PER_ML:.4f} mL, [bold]{accuracy.mean_percent:+.2f} %[/]")
    table.add_row("Largest", f"{accuracy.highest_percent:+.2f} %")
    table.add_row("Smallest", f"{accuracy.lowest_percent:+.2f} %")
    console().print(table)
