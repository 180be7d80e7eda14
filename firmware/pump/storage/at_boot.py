"""What is read at boot alone: the journal's sectors and the calibration. Dropped after the boot (run.py).

The sectors are files of one block each, that littlefs makes once and never touches again.

A running pump cannot write through littlefs: one call may be several erases, up to 400 ms each. It can write a page,
and erase one sector when the motor's granted motion covers that. A file of one block holds nothing of littlefs's own,
and littlefs neither moves nor reads it. So such files are made at the first boot, found in the raw flash by what was
written into them, and from then on written there; `open` still reads them. Where they are is the record `sectors`.

A boot believes the record only where every file is there and begins as its sector does. Otherwise nothing is written
to any of them: they are made anew, and `lost` says that what they held is gone.

The calibration: version 1 was a file of its own, an object with `"format":1` in a frame line. It is converted to a
record once, and removed.
"""

import json
import os

from micropython import const

from pump.core.calibration import BadFactor
from pump.link import frame
from pump.storage.calibration import MAX_BYTES, MAX_ENTRIES, BadEntry, Calibration, calibration_record, check_entry
from pump.storage.journal import RINGS, Journal
from pump.storage.record import RecordFault
from pump.storage.ring import Ring

SECTORS = {"events": 50, "faults": 10, "volume": 12}
SPARE = (1, 1, 3)  # kept erased: at rates where no erase is covered, volumes come once a second
SECTOR_BYTES = const(4096)
FOLDER = "/log"
_SECTORS_VERSION = const(1)
_MAX_SECTORS_BYTES = const(1024)
_PAGE = const(256)
_MARK_BYTES = const(32)


