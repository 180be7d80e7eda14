"""`.ci/affected_tests.py` lists the tests that import a changed module or name a changed file."""

from pathlib import Path

from tests.lint.scripts import script

FILES = {
    "firmware/tests/test_dose.py": "from pump.core import dose\n",
    "firmware/tests/test_ramp.py": "from pump.core.motion.ramp import Ramp\n",
    "host/tests/rig/test_rig.py": "import picoinfuse.rig\nFILE = 'boards/one.toml'\n",
    "host/tests/test_none.py": "import json\n",
}


def test_a_test_is_affected_by_what_it_imports_or_names(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    affected = script("affected_tests").affected
    assert affected(tmp_path, ["firmware/pump/core/dose.py"]) == ["firmware/tests/test_dose.py"]
    assert affected(tmp_path, ["firmware/pump/core/motion/ramp.py"]) == ["firmware/tests/test_ramp.py"]
    assert affected(tmp_path, ["host/picoinfuse/rig/__init__.py"]) == ["host/tests/rig/test_rig.py"]
    assert affected(tmp_path, ["boards/one.toml"]) == ["host/tests/rig/test_rig.py"]
    assert affected(tmp_path, ["host/tests/test_none.py"]) == ["host/tests/test_none.py"]
    assert affected(tmp_path, ["docs/alarms.md", "Makefile"]) == []
