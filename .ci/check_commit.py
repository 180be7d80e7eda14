#!/usr/bin/env python3
"""Checks commit messages: `area: what it does` in at most 72 characters, an empty line, and a body that says why.

    .ci/check_commit.py FILE            the message in FILE, as git's hook commit-msg has it
    .ci/check_commit.py --since COMMIT  every commit after COMMIT, up to HEAD

Prints what is wrong and exits with 1. Needs Python alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LONGEST = 72
_SUBJECT = re.compile(r"[a-z][a-z0-9_ ,./-]*: \S")
_OF_GIT = re.compile(r"(Merge|Revert|fixup!|squash!|amend!) ?")  # written by git; `git rebase` replaces the last three
_SCISSORS = "# ------------------------ >8 ------------------------"
EXAMPLE = """\
    alarms: repeat the reminder while the pump is paused

    A paused pump that is forgotten gives nothing, and looks like one
    that works."""


def mistakes(message: str) -> list[str]:
    """What is wrong with a message, a sentence each; [] if nothing is."""
    text = message.partition(_SCISSORS)[0]
    lines = [line.rstrip() for line in text.splitlines() if not line.startswith("#")]
    subject, rest = (lines or [""])[0], lines[1:]
    if _OF_GIT.match(subject):
        return []
    found = []
    if not _SUBJECT.match(subject):
        found.append("the first line is not of the form `area: what it does`, its area in lower case")
    if len(subject) > LONGEST:
        found.append(f"the first line has {len(subject)} characters, at most {LONGEST}")
    if subject.endswith("."):
        found.append("the first line ends with a full stop")
    if rest and rest[0]:
        found.append("the second line is not empty")
    if not any(rest):
        found.append("there is no body: say why, in a line or three, after an empty line")
    return found


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def commits_since(base: str) -> list[tuple[str, str]]:
    """(short hash, message) of each commit after `base` up to HEAD, merges left out."""
    log = _git("log", "--no-merges", "--format=%h%x00%B%x01", f"{base}..HEAD")
    pairs = [entry.strip("\n").split("\0", 1) for entry in log.split("\1") if entry.strip()]
    return [(commit, message) for commit, message in pairs]


def main(arguments: list[str]) -> int:
    if len(arguments) == 2 and arguments[0] == "--since":
        messages = commits_since(arguments[1])
    elif len(arguments) == 1:
        messages = [("commit", Path(arguments[0]).read_text(encoding="utf-8"))]
    else:
        print(__doc__)
        return 2
    wrong = [(name, message, text) for name, message in messages for text in mistakes(message)]
    for name, message, text in wrong:
        print(f"{name}: {text}: {message.partition(chr(10))[0]!r}")
    if wrong:
        print(f"A good message:\n\n{EXAMPLE}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
