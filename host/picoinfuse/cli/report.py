"""Compare two runs of the suite, or follow a measurement from run to run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption
from picoinfuse.evidence import document, history
from picoinfuse.evidence.compare import Difference
from picoinfuse.evidence.compare import compare as compare_runs
from picoinfuse.evidence.measuring import shown

SHOWN = 60

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="evidence.json of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="evidence.json of another run.")],
    everything: Annotated[
        bool, typer.Option("--all", help=f"Print all differences, not only the first {SHOWN}.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs, or two benches, measurement by measurement."""
    runs = document.read(first), document.read(second)
    found = compare_runs(*runs)
    if as_json:
        print_json([{**dataclasses.asdict(one), "percent": one.percent} for one in found])
        return
    heads = [f"{run['run']['bench']}, {(run['run']['clone']['commit'] or 'unknown')[:8]}" for run in runs]
    table = Table(box=None, header_style="bold")
    for column in ("", "test", "measurement", *heads, "change"):
        table.add_column(column, overflow="fold", justify="right" if column in (*heads, "change") else "left")
    for one in found if everything else found[:SHOWN]:
        table.add_row(*_cells(one))
    console().print(table if found else "no difference")
    if len(found) > SHOWN and not everything:
        console().print(f"and {len(found) - SHOWN} more; --all prints them")


def _cells(one: Difference) -> list[str]:
    change = "" if one.percent is None else f"{one.percent:+.3g} %"
    test = one.test.rpartition("/")[2]
    first, second = ("–" if value is None else shown(value) for value in (one.first, one.second))
    return [one.what, test, one.reason or f"{one.name}, {one.unit}".strip(", "), first, second, change]


@app.command("trend")
def trend(
    measurement: Annotated[str, typer.Argument(help="Name of the measurement, as in the report.")],
    test: Annotated[str | None, typer.Option(help="Part of the test's id, if several tests measure it.")] = None,
    file: Annotated[Path, typer.Option("--history", help="History of runs.")] = Path("build/evidence/history.sqlite"),
    picture: Annotated[Path, typer.Option(help="File for the figure, .svg or .png.")] = Path("build/trend.svg"),
    as_json: JsonOption = False,
) -> None:
    """Plot a measurement over all runs, and list where it moved by more than its spread."""
    found = history.points(file, measurement, test)
    moves = history.moves(found)
    if as_json:
        points = [dataclasses.asdict(point) for point in found]
        print_json({"points": points, "moved": [dataclasses.asdict(one) for one in moves]})
        return
    from picoinfuse.evidence import trend_figure  # matplotlib takes 0.3 s to import

    picture.parent.mkdir(parents=True, exist_ok=True)
    left_out = trend_figure.save(found, picture)
    runs = len({point.run for point in found})
    console().print(f"{len(found)} values of {runs} runs, drawn in {picture}", soft_wrap=True)
    if left_out:
        console().print(f"{left_out} more tests measure it; --test chooses")
    for one in moves:
        console().print(
            f"moved in {one.test}: {one.value:.7g} {one.unit}, median of {one.runs} runs before {one.median:.7g}, "
            f"spread {one.spread:.3g}",
            soft_wrap=True,
        )
