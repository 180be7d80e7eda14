"""Loads the calibration at boot, and is dropped after it (run.py): nothing that it checks is needed again.

Version 1 was a file of its own, the same object with `"format":1` in a frame line. It is converted to a record once,
and removed.
"""

import json
import os

from micropython import const

from pump.core.calibration import BadFactor
from pump.link import frame
from pump.storage.calibration import MAX_BYTES, MAX_ENTRIES, BadEntry, Calibration, calibration_record, check_entry
from pump.storage.record import RecordFault

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
