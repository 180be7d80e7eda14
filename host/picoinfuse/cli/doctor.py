"""`picoinfuse doctor`: what is installed and what is plugged in."""

import dataclasses

import typer
from rich.table import Table

from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption
from picoinfuse.doctor.checks import installed
from picoinfuse.doctor.usb import plugged_in

STYLES = {"ok": "green", "note": "yellow", "fault": "bold red"}


def doctor(as_json: JsonOption = False) -> None:
    """Check the installation and the boards plugged in; exit status 1 if there is a fault."""
    checks = [*installed(), *plugged_in()]
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    else:
        table = Table(box=None, header_style="bold")
        for column in ("", "What", "Found", "What to do"):
            table.add_column(column, overflow="fold")
        for check in checks:
            verdict = f"[{STYLES[check.verdict]}]{check.verdict}[/]"
            table.add_row(verdict, check.name, check.found, check.advice)
        console().print(table)
    if any(check.verdict == "fault" for check in checks):
        raise typer.Exit(1)
