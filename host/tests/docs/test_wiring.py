"""docs/wiring.md lists the firmware's pins."""

import re
import runpy
import sys
import types

import pytest

from picoinfuse.common import paths


@pytest.fixture
def firmware_pins(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    micropython = types.ModuleType("micropython")
    micropython.__dict__["const"] = lambda value: value
    monkeypatch.setitem(sys.modules, "micropython", micropython)
    wiring = runpy.run_path(str(paths.firmware() / "pump" / "wiring.py"))
    return {**wiring["TABLE"], **wiring["OPTIONAL"]}


def test_every_pin_has_its_row(firmware_pins: dict[str, int]) -> None:
    text = (paths.root() / "docs" / "wiring.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| \d+ \| `(\w+)`", text, re.MULTILINE)
    assert {name: int(gpio) for gpio, name in rows} == firmware_pins
    assert len(rows) == len(firmware_pins)
