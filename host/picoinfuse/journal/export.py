"""Export of journal entries as JSON or CSV, for other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import IO, Any

from picoinfuse.journal.entry import Entry

COLUMNS = (*(field.name for field in fields(Entry)), "text")


def as_dict(entry: Entry) -> dict[str, Any]:
    """The fields of the entry, its time as ISO 8601 or None, and its text; the keys are COLUMNS."""
    time = None if entry.time is None else entry.time.isoformat(timespec="milliseconds")
    return {**asdict(entry), "time": time, "text": entry.text()}


def write_json(entries: Iterable[Entry], file: IO[str]) -> None:
    """Write one JSON array of objects with the keys COLUMNS."""
    json.dump([as_dict(entry) for entry in entries], file, indent=1)
    file.write("\n")


def write_csv(entries: Iterable[Entry], file: IO[str]) -> None:
    """Write a header of COLUMNS and a row for each entry."""
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(as_dict(entry) for entry in entries)
