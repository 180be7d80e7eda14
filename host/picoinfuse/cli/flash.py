"""`picoinfuse flash`: an image onto a Pico, and the check that it runs."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.flash.flasher import Flashed
from picoinfuse.flash.flasher import flash as flash_file


def flash(
    image: Annotated[Path, typer.Argument(help="UF2 file of MicroPython or of a production image.")],
    port: PortOption = None,
    volume: Annotated[
        Path | None,
        typer.Option(help="Folder of its BOOTSEL disk, where that is not found by itself.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Flash an image onto the Pico, wait for it to come back, and check that it runs."""
    if volume is not None and port is None:
        raise typer.BadParameter("name the port too: --port", param_hint="--volume")
    if as_json:
        print_json(_as_dict(flash_file(image, port, volume, lambda _: None, lambda *_: None)))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task(image.name, visible=False)

        def show(written: int, total: int) -> None:
            bar.update(task, completed=written, total=total, visible=True)

        done = flash_file(image, port, volume, bar.console.print, show)
    console().print(f"{done.image.name} runs at {done.port}, {done.seconds:.1f} s")


def _as_dict(done: Flashed) -> dict[str, object]:
    image = done.image
    return {
        "port": done.port,
        "seconds": round(done.seconds, 1),
        "bytes": len(image.file.flash),
        "micropython": done.running.micropython,
        "version": done.running.version,
        "commit": done.running.commit,
        "info": None if image.info is None else dataclasses.asdict(image.info),
    }
