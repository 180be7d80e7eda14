"""`picoinfuse bench`: measure speed and size; wall times depend on the load of the machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from picoinfuse.bench.kinds import BenchMissing
from picoinfuse.benchmark import document, step_timing
from picoinfuse.benchmark.reading import Found, Row, Say
from picoinfuse.benchmark.rows import OCCLUSION, ROWS, SUITE
from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption


def bench(
    suite: Annotated[bool, typer.Option("--suite", help="Run and time the HIL suite too.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Write the tables into this document, between its markers.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure speed and size of the board in software and print a table."""
    rows = (*ROWS, *OCCLUSION, SUITE) if suite else (*ROWS, *OCCLUSION)
    with Console(stderr=True).status("") as status:
        found = [(row, row.measure(lambda step, row=row: status.update(f"{row.name}: {step}"))) for row in rows]
        timings, missing = _step_timing(lambda step: status.update(f"step timing: {step}"))
    if write is not None:
        tables = [document.markdown(document.HEAD, [document.cells(*pair) for pair in found])]
        tables.append(missing or document.markdown(step_timing.HEAD, [timing.cells() for timing in timings]))
        document.write(write, tables)
    if as_json:
        rows_json = [_plain(row, value) for row, value in found]
        timings_json = [dataclasses.asdict(timing) for timing in timings]
        print_json({"machine": document.machine(), "rows": rows_json, "step_timing": timings_json})
        return
    console().print(_table(found))
    console().print(missing or _timing_table(timings))
    console().print(f"measured on {document.machine()}")


def _step_timing(say: Say) -> tuple[list[step_timing.Timing], str]:
    """The measurements, or the reason why there are none."""
    try:
        return step_timing.compare(say), ""
    except BenchMissing as reason:
        return [], f"no step timing: {reason}"


def _timing_table(timings: list[step_timing.Timing]) -> Table:
    table = Table(title="step timing, on the emulated Pico")
    for name in step_timing.HEAD:
        table.add_column(name, justify="left" if name in ("generator", "beside") else "right")
    for timing in timings:
        table.add_row(*timing.cells())
    return table


def _plain(row: Row, found: Found) -> dict[str, object]:
    aim = None if row.aim is None else row.aim.text()
    return {"name": row.name, "unit": row.unit, "aim": aim, **dataclasses.asdict(found)}


def _table(found: list[tuple[Row, Found]]) -> Table:
    table = Table()
    for name in document.HEAD:
        table.add_column(name, justify="right" if name in ("found", "aim") else "left")
    for row, value in found:
        reached = row.aim is None or row.aim.reached(value.value)
        table.add_row(*document.cells(row, value), style="" if reached else "yellow")
    return table
