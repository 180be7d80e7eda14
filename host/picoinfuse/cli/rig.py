"""Check and draw the wiring of a rig."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from picoinfuse.cli.common import console, print_json, tell
from picoinfuse.cli.options import JsonOption
from picoinfuse.client.pump import Pump
from picoinfuse.profile import load_profile
from picoinfuse.rig.capture import capture_of
from picoinfuse.rig.checks import OK, WRONG, Finding
from picoinfuse.rig.checks import check as check_rig
from picoinfuse.rig.diagram import diagram as draw
from picoinfuse.rig.file import load_rig
from picoinfuse.rig.port_lookup import port_of
from picoinfuse.rig.stimuli import Stimuli
from picoinfuse.rig.wiring_check import Desk

app = typer.Typer(help=__doc__, no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="Rig file, such as boards/rigs/ft232h.toml.")]
_TIMEOUT_S = 1.0
_STYLES = {OK: "green", WRONG: "bold red"}


@app.command()
def check(
    file: File,
    profile: Annotated[str, typer.Option(help="Profile of the pump.")] = "syringe-50ml",
    as_json: JsonOption = False,
) -> None:
    """Drive each line of a rig, check that the pump sees it, and name the faults. Use water only."""
    rig = load_rig(file)
    pump = Pump(port_of(rig), timeout_s=_TIMEOUT_S)
    findings: list[Finding] = []
    capture = capture_of(rig)
    with Stimuli(rig) as stimuli:
        try:
            if capture is not None:
                capture.start()
            for finding in check_rig(Desk(rig, load_profile(profile), pump, stimuli, time.sleep, capture)):
                findings.append(finding)
                if not as_json:
                    _show(finding)
        finally:
            pump.close()
            if capture is not None:
                capture.close()
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    if any(finding.outcome == WRONG for finding in findings):
        raise typer.Exit(1)


@app.command()
def diagram(
    file: File,
    profile: Annotated[str, typer.Option(help="Profile of the pump.")] = "ambulatory-10ml",
    output: Annotated[Path, typer.Option("--output", "-o", help="SVG file to write.")] = Path("rig.svg"),
    as_json: JsonOption = False,
) -> None:
    """Draw the wiring of a rig as SVG."""
    output.write_text(draw(load_rig(file), load_profile(profile)), "utf-8")
    tell(as_json, {"picture": str(output)}, f"the wiring of {file} is in {output}")


def _show(finding: Finding) -> None:
    style = _STYLES.get(finding.outcome, "dim")
    text = escape(f"{finding.line}: {finding.told}")
    console().print(f"[{style}]{finding.outcome:>9}[/]  {text}", soft_wrap=True)
