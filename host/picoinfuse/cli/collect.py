"""The runs of a calibration: the pump delivers a volume, a person measures it, until the error is known well enough.

Questions go to stderr, so that stdout has nothing but the result.
"""

from dataclasses import dataclass
from fractions import Fraction
from time import sleep

import typer
from rich.console import Console
from rich.table import Table

from picoinfuse.calibration.factor import FEWEST_RUNS, MOST_RUNS, CalibrationError, Collected, Finding, find, percent
from picoinfuse.client.methods.status import Status
from picoinfuse.client.pump import Pump
from picoinfuse.common import units
from picoinfuse.common.units import NL_PER_ML

POLL_S = 0.5
READING_WITHIN = 0.5  # of the delivered volume: a reading further off is a typing error


class NoCalibration(CalibrationError):
    """The pump has no valid factor, so its volume is meaningless."""


class RunStopped(CalibrationError):
    """A run ended before its volume was delivered."""


@dataclass(frozen=True)
class Vessel:
    """How the collected volume is measured: the unit of the reading, and its volume in mL."""

    unit: str
    ml_per_unit: float


def lead(pump: Pump, rate_ul_h: int, volume_nl: int, runs: int, vessel: Vessel) -> Finding | None:
    """Run the calibration. Returns the finding if the person accepts it, else None; the pump is idle afterwards.

    Raises NoCalibration, RunStopped, CalibrationError.
    """
    factor = pump.status().calibration
    if factor is None:
        raise NoCalibration("the pump has no valid calibration to start from: set one with --factor 1/1 first")
    out = Console(stderr=True, highlight=False)
    out.print(
        f"Prime the line until it drips, and put its end into the vessel. Each of at least {runs} runs delivers "
        f"{units.ml(volume_nl)} at {units.ml_h(rate_ul_h)} and takes {volume_nl / rate_ul_h * 3.6 / 60:.1f} min."
    )
    collected: list[Collected] = []
    while len(collected) < MOST_RUNS:
        collected.append(_run(pump, rate_ul_h, volume_nl, vessel, len(collected) + 1, out))
        if len(collected) < max(runs, FEWEST_RUNS):
            continue
        found = find(collected, Fraction(factor))
        out.print(_table(collected, found, factor))
        answer = typer.prompt("Store it (y), do more runs (m), or discard it (n)?", default="n", err=True)
        if answer.strip().lower() in ("y", "yes"):
            return found
        if answer.strip().lower() not in ("m", "more"):
            return None
    return None


def _run(pump: Pump, rate_ul_h: int, volume_nl: int, vessel: Vessel, number: int, out: Console) -> Collected:
    typer.prompt(
        f"Run {number}: an empty vessel, {'tared, ' if vessel.unit == 'g' else ''}Enter starts the pump",
        default="",
        show_default=False,
        err=True,
    )
    told_nl = _give(pump, rate_ul_h, volume_nl, out)
    while True:
        reading = typer.prompt(f"Run {number}: {units.ml(told_nl)} given, by the pump. Collected, {vessel.unit}",
                               type=float, err=True)  # fmt: skip
        run = Collected(told_nl, reading * vessel.ml_per_unit * NL_PER_ML)
        if abs(run.error_percent) <= 100 * READING_WITHIN:
            out.print(f"Run {number}: {run.collected_nl / NL_PER_ML:.4f} mL, error {run.error_percent:+.2f} %")
            return run
        out.print(f"{reading:g} {vessel.unit} is {run.error_percent:+.0f} % off: enter it again")


def _give(pump: Pump, rate_ul_h: int, volume_nl: int, out: Console) -> int:
    """Deliver the volume and return the volume counted by the pump, in nL. The pump is stopped in any case."""
    pump.start(rate_ul_h, volume_nl)
    try:
        with out.status("") as shown:
            while (now := pump.status()).state == "infusing" and "infusion_complete" not in now.alarms:
                shown.update(f"{units.ml(now.delivered_nl)} of {units.ml(volume_nl)}")
                sleep(POLL_S)
    finally:
        pump.stop()
    if "infusion_complete" not in now.alarms:
        raise RunStopped(_why_stopped(now))
    pump.clear_alarms()
    return now.delivered_nl


def _why_stopped(now: Status) -> str:
    alarms = ", ".join(now.alarms) or "none"
    state = now.state.replace("_", " ")
    return f"the run ended after {units.ml(now.delivered_nl)}: the pump is {state}, its alarms: {alarms}"


def _table(collected: list[Collected], found: Finding, in_force: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("Run", "By the pump", "Collected", "Error"):
        table.add_column(column, justify="right")
    for number, run in enumerate(collected, start=1):
        error = f"{run.error_percent:+.2f} %"
        table.add_row(str(number), units.ml(run.told_nl), f"{run.collected_nl / NL_PER_ML:.4f} mL", error)
    interval = f"{found.error_percent:+.2f} ± {found.interval_percent:.2f} %"
    table.add_row("mean", "", "95 % sure", f"[bold]{interval}[/]")
    worth = "" if found.is_significant else "; within its own uncertainty, nothing to correct"
    table.caption = f"factor {found.factor} ({percent(found.factor)}), until now {in_force}{worth}"
    return table
