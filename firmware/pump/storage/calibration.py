"""The calibration, kept as the record `calibration`: the factor in force and earlier ones, with operator and date.

    {"profile":"syringe-50ml","step_pl":[63688909,182],"entries":[{"num":..,"den":..,"date":..,"operator":..}]}

The last entry is in force. No entry, or no record, means: not calibrated, factor 1/1. A factor is valid only for the
profile and step it was measured with: with another profile it is a fault, as is a damaged record. Neither is replaced
silently.

storage/at_boot.py reads it at boot.
"""

import json

from micropython import const

from pump.core.calibration import BadFactor, calibrated_step, check_factor
from pump.storage.record import RecordFault

_VERSION = const(2)
MAX_BYTES = const(1024)
MAX_ENTRIES = const(5)  # the one in force, and four for undo
_MAX_OPERATOR_BYTES = const(32)


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
        entries = self.entries[-(MAX_ENTRIES - 1) :]
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


def store_calibration(calibration, store):
    """Stores the record. Raises OSError."""
    record = calibration_record(store)
    try:
        record.load()
    except RecordFault:
        pass  # a new factor replaces a record that cannot be read
    record.store(calibration.body())


def calibration_record(store):
    """The record that holds the calibration."""
    return store.record("calibration", _VERSION, MAX_BYTES)


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
