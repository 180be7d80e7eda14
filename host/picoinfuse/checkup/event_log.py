"""Check-up step: read the pump's event log, check that it is complete, and summarize it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from picoinfuse.checkup.model import Row, Step, Visit, judged
from picoinfuse.journal.entry import Entry
from picoinfuse.journal.fetch import Fetched, fetch
from picoinfuse.journal.store import History

TITLE = "Event log"
_CRASHES = ("crash", "watchdog")  # reset causes


def event_log(visit: Visit) -> Step:
    """All entries that the pump still has. Past events are reported, not judged: a justified alarm is no fault of the
    pump.
    """
    name = visit.pump.hello().unique_id
    with tempfile.TemporaryDirectory() as folder, History(Path(folder) / "journal.sqlite") as history:
        done = fetch(visit.pump, name, history)
        entries = list(history.entries(name))
    return Step(TITLE, (*_whole(done, entries), *_events(entries)))


def _whole(done: Fetched, entries: list[Entry]) -> tuple[Row, ...]:
    lost = sum(entry.a for entry in entries if entry.kind == "lost")
    known = "" if any(entry.time for entry in entries) else "the time of day was never set"
    return (
        Row("Entries", str(done.entries), known, judged(done.entries > 0)),
        Row("Damaged", str(done.damaged), "each continues the one before", judged(done.damaged == 0)),
        Row("Not written in time", str(lost), "", judged(lost == 0)),
    )


def _events(entries: list[Entry]) -> tuple[Row, ...]:
    boots = [entry.name for entry in entries if entry.kind == "boot"]
    crashed = Counter(name for name in boots if name in _CRASHES)
    return (
        Row("Starts", str(len(boots)), _counts(crashed) or "none by crash or watchdog"),
        Row("Alarms", _counts(Counter(entry.name for entry in entries if entry.kind == "alarm")) or "none"),
        Row("Faults", _counts(Counter(entry.name for entry in entries if entry.kind == "fault")) or "none"),
        Row("Infusions started", str(_started(entries))),
    )


def _started(entries: Iterable[Entry]) -> int:
    return sum(entry.kind == "command" and entry.name == "start" for entry in entries)


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{number} × {name.replace('_', ' ')}" for name, number in found.most_common())
