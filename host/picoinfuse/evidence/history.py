"""The runs before this one, in a local SQLite file: how a measurement moves, and which tests pass and fail by turns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from picoinfuse.common.errors import PicoinfuseError

FEWEST_RUNS = 3  # before a measurement has a spread that means something
RUNS_COMPARED = 20
ROUNDING = 1e-9  # of a value: nothing that small is a move
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, bench TEXT NOT NULL, profile TEXT NOT NULL, seed INTEGER NOT NULL,
    git_commit TEXT, dirty INTEGER, firmware_sha256 TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outcome (
    run INTEGER NOT NULL REFERENCES run(id), test TEXT NOT NULL, repetition INTEGER NOT NULL, outcome TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS measurement (
    run INTEGER NOT NULL REFERENCES run(id), test TEXT NOT NULL, repetition INTEGER NOT NULL, name TEXT NOT NULL,
    number INTEGER NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL, limits TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS measurement_of ON measurement (name, test);
CREATE INDEX IF NOT EXISTS outcome_of ON outcome (run);
"""


class BadHistory(PicoinfuseError):
    """The file is no history of runs, or holds nothing of what was asked for."""


@dataclass(frozen=True)
class Moved:
    """A measurement that is further from the median of the runs before than they are apart among themselves."""

    test: str
    name: str
    unit: str
    value: float
    median: float
    spread: float
    runs: int


@dataclass(frozen=True)
class Point:
    """A measurement in one run. `number`: which of that name in its test."""

    run: int
    profile: str
    number: int
    started: str
    bench: str
    commit: str | None
    test: str
    name: str
    value: float
    unit: str
    limits: dict[str, Any]


@contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection]:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
            connection.executescript(_SCHEMA)
            yield connection
    except sqlite3.DatabaseError as error:
        raise BadHistory(f"{file} is not a history of runs: {error}") from error


def append(file: Path, document: dict[str, Any]) -> int:
    """Adds a run; returns its number."""
    run = document["run"]
    with _open(file) as connection:
        cursor = connection.execute(
            "INSERT INTO run (started, bench, profile, seed, git_commit, dirty, firmware_sha256)"
            " VALUES (?,?,?,?,?,?,?)",
            (run["started"], run["bench"], run["profile"]["name"], run["seed"], run["clone"]["commit"],
             run["clone"]["dirty"], run["firmware_sha256"]),
        )  # fmt: skip
        number = cursor.lastrowid or 0
        for test in document["tests"]:
            key = (number, test["test"], test["repetition"])
            connection.execute("INSERT INTO outcome VALUES (?,?,?,?)", (*key, test["outcome"]))
            connection.executemany("INSERT INTO measurement VALUES (?,?,?,?,?,?,?,?)", [
                (*key, name, k, value, unit, limits) for name, k, value, unit, limits in numbers_of(test)
            ])  # fmt: skip
    return number


def numbers_of(test: dict[str, Any]) -> Iterator[tuple[str, int, float, str, str]]:
    """(name, which of that name, value, unit, limits) of each measurement that is a number."""
    seen: dict[str, int] = {}
    for one in test["measurements"]:
        k = seen[one["name"]] = seen.get(one["name"], -1) + 1
        if isinstance(one["value"], int | float) and not isinstance(one["value"], bool):
            yield one["name"], k, one["value"], one["unit"], json.dumps(one["limits"])


def moved(file: Path, document: dict[str, Any]) -> list[Moved]:
    """What has moved by more than its own spread, against the runs of the same bench and profile in the file.

    Call it before `append`. The spread is from the least to the greatest of the runs before; where all were equal, as
    they are on a board in virtual time, any move is pointed out.
    """
    run, found = document["run"], []
    with _open(file) as connection:
        before = _before(connection, run["bench"], run["profile"]["name"])
    for test in document["tests"]:
        for name, k, value, unit, _ in numbers_of(test):
            values = before.get((test["test"], name, k), [])
            if len(values) < FEWEST_RUNS:
                continue
            middle, spread = median(values), max(values) - min(values)
            if _is_move(value, middle, spread):
                found.append(Moved(test["test"], name, unit, value, middle, spread, len(values)))
    return found


def _before(connection: sqlite3.Connection, bench: str, profile: str) -> dict[tuple[str, str, int], list[float]]:
    rows = connection.execute(
        "SELECT test, name, number, value FROM measurement WHERE run IN"
        " (SELECT id FROM run WHERE bench = ? AND profile = ? ORDER BY id DESC LIMIT ?)",
        (bench, profile, RUNS_COMPARED),
    )
    values: dict[tuple[str, str, int], list[float]] = {}
    for test, name, number, value in rows:
        values.setdefault((test, name, number), []).append(value)
    return values


def outcomes_before(file: Path, bench: str, profile: str, firmware_sha256: str) -> dict[str, list[str]]:
    """Of each test, oldest first, with this very firmware: what passes and fails by turns there is flaky."""
    with _open(file) as connection:
        rows = connection.execute(
            "SELECT test, outcome FROM outcome JOIN run ON run.id = outcome.run"
            " WHERE bench = ? AND profile = ? AND firmware_sha256 = ? ORDER BY run.id, repetition",
            (bench, profile, firmware_sha256),
        ).fetchall()
    found: dict[str, list[str]] = {}
    for test, outcome in rows:
        found.setdefault(test, []).append(outcome)
    return found


def points(file: Path, measurement: str, test: str | None = None) -> list[Point]:
    """Every value of the measurement of that name, oldest first; `test`: a part of the test's id."""
    if not file.is_file():
        raise BadHistory(f"there is no {file}; a run of the suite with --evidence makes it")
    with _open(file) as connection:
        rows = connection.execute(
            "SELECT run.id, profile, number, started, bench, git_commit, test, name, value, unit, limits"
            " FROM measurement"
            " JOIN run ON run.id = measurement.run WHERE name = ? AND instr(test, ?)"
            " ORDER BY run.id, repetition, number",
            (measurement, test or ""),
        ).fetchall()
        if not rows:
            names = [row[0] for row in connection.execute("SELECT DISTINCT name FROM measurement ORDER BY name")]
            raise BadHistory(_nothing(file, measurement, test, names))
    return [Point(*columns, limits=json.loads(limits)) for *columns, limits in rows]


def moves(values: list[Point]) -> list[Moved]:
    """Of each measurement its newest value, where it moved by more than the spread of those before, as `moved` does."""
    series: dict[tuple[str, str, str, int], list[Point]] = {}
    for point in values:
        series.setdefault((point.bench, point.profile, point.test, point.number), []).append(point)
    found = (_move(points[-1], [p.value for p in points[:-1]][-RUNS_COMPARED:]) for points in series.values())
    return [one for one in found if one is not None]


def _move(newest: Point, before: list[float]) -> Moved | None:
    if len(before) < FEWEST_RUNS:
        return None
    middle, spread = median(before), max(before) - min(before)
    if not _is_move(newest.value, middle, spread):
        return None
    return Moved(newest.test, newest.name, newest.unit, newest.value, middle, spread, len(before))


def _is_move(value: float, middle: float, spread: float) -> bool:
    return abs(value - middle) > max(spread, ROUNDING * abs(middle))


def _nothing(file: Path, measurement: str, test: str | None, names: list[str]) -> str:
    where = f" in a test like {test}" if test else ""
    near = [name for name in names if measurement.lower() in name.lower()] or names
    return f"{file} has no measurement {measurement!r}{where}; it has {', '.join(near[:12]) or 'none'}"
