#!/usr/bin/env python3
"""Checks that every file, folder, module, test and make target that pages, docstrings and comments name exists.

    .ci/check_names.py            the whole clone
    .ci/check_names.py FILE…      these files of it

Prints `file:line: …` for each name that does not, and exits with 1. Needs Python alone.

A name that stands for any is written in capitals: `boards/NAME.toml`, `rig:FILE.toml`. What a run makes lies in
`build/`, and is not looked for.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

# Where the folders of a path may be left out: `core/alarms/table.py` is in firmware/pump/.
ROOTS = ("", "firmware/", "firmware/pump/", "host/", "host/picoinfuse/", "hil_tests/", "docs/")
PACKAGES = {"pump": "firmware/pump", "picoinfuse": "host/picoinfuse", "hil_tests": "hil_tests"}
MICROPYTHON = ("py/", "extmod/", "ports/", "shared/", "lib/", "tools/")  # folders of its source tree
GENERATED = ("build/", "vcd/")

_PATH = re.compile(
    r"""(?<![\w/.~$%{<\\-])                      # not in the midst of a name, an address or an absolute path
    ( (?:\.\./)* (?:[\w.*-]+/)+ [\w*.-]+\.[a-z][\w-]* # a path to a file, with its ending
    | (?:\.\./)* (?:[\w-]{2,}/)+ (?![\w/.*<{…-])      # a path to a folder, with its slash
    | [\w*-]+\.(?:py|md|toml|j2)                      # the bare name of a file
    )(?![\w/])(?:::(\w+))?""",
    re.VERBOSE,
)
_MODULE = re.compile(rf"(?<![\w./-])((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?![\w(/-])")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MAKE = re.compile(r"`make ([a-z][a-z-]*)|^make ([a-z][a-z-]*)(?= +[A-Z_]+=| *$| +#)")
_COMMENT = re.compile(r"(?:^|\s)#:? (.*)")


class Clone:
    """The files of a clone and what they hold."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> set[str]:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True).stdout
        return {name for name in listed.splitlines() if (self.root / name).exists()}

    @cached_property
    def folders(self) -> set[str]:
        return {str(folder) for name in self.files for folder in PurePosixPath(name).parents}

    @cached_property
    def names(self) -> set[str]:
        return {PurePosixPath(name).name for name in self.files}

    @cached_property
    def targets(self) -> set[str]:
        return set(re.findall(r"^([a-z-]+):", self.text("Makefile"), re.MULTILINE))

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def find(self, path: str, beside: str) -> list[str]:
        """The files and folders that `path`, named in the file `beside`, may mean."""
        here = PurePosixPath(beside).parent
        places = [*ROOTS, f"{here}/", *(f"{folder}/" for folder in here.parents if str(folder) != ".")]
        candidates = {_normal(place + path.rstrip("/")) for place in places}
        if "*" in path:
            return [n for n in self.files | self.folders if any(PurePosixPath(n).match(c) for c in candidates)]
        found = [c for c in candidates if c in self.files or c in self.folders]
        if not found and "/" not in path.rstrip("/"):
            named = self.folders if path.endswith("/") else self.files
            found = [n for n in named if PurePosixPath(n).name == path.rstrip("/")]
        return found

    def has_module(self, dotted: str) -> bool:
        """True if `dotted` is a module, or a name that a module or package defines or imports."""
        head, *rest = dotted.split(".")
        for split in range(len(rest), -1, -1):
            base = "/".join([PACKAGES[head], *rest[:split]])
            source = next((f for f in (f"{base}.py", f"{base}/__init__.py") if f in self.files), None)
            if split == len(rest) and (source or base in self.folders):
                return True
            if source:
                return re.search(rf"\b{rest[split]}\b", self.text(source)) is not None
        return False


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    return "/".join(parts)


def prose(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The lines that people read, numbered: all of a page; docstrings and comments of a program."""
    lines = text.split("\n")
    if name.endswith(".md"):
        yield from enumerate(lines, 1)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            first, last = node.body[0].lineno, node.body[0].end_lineno
            yield from ((number, lines[number - 1]) for number in range(first, (last or first) + 1))
    for number, line in enumerate(lines, 1):
        comment = _COMMENT.search(line)
        if comment:
            yield number, comment.group(1)


def stands_for_any(path: str) -> bool:
    """True if a part of the path is a placeholder such as NAME.toml, or the whole is made by a run."""
    stems = [part.partition(".")[0] for part in path.split("/")]
    return path.startswith((*GENERATED, *MICROPYTHON)) or any(re.fullmatch(r"[A-Z][A-Z_-]*", s) for s in stems)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as the usual hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def mistakes(clone: Clone, name: str) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) for each name in the file that is not there."""
    page = name.endswith(".md")
    for number, line in prose(name, clone.text(name)):
        for path, test in _PATH.findall(line):
            if stands_for_any(path) or (path.isupper() and page):
                continue
            found = clone.find(path, name)
            if not found:
                yield number, f"there is no {path}"
            elif test and not any(f.endswith(".py") and f"def {test}(" in clone.text(f) for f in found):
                yield number, f"{path} has no {test}"
        for dotted in _MODULE.findall(line):
            if not clone.has_module(dotted):
                yield number, f"there is no {dotted}"
        for in_text, in_block in _MAKE.findall(line):
            target = in_text or in_block
            if target not in clone.targets:
                yield number, f"the Makefile has no target {target}"
        if page:
            yield from ((number, text) for text in _broken_links(clone, name, line))


def _broken_links(clone: Clone, name: str, line: str) -> Iterator[str]:
    for link in _LINK.findall(line):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = _normal(f"{PurePosixPath(name).parent}/{target}") if target else name
        if file not in clone.files and file not in clone.folders:
            yield f"the link {link} leads nowhere"
        elif anchor and anchor not in anchors(clone.text(file)):
            yield f"{file} has no heading #{anchor}"


def main(arguments: list[str]) -> int:
    clone = Clone(Path(__file__).resolve().parent.parent)
    wrong = 0
    for name in arguments or sorted(n for n in clone.files if n.endswith((".md", ".py"))):
        for number, text in sorted(set(mistakes(clone, name))):
            print(f"{name}:{number}: {text}")
            wrong += 1
    if wrong:
        print(f"lint: {wrong} names of what does not exist. Correct the name, or write a placeholder in capitals.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
