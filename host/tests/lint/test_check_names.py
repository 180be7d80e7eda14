"""`.ci/check_names.py` finds names of files, modules, tests and make targets that do not exist."""

import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.lint.scripts import script

FILES = {
    "Makefile": "test: ## run\nhil: test\n",
    "README.md": "# A pump\n## What it does\n",
    "boards/one.toml": "",
    "docs/alarms.md": "",
    "firmware/pump/core/dose.py": "def dose_of(rate_ul_h):\n    pass\n",
    "firmware/pump/core/__init__.py": "",
    "host/tests/test_dose.py": "def test_the_dose():\n    pass\n",
}


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return script("check_names")


@pytest.fixture
def mistakes(checker: ModuleType, tmp_path: Path):
    """The mistakes of a file with this text, in a clone of FILES."""

    def mistakes(name: str, text: str) -> list[tuple[int, str]]:
        for file, content in {**FILES, name: text}.items():
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
        return list(checker.mistakes(checker.Clone(tmp_path), name))

    return mistakes


@pytest.mark.parametrize(
    "text",
    [
        "see `core/dose.py`, `pump/core/` and firmware/pump/core/dose.py",
        "`dose.py`, `boards/*.toml`, [alarms](alarms.md), [it](../README.md#what-it-does)",
        "`pump.core.dose.dose_of` of `pump.core.dose`",
        "`test_dose.py::test_the_dose`",
        "`make test`, and we make tests",
        "`boards/NAME.toml`, `rig:FILE.toml`, `build/report.html`, `/profile.json`, https://example.org/a/b.md",
        "mL/h, and/or, 1/2, s/√n",
    ],
)
def test_what_exists_or_stands_for_any_is_no_mistake(mistakes, text: str) -> None:
    assert mistakes("docs/page.md", text) == []


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("see `core/doses.py`", "there is no core/doses.py"),
        ("see `pump/shell/`", "there is no pump/shell/"),
        ("see `doses.py`", "there is no doses.py"),
        ("`boards/*.json`", "there is no boards/*.json"),
        ("`pump.core.doses`", "there is no pump.core.doses"),
        ("`pump.core.dose.rate_of`", "there is no pump.core.dose.rate_of"),
        ("`test_dose.py::test_the_rate`", "test_dose.py has no test_the_rate"),
        ("`make tests`", "the Makefile has no target tests"),
        ("[it](alarm.md)", "the link alarm.md leads nowhere"),
        ("[it](../README.md#how)", "README.md has no heading #how"),
    ],
)
def test_what_does_not_exist_is_reported_with_its_line(mistakes, text: str, mistake: str) -> None:
    assert (3, mistake) in mistakes("docs/page.md", f"# A page\n\n{text}\n")


def test_docstrings_and_comments_are_read_and_code_is_not(mistakes) -> None:
    text = '"""See doses.py."""\n\nNAME = "rates.py"\nTOP = 1  HASH as in alarm_table.py\n'.replace("HASH", "#")
    assert mistakes("host/tool.py", text) == [(1, "there is no doses.py"), (4, "there is no alarm_table.py")]
