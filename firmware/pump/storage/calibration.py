"""The calibration, kept as the record `calibration`: the factor in force and earlier ones, with operator and date.

    {"profile":"syringe-50ml","step_pl":[63688909,182],"entries":[{"num":..,"den":..,"date":..,"operator":..}]}

The last entry is in force. No entry, or no record, means: not calibrated, factor 1/1. A factor is valid only for the
profile and step it was measured with: with another profile it is a fault, as is a damaged record. Neither is replaced
silently.

Version 1 was a file of its own, the same object with `"format":1` in a frame line. It is converted to a record once,
and removed.
"""

import json
import os

from micropython import const

from pump.core.calibration import BadFactor, calibrated_step, check_factor
from pump.link import frame
from pump.storage.record import RecordFault

VERSION = const(2)
VERSION_1_PATH = "/calibration.json"
MAX_BYTES = const(1024)
_MAX_ENTRIES = const(5)  # the one in force, and four for undo
_MAX_OPERATOR_BYTES = const(32)
_ENOENT = const(2)

_MEMBERS = ("profile", "step_pl", "entries")
_ENTRY = ("num", "den", "date", "operator")


class CalibrationFault(Exception):
    """`reason` is corrupt, wrong_format, out_of_range or other_profile; `detail` explains it."""

    def __init__(self, reason, detail):
        super().__init__("%s: %s" % (reason, detail))
        self.reason = reason
        self.detail = detail


class BadEntry(Exception):
    """An invalid entry. `parameter` names the wrong member."""

    def __init__(self, parameter, message):
        super().__init__(message)
        self.parameter = parameter


class Calibration:
    """The calibration of one profile. `entries` are dicts, newest last, and immutable."""

    def __init__(self, profile_name, geometric_step_pl, entries=()):
        """Raises BadFactor."""
        self._profile_name = profile_name
        self._geometric_step_pl = geometric_step_pl
        self.entries = list(entries)
        self.num, self.den = 1, 1
        if self.entries:
            self.num, self.den = self.entries[-1]["num"], self.entries[-1]["den"]
        self.step_pl = calibrated_step(geometric_step_pl[0], geometric_step_pl[1], self.num, self.den)

    def with_entry(self, entry):
        """A calibration with `entry` in force, without the oldest entry if there are too many. Raises BadEntry and
        BadFactor.
        """
        check_entry(entry)
        entries = self.entries[-(_MAX_ENTRIES - 1) :]
        entries.append(entry)
        return self._with(entries)

    def without_last(self):
        """The previous calibration: without the last entry."""
        return self._with(self.entries[:-1])

    def _with(self, entries):
        return Calibration(self._profile_name, self._geometric_step_pl, entries)

    def body(self):
        """The record's body, JSON."""
        value = {"profile": self._profile_name, "step_pl": self._geometric_step_pl, "entries": self.entries}
        return json.dumps(value).encode()


def load_calibration(profile_name, geometric_step_pl, store):
    """The calibration for a profile. Raises CalibrationFault."""
    record = _record(store)
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


def store_calibration(calibration, store):
    """Stores the record. Raises OSError."""
    record = _record(store)
    try:
        record.load()
    except RecordFault:
        pass  # a new factor replaces a record that cannot be read
    record.store(calibration.body())


def _record(store):
    return store.record("calibration", VERSION, MAX_BYTES)


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


def check_entry(entry):
    """Raises BadEntry unless the entry is valid."""
    for name in ("num", "den"):
        if type(entry[name]) is not int:
            raise BadEntry(name, name + " is not an integer")
    problem = None
    try:
        check_factor(entry["num"], entry["den"])
    except BadFactor as bad:
        problem = str(bad)
    if problem is not None:
        raise BadEntry("num", problem)
    if not _is_date(entry["date"]):
        raise BadEntry("date", "date is not a day as in 2026-11-22")
    operator = entry["operator"]
    if type(operator) is not str or not 1 <= len(operator.encode()) <= _MAX_OPERATOR_BYTES:
        raise BadEntry("operator", "operator is not a name of 1 to %d bytes" % _MAX_OPERATOR_BYTES)
    if any(ord(char) < 32 or ord(char) == 127 for char in operator):
        raise BadEntry("operator", "operator has a character that cannot be printed")


def _is_date(date):
    if type(date) is not str or len(date) != 10 or date[4] != "-" or date[7] != "-":
        return False
    digits = date[:4] + date[5:7] + date[8:]
    if not all("0" <= digit <= "9" for digit in digits):
        return False
    return 1 <= int(date[5:7]) <= 12 and 1 <= int(date[8:]) <= 31


def _check_entries(entries):
    if not isinstance(entries, list) or len(entries) > _MAX_ENTRIES:
        raise CalibrationFault("wrong_format", "entries is not a list of at most %d" % _MAX_ENTRIES)
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
