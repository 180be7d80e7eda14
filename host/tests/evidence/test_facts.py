"""What a run was made of stands in its evidence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from picoinfuse.evidence import facts
from picoinfuse.evidence.document import document
from picoinfuse.evidence.page import render
from tests.evidence.test_compare import RUN

WIRING = '[pump]\nport = "/dev/ttyACM0"\n[lines]\nvalve = "C0"  # <left>\n'


def test_the_wiring_files_of_a_rig_are_kept_whole(tmp_path: Path) -> None:
    file = tmp_path / "left.toml"
    file.write_text(WIRING, "utf-8")
    (kept,) = facts.rig_facts(f"rig:{file}")
    assert kept == {"file": str(file), "sha256": hashlib.sha256(WIRING.encode()).hexdigest(), "text": WIRING}
    page = render(document({**RUN, "rigs": [kept]}, [], {}), tmp_path)
    assert kept["sha256"] in page
    assert "# &lt;left&gt;" in page


@pytest.mark.parametrize("bench", ["stub", "emulator", "serial:/dev/ttyACM0", "none"])
def test_other_benches_have_none(bench: str) -> None:
    assert facts.rig_facts(bench) == []
