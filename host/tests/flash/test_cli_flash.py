"""`picoinfuse flash` and `picoinfuse image-info` as a person and a program see them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from picoinfuse.cli import flash as cli_flash
from picoinfuse.cli import image as cli_image
from picoinfuse.flash.flasher import Flashed, Flasher
from picoinfuse.flash.image import load
from picoinfuse.flash.system import Running
from picoinfuse.image import uf2
from picoinfuse.image.errors import NoSuchImage, NotUf2

from .world import World, firmware, port, production

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The commands, with one Pico in a world of its own."""
    folder = tmp_path / "media"
    folder.mkdir()
    world = World(folder, [port()], returns=port(), who={"/dev/ttyACM0": Running((1, 24, 1), "Pico")})

    def flash(
        path: Path,
        at: str | None,
        volume: Path | None,
        say: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> Flashed:
        return Flasher(world, say, progress).run(load(path), at)

    monkeypatch.setattr(cli_flash, "flash_file", flash)
    app = typer.Typer()
    app.command("flash")(cli_flash.flash)
    app.command("image-info")(cli_image.image_info)
    return lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "image.uf2"
    path.write_bytes(uf2.write(production()))
    return path


def test_flash_says_what_it_does_and_what_runs(run: Run, file: Path) -> None:
    result = run("flash", file)
    assert result.exit_code == 0
    assert "restarting the board into BOOTSEL" in result.output
    assert "picoinfuse 0.1.0 (c0ffee) on MicroPython 1.25.0 runs at /dev/ttyACM0" in result.output


def test_flash_prints_one_line_of_json_for_a_program(run: Run, file: Path) -> None:
    found = json.loads(run("flash", file, "--json").stdout)
    assert (found["port"], found["version"], found["commit"]) == ("/dev/ttyACM0", "0.1.0", "c0ffee")
    assert found["micropython"] == [1, 25, 0]


def test_image_info_of_a_production_image(run: Run, file: Path) -> None:
    found = json.loads(run("image-info", file, "--json").stdout)
    assert (found["version"], found["commit"], found["micropython"]) == ("0.1.0", "c0ffee", "1.25.0")
    assert found["blocks"] * 256 == found["flash_bytes"]
    assert found["crc"] in run("image-info", file).stdout


def test_image_info_of_a_stock_image(run: Run, file: Path) -> None:
    file.write_bytes(uf2.write(firmware()))
    assert "without the pump" in run("image-info", file).stdout


def test_bad_file_is_named(run: Run, file: Path) -> None:
    file.write_bytes(b"no UF2 file" * 100)
    assert isinstance(run("image-info", file).exception, NotUf2)
    assert isinstance(run("flash", file).exception, NotUf2)


def test_a_volume_is_named_with_its_port(run: Run, file: Path) -> None:
    result = run("flash", file, "--volume", file.parent)
    assert result.exit_code == 2
    assert "give --port too" in result.output


def test_without_a_file_the_newest_image_is_flashed_and_without_any_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_flash.paths, "build", lambda: tmp_path)
    with pytest.raises(NoSuchImage, match=r"no production image in .*; build one with `make image"):
        cli_flash._newest_image()
    for age_s, name in ((9, "picoinfuse-0.1.0.uf2"), (5, "picoinfuse-0.2.0.uf2")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age_s, 1e9 - age_s))
    assert cli_flash._newest_image().name == "picoinfuse-0.2.0.uf2"
