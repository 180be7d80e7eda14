"""Entries as JSON lines' objects or CSV rows, for other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import IO, Any

from picoinfuse.journal.entry import Entry


def as_dict(entry: Entry) -> dict[str, Any]:
    time = None if entry.time is None else entry.time.isoformat(timespec="milliseconds")
    return {**asdict(entry), "time": time, "text": entry.text()}


def write_json(entries: Iterable[Entry], file: IO[str]) -> None:
    """One array."""
    json.dump([as_dict(entry) for entry in entries], file, indent=1)
    file.write("\n")


def write_csv(entries: Iterable[Entry], file: IO[str]) -> None:
    names = ["ring", "position", "seq", "boot", "pump_s", "time", "kind", "name", "a", "b", "whole", "text"]
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows(as_dict(entry) for entry in entries)
