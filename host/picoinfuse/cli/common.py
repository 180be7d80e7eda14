"""What commands share: connecting to a pump, and printing."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from picoinfuse.client.port import the_one_board
from picoinfuse.client.pump import Pump
from picoinfuse.common import units
from picoinfuse.common.errors import BadQuantity


def console() -> Console:
    """A new console, which writes to the present sys.stdout."""
    return Console(highlight=False)


def open_pump(port: str | None) -> Pump:
    """A pump for a `with` statement, which connects. Raises NoBoard."""
    return Pump(port_name(port))


def port_name(port: str | None) -> str:
    """The given port, or that of the only Pico on USB. Raises NoBoard."""
    return port if port is not None else the_one_board()


def quantity(parse: Callable[[str], int], text: str, what: str) -> int:
    """Parse a quantity from the command line. Raises typer.BadParameter, exit status 2."""
    try:
        return parse(text)
    except BadQuantity as error:
        raise typer.BadParameter(str(error), param_hint=what) from error


def check_writable(path: Path | None) -> None:
    """Raise OSError for a file that cannot be written, before the work whose result it is to hold."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    existed = path.exists()
    with path.open("ab"):
        pass
    if not existed:
        path.unlink()


def print_json(value: Any) -> None:
    """Print one line of JSON; a dataclass becomes an object."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    print(json.dumps(value), flush=True)


def tell(as_json: bool, value: Any, sentence: str) -> None:
    """Print the result of a command: JSON for a program, or a sentence for a person."""
    if as_json:
        print_json(value)
    else:
        console().print(sentence, soft_wrap=True)


def grid() -> Table:
    """A table of two columns: name and value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    return table


def value_text(name: str, value: Any) -> str:
    """A value of the protocol for a person; the end of its name says the unit, as in `rate_ul_h`."""
    if value is None:
        return "none"
    text = units.with_unit(name, value) if isinstance(value, int) else None
    return text if text is not None else str(value).replace("_", " ")


def alarm_text(names: list[str] | tuple[str, ...]) -> str:
    return f"[bold red]{', '.join(names)}[/]" if names else "none"


def pressure_text(pressure_pa: int | None) -> str:
    return units.mmhg(pressure_pa) if pressure_pa is not None else "no valid reading"
