"""The journal: entries in one order, each in its ring, with both times; lost entries are reported."""

import struct
import types

import pytest

from pump.storage import journal as storage
from pump.storage.at_boot import SECTORS, SPARE, open_journal
from pump.storage.journal import (
    _ENTRY_CLOCK,
    _ENTRY_LOST,
    ENTRY_ALARM,
    ENTRY_CHANGED,
    ENTRY_COMMAND,
    ENTRY_STATE,
    ENTRY_VOLUME,
    RINGS,
    Journal,
    name_code,
)
from pump.storage.record import FOLDERS, RecordStore
from pump.storage.ring import BODY, BODY_BYTES, ENTRIES, ENTRY_BYTES, Ring
from tests.fake_flash import FakeFlash

SIZES = (4, 3, 5)
NAMES = ("seq", "s", "day_s", "cs", "day_cs", "kind", "boot", "code", "b_low", "b_high", "a")
NOON_S = 217_684_800  # 2026-11-24 12:00:00 UTC, in seconds since 2020


class Clock:
    def __init__(self):
        self.ms = 0x3FFFFFFF - 5000  # the ticks wrap 5 s from here

    def ticks_ms(self):
        return self.ms & 0x3FFFFFFF


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(storage, "time", types.SimpleNamespace(ticks_ms=clock.ticks_ms))
    return clock


def rings(flash):
    starts = (0, 10, 20)
    return [Ring(flash, [starts[i] + n for n in range(SIZES[i])], SPARE[i]) for i in range(3)]


@pytest.fixture
def flash():
    return FakeFlash(30)


@pytest.fixture
def journal(flash, clock):
    return Journal(rings(flash))


def settle(journal):
    """What the task does when nothing moves."""
    for _ in range(100):
        while journal.write():
            pass
        ring = journal.wants_erase(False)
        if ring is None:
            return
        ring.erase()
    raise AssertionError("it never comes to rest")


