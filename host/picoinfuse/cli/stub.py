"""`picoinfuse stub`: the board in software at a serial port, until Ctrl-C."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from picoinfuse.cli.common import check_writable
from picoinfuse.profile import load_profile
from picoinfuse.stub.engine import default_engine, find_engine
from picoinfuse.stub.session import StubSession


def stub(
    link: Annotated[Path | None, typer.Option(help="Make this path a link to the serial port.")] = None,
    pace: Annotated[str, typer.Option(help="Clock: real, or fast for as fast as possible.")] = "real",
    profile: Annotated[str, typer.Option(help="Board profile.")] = "syringe-50ml",
    image: Annotated[Path | None, typer.Option(help="Flash image to use and keep; created if missing.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Start with an empty flash.")] = False,
    trace: Annotated[Path | None, typer.Option(help="Write a VCD trace to this file at the end.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Interpreter: vm, cpython or pypy. Default: vm if installed, otherwise cpython.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sensor's noise.")] = 1,
) -> None:
    """Run a board in software until Ctrl-C."""
    if pace not in ("real", "fast"):
        raise typer.BadParameter(f"{pace!r} is not real or fast", param_hint="--pace")
    check_writable(trace)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: link removed, trace written
    out = Console()
    session = StubSession(
        load_profile(profile),
        engine=find_engine(engine) if engine else default_engine(),
        link=link,
        pace=pace,
        image=image,
        empty=empty,
        trace=trace,
        seed=seed,
    )
    with session:
        shown = link or session.path
        out.print(f"a {profile} pump in software at [bold]{shown}[/], firmware on {session.runs_on}; Ctrl-C ends it")
        out.print(f"try: picoinfuse infuse 5 --port {shown}")
        try:
            while session.alive():
                time.sleep(0.2)
        except KeyboardInterrupt:
            pass
    if trace is not None:
        out.print(f"trace written to {trace}")
