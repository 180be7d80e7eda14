"""What the pump is asked to do, by id: requirements.toml, the one list that tests, report and docs refer to."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("requirements.toml")


@dataclass(frozen=True)
class Requirement:
    """`source` is the document or the decision that it comes from."""

    id: str
    text: str
    source: str


@cache
def requirements() -> dict[str, Requirement]:
    """All of them, by id, in the order of the file."""
    groups = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        f"{prefix}-{number}": Requirement(f"{prefix}-{number}", text, group["source"])
        for prefix, group in groups.items()
        for number, text in group["requirements"].items()
    }
