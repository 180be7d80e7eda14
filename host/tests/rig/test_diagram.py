"""The wiring diagram shows what the rig file and the profile say, and the one in docs/ is of today."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from picoinfuse.common import paths
from picoinfuse.demo.picture import draw_rig
from picoinfuse.profile import load_profile
from picoinfuse.rig.diagram import BETWEEN, diagram, rows_of
from picoinfuse.rig.file import load_rig
from picoinfuse.rig.hardware import CONVERTERS, LINES
from picoinfuse.trace.trace import WIRES

EXAMPLES = sorted((paths.boards() / "rigs").glob("*.toml"))
PROFILE = load_profile("ambulatory-10ml")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_wire_of_a_rig_is_a_row_from_its_pin_to_the_pumps(file: Path) -> None:
    rig = load_rig(file)
    rows = rows_of(rig, PROFILE)
    assert len(rows) == len(rig.lines) + len(rig.converters) + 1 + len(WIRES) + 1
    for (name, line), row in zip(rig.lines.items(), rows, strict=False):
        assert row.source == f"{line.pin}  {name}, {'low' if line.active_low else 'high'} is active"
    captured = {row.source.split()[1]: row.target for row in rows if row.source.endswith(WIRES)}
    assert captured == {wire: f"GP{PROFILE.values['wiring'][wire]}, {wire}" for wire in WIRES}
    drawn = "".join(ElementTree.fromstring(diagram(rig, PROFILE)).itertext())
    assert all(row.source in drawn and row.target in drawn for row in rows)


def test_every_line_and_converter_can_be_drawn() -> None:
    assert BETWEEN.keys() == LINES.keys() | CONVERTERS.keys()


def test_the_picture_in_docs_is_of_today(tmp_path: Path) -> None:
    """`make pictures` makes it."""
    draw_rig(tmp_path / "rig.svg")
    assert (tmp_path / "rig.svg").read_text("utf-8") == (paths.root() / "docs/images/rig.svg").read_text("utf-8")
