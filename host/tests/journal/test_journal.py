"""The journal on the host: fetched once, in order, resumed after a break, and what is missing or changed shows."""

from __future__ import annotations

import base64
import csv
import importlib
import io
import json
import sqlite3
import struct
import sys
from binascii import crc32
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from picoinfuse.bench.stub import StubBench
from picoinfuse.client.methods.maintenance import LogPage
from picoinfuse.common.errors import BadReply, LinkClosed
from picoinfuse.journal import entry as module
from picoinfuse.journal.fetch import Fetched, fetch
from picoinfuse.journal.store import History, HistoryUnusable
from picoinfuse.profile import load_profile

PUMP = "e660000000000001"
ENTRIES = 127  # of a sector


class FakeJournal:
    """Rings of four sectors, as the pump reports them; `events` gets the entries."""

    def __init__(self) -> None:
        self.slots: list[bytes] = []  # every one since the first day, heads and all
        self.kept = 4 * 128
        self.chain = 0
        self.seq = 0
        self.fail_after = -1

    def note(self, kind: int, name: str, a: int = 0, b: int = 0) -> None:
        self.seq += 1
        if len(self.slots) % 128 == 0:
            self.slots.append(struct.pack("<I", self.chain) + bytes(28))
        packed = (self.seq, 5, 217_684_800, 0, 25, kind, 1, module.code(name), b & 0xFFFF, b >> 16, a)
        body = struct.pack("<IIIBBBBHHii", *packed)
        self.chain = crc32(body, self.chain)
        self.slots.append(body + struct.pack("<I", self.chain))

    def log(self, ring: str, position: int) -> LogPage:
        if not self.fail_after:
            raise LinkClosed("unplugged")
        self.fail_after -= 1
        if ring != "events" or not self.slots:
            return LogPage(position, 1, None, "")
        position = max(position, (max(0, len(self.slots) - self.kept) + 127) // 128 * 128)
        position += position % 128 == 0
        end = min(len(self.slots), position + 16, position // 128 * 128 + 128)
        head = self.slots[position // 128 * 128]
        chain = struct.unpack_from("<I", head)[0] if position % 128 == 1 else None
        data = b"".join(self.slots[position:end])
        return LogPage(position, len(self.slots), chain, base64.b64encode(data).decode())


@pytest.fixture
def pump() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.sqlite"


def seqs(path: Path) -> list[int]:
    with History(path) as history:
        return [entry.seq for entry in history.entries(PUMP)]


def take(pump: FakeJournal, path: Path) -> Fetched:
    with History(path) as history:
        return fetch(pump, PUMP, history)


def test_a_second_fetch_adds_nothing_twice(pump: FakeJournal, path: Path) -> None:
    for _ in range(200):
        pump.note(3, "idle")
    assert take(pump, path) == Fetched(entries=200)
    assert take(pump, path) == Fetched()
    for _ in range(100):
        pump.note(3, "idle")
    assert take(pump, path) == Fetched(entries=100)
    assert seqs(path) == list(range(1, 301))


@pytest.mark.parametrize("pages", range(1, 13))
def test_an_interrupted_fetch_continues_where_it_stopped(pump: FakeJournal, path: Path, pages: int) -> None:
    for _ in range(150):
        pump.note(3, "idle")
    pump.fail_after = pages
    with pytest.raises(LinkClosed):
        take(pump, path)
    pump.fail_after = -1
    take(pump, path)
    assert seqs(path) == list(range(1, 151))


def test_entries_overwritten_before_the_fetch_are_reported_as_a_gap(pump: FakeJournal, path: Path) -> None:
    for _ in range(50):
        pump.note(3, "idle")
    take(pump, path)
    for _ in range(9 * ENTRIES):
        pump.note(3, "idle")
    done = take(pump, path)
    assert done.gaps > 0
    assert done.damaged == 0
    found = seqs(path)
    assert found[:50] == list(range(1, 51))
    assert found[50:] == list(range(found[50], pump.seq + 1))
    with History(path) as history:
        (gap,) = history.gaps(PUMP)
    assert (gap.ring, gap.slots) == ("events", done.gaps)


@pytest.mark.parametrize("position", [1, 5, 16, 17, 126, 130])
def test_a_changed_entry_is_marked_damaged(pump: FakeJournal, path: Path, position: int) -> None:
    for _ in range(150):
        pump.note(3, "idle")
    raw = bytearray(pump.slots[position])
    raw[24] ^= 1
    pump.slots[position] = bytes(raw)
    assert take(pump, path).damaged == 1
    with History(path) as history:
        wrong = [entry.position for entry in history.entries(PUMP) if not entry.whole]
    assert wrong == [position]


@pytest.mark.parametrize("position", [5, 16, 17, 60])
def test_a_removed_entry_is_noticed(pump: FakeJournal, path: Path, position: int) -> None:
    for _ in range(100):
        pump.note(3, "idle")
    del pump.slots[position]
    assert take(pump, path).damaged == 1


def test_a_formatted_journal_starts_a_new_generation(pump: FakeJournal, path: Path) -> None:
    for _ in range(20):
        pump.note(3, "idle")
    take(pump, path)
    fresh = FakeJournal()
    for _ in range(30):
        fresh.note(3, "paused")
    assert take(fresh, path).entries == 30
    assert seqs(path) == [*range(1, 21), *range(1, 31)]


@pytest.mark.parametrize(
    ("forward", "said"), [(0, "position must be 17 or later, not 1"), (16, "entries must be 512 slots in all")]
)
def test_a_journal_without_an_end_stops_the_fetch_with_an_error(
    pump: FakeJournal, path: Path, monkeypatch: pytest.MonkeyPatch, forward: int, said: str
) -> None:
    """Page after page of one sector's slots: at the same place, or always further on."""
    for _ in range(50):
        pump.note(3, "idle")
    first = pump.log("events", 1)
    told: list[int] = []

    def log(ring: str, position: int) -> LogPage:
        told.append(position)
        at = 1 + forward * (len(told) - 1)
        return LogPage(at, at + 16, first.chain, first.entries)

    monkeypatch.setattr(pump, "log", log)
    monkeypatch.setattr("picoinfuse.journal.fetch.SLOTS_AT_MOST", 512)
    with pytest.raises(BadReply, match=said):
        take(pump, path)
    assert len(told) <= 512 // 16 + 1


def test_the_histories_of_two_pumps_are_separate(pump: FakeJournal, path: Path) -> None:
    pump.note(3, "idle")
    take(pump, path)
    with History(path) as history:
        fetch(pump, "another", history)
        assert history.pumps() == ["another", PUMP]
        assert len(list(history.entries("another"))) == 1


def test_the_text_of_each_kind_of_entry(pump: FakeJournal, path: Path) -> None:
    pump.note(4, "occlusion", 3)
    pump.note(5, "occlusion", 0)
    pump.note(6, "start", 5000, 10_000_000_000_000)
    pump.note(11, "idle", -31_536_000)
    take(pump, path)
    with History(path) as history:
        texts = [entry.text() for entry in history.entries(PUMP)]
        times = {str(entry.time) for entry in history.entries(PUMP)}
    assert texts == [
        "alarm occlusion (high)",
        "alarm occlusion ended",
        "command start 5000 10000000000000",
        "clock set, by -31536000 s",
    ]
    assert times == {"2026-11-24 12:00:00.250000+00:00"}


def test_every_name_in_the_firmwares_tables_is_known_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    if "micropython" not in sys.modules:
        monkeypatch.setitem(sys.modules, "micropython", SimpleNamespace(const=lambda value: value))
    alarms = importlib.import_module("pump.core.alarms.table")
    supervisor = importlib.import_module("pump.core.supervisor")
    schema = importlib.import_module("pump.link.schema")
    names = [row[0] for row in alarms.ALARMS] + list(supervisor.STATES) + list(supervisor.EVENTS)
    names += [name for name in schema.METHODS if schema.kind(name) == schema.COMMAND]
    untold = {"telemetry", "set_clock"}
    assert {name for name in names if module.name_of(module.code(name)) != name} - untold == set()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> StubBench:
    return StubBench(load_profile("syringe-50ml"))


def test_the_log_command_fetches_shows_filters_and_exports(
    bench: StubBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from picoinfuse.cli import app, log

    with bench:
        monkeypatch.setattr(log, "open_pump", lambda port: bench.pump)
        monkeypatch.setattr(bench.pump, "close", lambda: None)
        bench.pump.set_clock(1_795_435_200_000)
        bench.pump.start(100_000)
        bench.sleep(2)
        bench.sensor_fault("open")
        bench.sleep(1)
        command = ["log", "--db", str(tmp_path / "j.sqlite")]
        shown = CliRunner().invoke(app, command)
        assert shown.exit_code == 0, shown.output
        assert "alarm sensor_open (high)" in shown.output
        assert "state infusing, by start" in shown.output
        exported = CliRunner().invoke(app, [*command, "--export", "json", "--alarms"])
        (entry,) = json.loads(exported.output)
        assert (entry["kind"], entry["name"], entry["whole"]) == ("alarm", "sensor_open", True)
        assert entry["time"].startswith("2026-11-23T12:00:0")
        exported = CliRunner().invoke(app, [*command, "--export", "csv", "--alarms"])
        assert exported.exit_code == 0, exported.output
        (row,) = csv.DictReader(io.StringIO(exported.output))
        assert row == {name: "" if value is None else str(value) for name, value in entry.items()}
        assert CliRunner().invoke(app, [*command, "--kind", "nothing"]).exit_code == 2
        assert CliRunner().invoke(app, [*command, "--follow", "--export", "csv"]).exit_code == 2
        name = bench.pump.hello().unique_id
    monkeypatch.setattr(log, "open_pump", lambda port: pytest.fail("no pump is asked"))
    kept = CliRunner().invoke(app, [*command, "--pump", name, "--alarms"])
    assert "alarm sensor_open (high)" in kept.output
    other = CliRunner().invoke(app, [*command, "--pump", "e66"])
    assert (other.exit_code, name in other.output) == (2, True)


def test_a_file_that_is_not_a_history_is_refused_and_left_unchanged(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("a letter")
    with pytest.raises(HistoryUnusable, match="not a database"):
        History(path)
    assert path.read_text() == "a letter"


def test_an_impossible_path_of_the_history_is_refused_in_one_sentence(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("a file, and no folder")
    with pytest.raises(HistoryUnusable, match="cannot be used"):
        History(path / "journal.sqlite")


def test_a_locked_history_is_refused_and_left_unharmed(pump: FakeJournal, path: Path) -> None:
    pump.note(6, "stop")
    with History(path) as history:
        fetch(pump, PUMP, history)
        other = sqlite3.connect(path)
        other.execute("BEGIN EXCLUSIVE")
        pump.note(6, "start")
        with pytest.raises(HistoryUnusable, match="locked"):
            fetch(pump, PUMP, history)
        other.rollback()
        other.close()
        fetch(pump, PUMP, history)
        assert [entry.name for entry in history.entries(PUMP)] == ["stop", "start"]
