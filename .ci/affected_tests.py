#!/usr/bin/env python3
"""Lists the test files that a change touches: changed ones, and those that name a changed file.

    .ci/affected_tests.py           what changed since the branch left origin/main, committed or not
    .ci/affected_tests.py FILE…     what these files touch
    .ci/affected_tests.py --files   the changed files themselves, without those removed

A Python file is named by an import of its module, any other file by its name in the text of a test. Tests that reach a
change through other modules are left to `make test`. Needs Python alone.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path, PurePosixPath

ROOTS = ("firmware/", "host/")  # of the modules' names
TESTS = ("firmware/tests/", "host/tests/")


def _git(*arguments: str) -> list[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.split()


def changed_files() -> list[str]:
    """Since the commit that HEAD and origin/main share; since HEAD where there is no such commit."""
    base = (_git("merge-base", "HEAD", "origin/main") or ["HEAD"])[0]
    untracked = _git("ls-files", "--others", "--exclude-standard")
    return sorted({*_git("diff", "--name-only", base), *untracked})


def module_of(name: str) -> str:
    """`firmware/pump/core/units.py` → `pump.core.units`; `host/picoinfuse/rig/__init__.py` → `picoinfuse.rig`."""
    root = next((root for root in ROOTS if name.startswith(root)), "")
    return ".".join(PurePosixPath(name[len(root) :]).with_suffix("").parts).removesuffix(".__init__")


def imports(source: str) -> set[str]:
    """The names that a file imports, each as `module` and as `module.name`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def affected(root: Path, changed: list[str]) -> list[str]:
    """The test files below `root` that the changed files touch."""
    modules = {module_of(name) for name in changed if name.endswith(".py")}
    others = {PurePosixPath(name).name for name in changed if not name.endswith((".py", ".md"))}
    found = []
    for folder in TESTS:
        for path in sorted((root / folder).rglob("test_*.py")):
            name, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
            if name in changed or imports(text) & modules or any(other in text for other in others):
                found.append(name)
    return found


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    files = [name for name in changed_files() if (here / name).exists()]
    names = files if sys.argv[1:] == ["--files"] else affected(here, sys.argv[1:] or changed_files())
    print("".join(f"{name}\n" for name in names), end="")
