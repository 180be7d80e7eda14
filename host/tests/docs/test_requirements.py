"""docs/requirements.md names tests that there are, every file of the suite, and every row of the two public sets."""

import ast
import re
from pathlib import Path

import pytest

from picoinfuse.common import paths
from picoinfuse.evidence.requirements import requirements

TEXT = (paths.root() / "docs" / "requirements.md").read_text("utf-8")
NODES = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


def functions(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "test"), NODES, ids=[f"{file}::{test}" for file, test in NODES])
def test_a_test_that_is_named_is_there(file: str, test: str) -> None:
    path = paths.root() / file
    assert path.is_file()
    assert test in functions(path)


def test_every_file_of_the_suite_is_named() -> None:
    suite = {f"hil_tests/{path.name}" for path in (paths.root() / "hil_tests").glob("test_*.py")}
    assert suite - set(re.findall(r"hil_tests/\w+\.py", TEXT)) == set()


def test_every_row_of_the_two_sets_is_answered() -> None:
    asked = {req for req in requirements() if req.startswith(("GIP-", "PCA-"))}
    assert set(re.findall(r"^\| ((?:GIP|PCA)-[\d.]+) \|", TEXT, re.MULTILINE)) == asked


def test_a_row_without_a_test_says_why() -> None:
    for row in re.findall(r"^\| (?:GIP|PCA)-.*$", TEXT, re.MULTILINE):
        assert "::" in row or "**not here**" in row, row