class Sectors:
    """`blocks[name]`: the numbers of the sectors of each ring. Raises OSError where they cannot be made."""

    def __init__(self, store, flash, counts, random):
        """`counts`: how many sectors each ring has; `random`: a number that earlier ones did not have."""
        self._folder = store.root + FOLDER
        self._flash = flash
        self._counts = counts
        self.lost = False
        record = store.record("sectors", _SECTORS_VERSION, _MAX_SECTORS_BYTES)
        self.blocks = self._known(record)
        if self.blocks is None:
            self.blocks = self._make(random)
            record.store(json.dumps(self.blocks).encode())

    def _known(self, record):
        """What the record says, when that is true."""
        try:
            found = record.load()
        except RecordFault:
            found = (0, b"")
        if found is None:
            return None  # the first boot, or one that was cut short
        try:
            blocks = json.loads(found[1])
            if all(self._is_true(name, blocks[name]) for name in self._counts):
                return blocks
        except (KeyError, OSError, TypeError, ValueError):
            pass
        self.lost = True
        return None

    def _is_true(self, name, blocks):
        if len(blocks) != self._counts[name]:
            return False
        raw, seen = bytearray(_MARK_BYTES), bytearray(_MARK_BYTES)
        for i in range(len(blocks)):
            with open(self._path(name, i), "rb") as file:
                file.readinto(seen)
                if file.seek(0, 2) != SECTOR_BYTES:
                    return False
            self._flash.readblocks(blocks[i], raw, 0)
            if raw != seen:
                return False
        return True

    def _path(self, name, index):
        return "%s/%s%02d" % (self._folder, name, index)

    def _make(self, random):
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there
        for name in os.listdir(self._folder):
            os.remove("%s/%s" % (self._folder, name))
        marks = {}
        for name in self._counts:
            for i in range(self._counts[name]):
                mark = ("picoinfuse %06x %s %d" % (random, name, i)).encode()
                mark += b" " * (_MARK_BYTES - len(mark))
                marks[mark] = name, i
                self._make_file(self._path(name, i), mark)
        return self._find(marks)

    def _make_file(self, path, mark):
        rest = b"\xff" * _PAGE
        with open(path, "wb") as file:
            file.write(mark + rest[_MARK_BYTES:])
            for _ in range(SECTOR_BYTES // _PAGE - 1):
                file.write(rest)

    def _find(self, marks):
        """Searches the raw flash for the marks, each of which must be there once."""
        blocks = {name: [0] * self._counts[name] for name in self._counts}
        raw = bytearray(_MARK_BYTES)
        found = 0
        for block in range(self._flash.ioctl(4, 0)):
            self._flash.readblocks(block, raw, 0)
            place = marks.get(bytes(raw))
            if place is not None:
                blocks[place[0]][place[1]] = block
                found += 1
        if found != len(marks):
            raise OSError(5)
        return blocks


def open_journal(store, flash, random):
    """`(journal, trouble)`: trouble when the flash has no space or accepts no write, or earlier entries are lost."""
    try:
        sectors = Sectors(store, flash, SECTORS, random)
    except OSError:
        return Journal(()), True
    try:
        rings = [Ring(flash, sectors.blocks[name], SPARE[i]) for i, name in enumerate(RINGS)]
        for ring in rings:
            if not ring.has_room():
                ring.erase()  # now, or a start right after the self-test could not be recorded
    except OSError:  # no write works; the entries stay for a later boot
        return Journal(()), True
    return Journal(rings), sectors.lost


# ---- the calibration ----

VERSION_1_PATH = "/calibration.json"
_ENOENT = const(2)


_MEMBERS = ("profile", "step_pl", "entries")
_ENTRY = ("num", "den", "date", "operator")


class CalibrationFault(Exception):
    """`reason` is corrupt, wrong_format, out_of_range or other_profile; `detail` explains it."""

    def __init__(self, reason, detail):
        super().__init__("%s: %s" % (reason, detail))
        self.reason = reason
        self.detail = detail


def load_calibration(profile_name, geometric_step_pl, store):
    """The calibration for a profile. Raises CalibrationFault."""
    record = calibration_record(store)
    value = stored = _stored(record)
    if stored is None:
        value = _version_1(store.root + VERSION_1_PATH)
    if value is None:
        return Calibration(profile_name, geometric_step_pl)
    _check_keys("the calibration", value, _MEMBERS)
    if value["profile"] != profile_name or value["step_pl"] != list(geometric_step_pl):
        raise CalibrationFault("other_profile", "it was measured for another profile or step than %s" % profile_name)
    _check_entries(value["entries"])
    calibration = problem = None
    try:
        calibration = Calibration(profile_name, geometric_step_pl, value["entries"])
    except BadFactor as bad:
        problem = str(bad)
    if problem is not None:
        raise CalibrationFault("out_of_range", problem)
    if stored is None:
        _leave_version_1(record, calibration, store.root)
    return calibration


def _stored(record):
    """The record's content, or None when there is no record."""
    problem = None
    try:
        found = record.load()
        return None if found is None else json.loads(found[1])
    except RecordFault as fault:
        problem = fault
    except ValueError:
        problem = RecordFault("corrupt", "the record is not valid JSON")
    raise CalibrationFault("wrong_format" if problem.reason == "newer" else "corrupt", problem.detail)


def _leave_version_1(record, calibration, root):
    """Replaces the file of version 1 by the record. If the record cannot be written, the file stays in use."""
    try:
        record.store(calibration.body())
        os.remove(root + VERSION_1_PATH)
    except OSError:
        pass


def _check_entries(entries):
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise CalibrationFault("wrong_format", "entries is not a list of at most %d" % MAX_ENTRIES)
    problem = None
    try:
        for entry in entries:
            _check_keys("an entry", entry, _ENTRY)
            check_entry(entry)
    except BadEntry as bad:
        problem = str(bad)
    if problem is not None:
        raise CalibrationFault("out_of_range", problem)


def _version_1(path):
    """The content of the file of version 1, or None when there is no file."""
    data = _read(path)
    if data is None:
        return None
    value = _parse(data)
    if not isinstance(value, dict) or type(value.get("format")) is not int or value.pop("format") != 1:
        raise CalibrationFault("wrong_format", "format is not 1")
    return value


def _read(path):
    """The file's bytes, or None when there is no file."""
    problem = None
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = error.errno
    if problem != _ENOENT:
        raise CalibrationFault("corrupt", "it cannot be read, error %s" % problem)
    return None


def _parse(data):
    if len(data) > MAX_BYTES or data.find(b"\n") != len(data) - 1:
        raise CalibrationFault("corrupt", "not one line of at most %d bytes" % MAX_BYTES)
    problem = "no CRC"
    try:
        value, has_crc, _ = frame.decode(data[:-1])
        if has_crc:
            return value
    except frame.BadFrame as bad:
        problem = bad.message
    raise CalibrationFault("corrupt", problem)


def _check_keys(where, value, keys):
    if not isinstance(value, dict) or sorted(value) != sorted(keys):
        raise CalibrationFault("wrong_format", "the members of %s must be %s" % (where, ", ".join(keys)))
