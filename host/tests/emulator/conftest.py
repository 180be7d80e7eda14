"""What the tests of the emulated Pico share: the image, a Pico with an empty flash, and a prompt on it.

Without an image they are skipped, with the reason; where PICOINFUSE_UF2 is set they never are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from picoinfuse.emulator.errors import NoFirmware, WrongEmulator

from .prompt import Prompt


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "emulator: runs on the emulated Pico, and needs a MicroPython image")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("emulator")


@pytest.fixture(scope="session")
def uf2_file() -> Path:
    """The MicroPython image."""
    from picoinfuse.emulator.image import ENVIRONMENT, find_image

    try:
        return find_image()
    except NoFirmware as reason:
        if os.environ.get(ENVIRONMENT):
            raise
        pytest.skip(str(reason))


@pytest.fixture
def pico(uf2_file: Path, tmp_path: Path) -> Iterator[Prompt]:
    """A Pico with an empty filesystem, at its raw prompt."""
    try:
        prompt = Prompt(uf2_file, tmp_path / "flash.img")
    except WrongEmulator as reason:
        pytest.skip(str(reason))
    yield prompt
    prompt.pico.close()
