"""The tables as Markdown, between two markers of a document that people write the rest of."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from picoinfuse.benchmark.reading import Found, Row, number
from picoinfuse.common.errors import PicoinfuseError

BEGIN = "<!-- picoinfuse bench: begin. Written by `picoinfuse bench --write`; do not edit. -->"
END = "<!-- picoinfuse bench: end -->"


class NoPlaceForTables(PicoinfuseError):
    """The document lacks the markers between which the tables go."""


def machine() -> str:
    """What the numbers were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        cpu = names[0] if names else cpu
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{load}"


def verdict(row: Row, found: Found) -> str:
    if row.aim is None:
        return ""
    return "reached" if row.aim.reached(found.value) else "not reached"


def cells(row: Row, found: Found) -> tuple[str, ...]:
    aim = row.aim.text() if row.aim else ""
    return (row.name, number(found.value), row.unit, aim, verdict(row, found), found.beside)


HEAD = ("what", "found", "unit", "aim", "", "beside")


def markdown(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    table = [head, tuple("---" for _ in head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in table)


def write(file: Path, sections: list[str]) -> None:
    """Puts the sections between the markers."""
    text = file.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlaceForTables(f"{file} lacks the lines between which the tables go:\n{BEGIN}\n{END}")
    body = "\n\n".join([f"Measured on {machine()}.", *sections])
    file.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
