"""`picoinfuse image` builds the production image; `picoinfuse image-info` describes a UF2 file."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from picoinfuse.cli.common import console, grid, print_json
from picoinfuse.cli.options import JsonOption
from picoinfuse.common import paths
from picoinfuse.deploy.staging import commit
from picoinfuse.flash.image import dotted, load
from picoinfuse.image.build import build


def image(
    mpy_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="MPY_DIR", help="MicroPython source tree, 1.25 to 1.29, with its submodules.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the image and the build. Default: build/ of the clone.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the production image: MicroPython with this firmware frozen in."""
    say = (lambda _: None) if as_json else console().print
    done = build(paths.root(), mpy_dir, out or paths.build(), commit(), say)
    if as_json:
        print_json({"path": str(done.path), "flash_bytes": done.flash_bytes, **dataclasses.asdict(done.info)})
    else:
        console().print(
            f"{done.path}: {done.flash_bytes} bytes of flash, CRC {done.info.image_crc:08x}", soft_wrap=True
        )


def image_info(
    file: Annotated[Path, typer.Argument(help="UF2 file.")],
    as_json: JsonOption = False,
) -> None:
    """Check a UF2 file as `flash` does, and show its versions."""
    found = load(file)
    facts: dict[str, object] = {
        "micropython": dotted(found.micropython),
        "blocks": found.file.blocks,
        "flash_bytes": len(found.file.flash),
    }
    if found.info is not None:
        facts |= {"version": found.info.version, "commit": found.info.commit, "crc": f"{found.info.image_crc:08x}"}
    if as_json:
        print_json(facts)
        return
    table = grid()
    for name, value in facts.items():
        table.add_row(name, str(value))
    console().print(table)
    if found.info is None:
        console().print("a MicroPython image without the pump's firmware: it has no info block")
