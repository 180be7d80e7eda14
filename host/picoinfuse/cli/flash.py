"""`picoinfuse flash`: flash an image to a Pico and check that it runs."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from picoinfuse.cli.common import console, print_json
from picoinfuse.cli.options import JsonOption, PortOption
from picoinfuse.common import paths
from picoinfuse.flash.flasher import Flashed
from picoinfuse.flash.flasher import flash as flash_file
from picoinfuse.image.errors import NoSuchImage


def flash(
    image: Annotated[
        Path | None,
        typer.Argument(
            help="UF2 file of MicroPython or a production image. Default: the newest in build/.", show_default=False
        ),
    ] = None,
    port: PortOption = None,
    volume: Annotated[
        Path | None,
        typer.Option(help="Folder of its BOOTSEL disk, if it is not found automatically.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Flash an image to the Pico, wait until it is back, and check that it runs."""
    if volume is not None and port is None:
        raise typer.BadParameter("give --port too", param_hint="--volume")
    file = _newest_image() if image is None else image
    if as_json:
        print_json(_as_dict(flash_file(file, port, volume, lambda _: None, lambda *_: None)))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task(file.name, visible=False)

        def show(written: int, total: int) -> None:
            bar.update(task, completed=written, total=total, visible=True)

        done = flash_file(file, port, volume, bar.console.print, show)
    console().print(f"{done.image.name} runs at {done.port}, {done.seconds:.1f} s")


def _newest_image() -> Path:
    """The newest production image in build/. Raises NoSuchImage."""
    folder = paths.build()
    found = sorted(folder.glob("picoinfuse-*.uf2"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise NoSuchImage(
            f"there is no production image in {folder}; build one with `make image MPY_DIR=…`, or name a UF2 file: "
            "`picoinfuse flash FILE`, `make flash UF2=FILE`"
        )
    return found[-1]


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
