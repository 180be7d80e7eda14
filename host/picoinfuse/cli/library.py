"""Check drug libraries, and send one to a pump."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from picoinfuse.cli.asking import YesOption, confirmed
from picoinfuse.cli.common import console, grid, open_pump, print_json, tell
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.common.errors import LibraryError
from picoinfuse.dosing.dose import decimal
from picoinfuse.dosing.units import shown
from picoinfuse.library import on_pump
from picoinfuse.library.compile import compiled, text
from picoinfuse.library.model import Drug, Library, Limits
from picoinfuse.library.read import load_library

app = typer.Typer(help=__doc__, no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A TOML file, such as library/example-ward.toml.")]


@app.command()
def check(file: File, as_json: JsonOption = False) -> None:
    """Check a drug library; report every mistake with its line."""
    try:
        library = load_library(file)
    except LibraryError as error:
        if not as_json:
            raise
        print_json({"file": str(error.file), "mistakes": [dataclasses.asdict(m) for m in error.mistakes]})
        raise typer.Exit(1) from error
    result: dict[str, Any] = {"file": str(file), "library": text(library), "mistakes": []}
    tell(as_json, result, f"{text(library)} is valid: {len(library.drugs)} drugs")


@app.command(name="compile")
def compile_(
    file: File,
    output: Annotated[Path, typer.Option("--output", "-o", help="where to write them")],
    as_json: JsonOption = False,
) -> None:
    """Write the lines that `send` sends."""
    library = load_library(file)
    output.write_bytes(b"".join(line + b"\n" for line in compiled(library)))
    tell(as_json, {"library": text(library), "output": str(output)}, f"{text(library)} is in {output}")


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A TOML file; without it, what the pump has in force.")] = None,
    drug: Annotated[str | None, typer.Option(help="a drug of the pump's library")] = None,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a library: that of a file, or the pump's."""
    if file is not None:
        library = load_library(file)
        _show(library.drugs if drug is None else _the_drug(library, drug), text(library), as_json)
        return
    with open_pump(port) as pump:
        told = pump.library()
        drugs = () if drug is None else (on_pump.drug_of(pump, drug),)
    if told.library is None:
        tell(as_json, told, f"the pump has no drug library: {told.fault}")
        raise typer.Exit(1)
    _show(drugs, told.library, as_json)


@app.command()
def send(file: File, yes: YesOption = False, port: PortOption = None, as_json: JsonOption = False) -> None:
    """Put a library on the pump; it must be idle."""
    library = load_library(file)
    with open_pump(port) as pump:
        with console().status("") as status:
            progress = lambda done, of: status.update(f"line {done} of {of}")  # noqa: E731
            proposal = on_pump.propose(pump, library, progress)
        result = confirmed(pump, proposal, yes)
    tell(as_json, result, f"in force: {result.library}")


def _the_drug(library: Library, name: str) -> tuple[Drug, ...]:
    found = library.drug(name)
    if found is None:
        raise typer.BadParameter(f"there is no drug {name} in {library.file}", param_hint="--drug")
    return (found,)


def _show(drugs: tuple[Drug, ...], title: str, as_json: bool) -> None:
    if as_json:
        print_json({"library": title, "drugs": [dataclasses.asdict(drug) for drug in drugs]})
        return
    console().print(f"[bold]{title}[/]: name, version, CRC")
    if not drugs:
        return
    table = grid()
    for drug in drugs:
        amount = f"{shown(drug.amount)}{'/kg' if drug.by_weight else ''}"
        table.add_row(drug.name, ", ".join(drug.concentration_texts()))
        table.add_row("", f"dose {_limits(drug.dose, shown(drug.unit))}")
        table.add_row("", f"bolus {_limits(drug.bolus, amount)}")
        table.add_row("", f"in an hour {_limits(drug.hour, amount)}")
    console().print(table)


def _limits(limits: Limits, unit: str) -> str:
    """`0.5 (1) to (20) 50 µg/kg/min`: the soft ones in brackets."""
    low = [decimal(limits.hard_min)] if limits.hard_min is not None else []
    low += [f"({decimal(limits.soft_min)})"] if limits.soft_min is not None else []
    high = [f"({decimal(limits.soft_max)})"] if limits.soft_max is not None else []
    high += [decimal(limits.hard_max)] if limits.hard_max is not None else []
    if not low + high:
        return "no limit"
    return f"{' '.join(low)}{' ' if low else ''}to {' '.join(high)} {unit}"
