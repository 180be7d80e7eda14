"""The history: a SQLite file with each slot as it was fetched, and the position that each ring was fetched up to.

Pumps are told apart by their unique id. A ring that was formatted starts at position 1 again, as a new generation.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.journal.entry import Entry, decode

_SCHEMA = """
CREATE TABLE IF NOT EXISTS slots (
    pump TEXT, ring TEXT, generation INTEGER, position INTEGER, seq INTEGER, whole INTEGER, raw BLOB,
    PRIMARY KEY (pump, ring, generation, position)
);
CREATE TABLE IF NOT EXISTS cursors (
    pump TEXT, ring TEXT, generation INTEGER, next INTEGER, chain INTEGER, last BLOB, PRIMARY KEY (pump, ring)
);
CREATE TABLE IF NOT EXISTS gaps (
    pump TEXT, ring TEXT, generation INTEGER, position INTEGER, slots INTEGER,
    PRIMARY KEY (pump, ring, generation, position)
);
"""


class HistoryUnusable(PicoinfuseError):
    """The file is not a history, or cannot be read or written."""


def default_path() -> Path:
    """In XDG_DATA_HOME, or ~/.local/share without it (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "picoinfuse" / "journal.sqlite"


@dataclass(frozen=True)
class Cursor:
    """Where the next fetch of a ring begins, and the chain that it has to continue."""

    generation: int = 0
    next: int = 0
    chain: int | None = None
    last: bytes = b""  # the newest slot fetched


@dataclass(frozen=True)
class Gap:
    """Slots that the pump overwrote before they were fetched."""

    ring: str
    position: int
    slots: int


class History:
    """A context manager. Each page is one transaction, so an interrupted fetch loses and doubles nothing.

    Every method raises HistoryUnusable when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._named():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path)
            self._db.executescript(_SCHEMA)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn errors of the file and the database into HistoryUnusable."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise HistoryUnusable(f"the history in {self._path} cannot be used: {error}") from error

    def cursor(self, pump: str, ring: str) -> Cursor:
        """Where the next fetch of the ring begins; the default Cursor when it was never fetched."""
        query = "SELECT generation, next, chain, last FROM cursors WHERE pump = ? AND ring = ?"
        with self._named():
            row = self._db.execute(query, (pump, ring)).fetchone()
        return Cursor(*row) if row else Cursor()

    def keep(self, pump: str, ring: str, cursor: Cursor, slots: list[tuple[int, bytes, bool]], gap: Gap | None) -> None:
        """Keep a page. `slots`: (position, bytes, whole) of each. `cursor`: where the next fetch begins."""
        rows = [
            (pump, ring, cursor.generation, position, int.from_bytes(raw[:4], "little"), whole, raw)
            for position, raw, whole in slots
        ]
        with self._named(), self._db:
            self._db.executemany("INSERT OR IGNORE INTO slots VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            if gap is not None:
                values = (pump, ring, cursor.generation, gap.position, gap.slots)
                self._db.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?, ?)", values)
            values = (pump, ring, cursor.generation, cursor.next, cursor.chain, cursor.last)
            self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?)", values)

    def entries(self, pump: str) -> Iterator[Entry]:
        """In the order in which the pump wrote them; damaged slots keep their place in the ring."""
        query = (
            "SELECT ring, position, raw, whole FROM slots WHERE pump = ? "
            "ORDER BY generation, CASE whole WHEN 1 THEN seq ELSE "
            "(SELECT MAX(seq) FROM slots o WHERE o.pump = slots.pump AND o.ring = slots.ring AND o.whole = 1 "
            "AND o.generation = slots.generation AND o.position < slots.position) END, ring, position"
        )
        with self._named():
            rows = self._db.execute(query, (pump,)).fetchall()
        return (decode(ring, position, raw, bool(whole)) for ring, position, raw, whole in rows)

    def gaps(self, pump: str) -> list[Gap]:
        """By ring and position."""
        query = "SELECT ring, position, slots FROM gaps WHERE pump = ? ORDER BY ring, generation, position"
        with self._named():
            return [Gap(*row) for row in self._db.execute(query, (pump,))]

    def pumps(self) -> list[str]:
        """The unique ids of all pumps in the history."""
        with self._named():
            return [row[0] for row in self._db.execute("SELECT DISTINCT pump FROM cursors ORDER BY pump")]

    def __enter__(self) -> History:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._db.close()