def entries(ring, count=16):
    data = ring.read(0, count)[2]
    bodies = [data[at : at + BODY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]
    return [types.SimpleNamespace(**dict(zip(NAMES, struct.unpack(BODY, body), strict=True))) for body in bodies]


def test_each_kind_goes_to_its_ring_with_one_sequence_number(journal):
    for kind in (ENTRY_STATE, ENTRY_ALARM, ENTRY_CHANGED, ENTRY_VOLUME, ENTRY_COMMAND):
        journal.note(kind, 1)
    settle(journal)
    events, faults, volume = (entries(ring) for ring in journal.rings)
    assert [(entry.seq, entry.kind) for entry in events] == [(1, ENTRY_STATE), (3, ENTRY_CHANGED), (5, ENTRY_COMMAND)]
    assert [(entry.seq, entry.kind) for entry in faults] == [(2, ENTRY_ALARM)]
    assert [(entry.seq, entry.kind) for entry in volume] == [(4, ENTRY_VOLUME)]


def test_numbers_keep_their_sign_and_their_size(journal):
    journal.note(ENTRY_COMMAND, 0xFFFF, -3, 10_000_000_000_000)
    journal.note(ENTRY_COMMAND, 0, 2**31 - 1, -1)
    settle(journal)
    first, second = entries(journal.rings[0])
    assert (first.code, first.a, first.b_high << 16 | first.b_low) == (0xFFFF, -3, 10_000_000_000_000)
    assert (second.a, second.b_high << 16 | second.b_low) == (2**31 - 1, -1)


def test_the_pumps_time_has_10_ms_and_goes_on_where_the_ticks_wrap(journal, clock):
    for ms in (1234, 5000, 3_600_000):
        clock.ms += ms
        journal.note(ENTRY_STATE, 0)
    settle(journal)
    times = [(entry.s, entry.cs) for entry in entries(journal.rings[0])]
    assert times == [(1, 23), (6, 23), (3606, 23)]


def test_the_time_of_day_is_unknown_until_a_host_says_it(journal, clock):
    journal.note(ENTRY_STATE, 0)
    clock.ms += 700
    assert journal.set_clock(NOON_S, 450) == 0
    clock.ms += 560
    journal.note(ENTRY_STATE, 0)
    settle(journal)
    before, told, after = entries(journal.rings[0])
    assert (before.day_s, before.day_cs) == (0, 0)
    assert (told.kind, told.day_s, told.day_cs, told.a) == (_ENTRY_CLOCK, NOON_S, 45, 0)
    assert (after.day_s, after.day_cs) == (NOON_S + 1, 1)  # 450 + 560 ms


def test_a_clock_that_is_set_back_by_a_year_shows_and_changes_no_order(journal, clock):
    journal.set_clock(NOON_S, 0)
    clock.ms += 10_000
    year_s = 365 * 86400
    assert journal.set_clock(NOON_S + 10 - year_s, 0) == -year_s
    settle(journal)
    first, second = entries(journal.rings[0])
    assert (second.seq, second.a, second.day_s) == (first.seq + 1, -year_s, NOON_S + 10 - year_s)
    assert (second.s, second.cs) == (10, 0)


def test_entries_beyond_the_table_are_counted_and_reported(journal):
    for n in range(30):
        journal.note(ENTRY_STATE, 0, n)
    settle(journal)
    assert [entry.a for entry in entries(journal.rings[0], 40)] == list(range(24))
    (lost,) = entries(journal.rings[1])
    assert (lost.kind, lost.a) == (_ENTRY_LOST, 6)
    assert lost.seq == 31  # 25 to 30 are the lost entries


def test_the_next_boot_counts_on(flash, journal):
    journal.note(ENTRY_STATE, 0)
    journal.note(ENTRY_ALARM, 0)
    settle(journal)
    again = Journal(rings(flash))
    assert (again.seq, again.boot) == (2, 1)


def test_a_flash_that_takes_no_write_loses_nothing_that_waits(flash, journal, monkeypatch):
    journal.note(ENTRY_STATE, 0, 1)
    settle(journal)

    def refuse(*_):
        raise OSError(5)

    monkeypatch.setattr(flash, "writeblocks", refuse)
    for n in range(2, 5):
        journal.note(ENTRY_STATE, 0, n)
        with pytest.raises(OSError, match="5"):
            journal.write()
    monkeypatch.undo()
    settle(journal)
    assert [entry.a for entry in entries(journal.rings[0])] == [1, 2, 3, 4]


def test_without_a_place_in_the_flash_it_takes_notes_and_keeps_none(clock):
    journal = Journal(())
    for _ in range(40):
        journal.note(ENTRY_STATE, 0)
    assert not journal.write()
    assert journal.wants_erase(False) is None


def test_the_rings_hold_what_was_promised():
    kept = {name: (SECTORS[name] - 1 - spare) * ENTRIES for name, spare in zip(RINGS, SPARE, strict=True)}
    assert kept["faults"] >= 1000
    assert kept["events"] >= 30 * 200  # 30 days of 200 ordinary events
    assert sum(SECTORS.values()) * 4096 == 294_912  # the stated number of bytes of 1,441,792


class FolderFlash(FakeFlash):
    """The flash under a folder: a file of one block is a block of it."""

    def __init__(self, folder):
        super().__init__(352)
        self._folder = folder

    def _file(self, block):
        files = sorted(path for path in (self._folder / "log").iterdir() if path.stat().st_size == 4096)
        return files[block] if block < len(files) else None

    def readblocks(self, block, buffer, offset=0):
        file = self._file(block)
        data = file.read_bytes() if file else b"\xff" * 4096
        buffer[:] = data[offset : offset + len(buffer)]

    def writeblocks(self, block, buffer, offset):
        file = self._file(block)
        data = bytearray(file.read_bytes())
        data[offset : offset + len(buffer)] = buffer
        file.write_bytes(data)

    def ioctl(self, op, arg):
        if op == 6:
            self._file(arg).write_bytes(b"\xff" * 4096)
        return 352


@pytest.fixture
def boot(tmp_path, clock):
    return lambda random=1: open_journal(RecordStore(str(tmp_path)), FolderFlash(tmp_path), random)


def test_the_sectors_are_made_once_and_found_again(tmp_path, boot):
    journal, trouble = boot()
    assert not trouble
    assert len(list((tmp_path / "log").iterdir())) == sum(SECTORS.values())
    journal.note(ENTRY_STATE, 0, 7)
    settle(journal)
    journal, trouble = boot(2)
    assert not trouble
    assert [entry.a for entry in entries(journal.rings[0])] == [7]


def a_file_is_gone(root):
    (root / "log" / "events03").unlink()


def a_file_is_shorter(root):
    (root / "log" / "events03").write_bytes(b"\xff" * 100)


def the_record_is_damaged(root):
    for folder in FOLDERS:
        (root / folder[1:] / "sectors").write_bytes(b"")


@pytest.mark.parametrize("damage", [a_file_is_gone, a_file_is_shorter, the_record_is_damaged])
def test_sectors_that_differ_from_their_record_are_recreated_and_reported(tmp_path, boot, damage):
    journal, _ = boot()
    journal.note(ENTRY_STATE, 0, 7)
    settle(journal)
    damage(tmp_path)
    journal, trouble = boot(2)
    assert trouble
    assert entries(journal.rings[0]) == []
    journal.note(ENTRY_STATE, 0, 8)
    settle(journal)
    journal, trouble = boot(3)
    assert not trouble
    assert [entry.a for entry in entries(journal.rings[0])] == [8]


def test_no_two_names_that_are_noted_have_one_code():
    from pump.core.alarms.table import ALARMS
    from pump.core.supervisor import EVENTS, STATES
    from pump.link.schema import METHODS

    for names in ([row[0] for row in ALARMS], STATES, EVENTS, METHODS):
        assert len({name_code(name) for name in names}) == len(names)


def test_a_flash_without_space_for_the_rings_is_reported(tmp_path, clock):
    """The files are not found in it: as full, or as another filesystem than it seems."""
    journal, trouble = open_journal(RecordStore(str(tmp_path)), FakeFlash(352), 1)
    assert trouble
    assert journal.rings == ()
