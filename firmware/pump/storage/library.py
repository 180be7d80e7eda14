"""The drug library on the flash, in two copies, in the format of library_lines.py.

It is too long for a record. The record `library` names the library in force and the one of two places that holds it:

    {"place":1,"library":"ward-3 7 0a1b2c3d"}        /keep_a/library.1 and /keep_b/library.1

A new library arrives line by line and is written to both copies of the other place; storing the record puts it in
force. A copy that does not match the record is damaged, and is replaced from the other copy at boot.

Version 1 was the file `/library.txt`. It is converted once, when there is no record, and then removed.
"""

import json
import os
from binascii import crc32

from micropython import const

from pump.storage.library_lines import MAX_LINE, LibraryFault, find_line, read_drug, read_head, unreadable
from pump.storage.record import FOLDERS, RecordFault

NAME = "library"
VERSION = const(2)
VERSION_1_PATH = "/library.txt"
MAX_BYTES = const(96)  # of the record
_COPY_BYTES = const(256)


class Library:
    """The library in force. `text`: its name, version and CRC, for people to compare."""

    def __init__(self, store, place, text):
        self._store = store
        self.place = place
        self.text = text

    def drug(self, name):
        """The row of a drug, checked again, or None. Raises LibraryFault when both copies are damaged."""
        problem = None
        for at, path in enumerate(paths(self._store, self.place)):
            try:
                line = find_line(path, name)
                if line is not None:
                    row = read_drug(line)
                    if at:  # the first copy was damaged after the boot; the next boot repairs it
                        self._store.restored.append(NAME)
                    return row
            except LibraryFault as fault:
                problem = fault
        if problem is not None:
            raise problem
        return None


class Incoming:
    """A new library that arrives line by line. Each line is checked."""

    def __init__(self, store, on_stall):
        """`on_stall()` is called after each write of a copy of a line, which may take three erases of the flash."""
        self._store = store
        self._on_stall = on_stall
        self._place = 0
        self._before = ""  # name of the previous drug
        self.head = None
        self.lines = 0
        self._crc = 0

    def take(self, at, line, in_force):
        """Takes one line (bytes, without newline); line 0 starts over. `in_force`: the library whose place is not
        written, or None. Raises LibraryFault: the line was rejected; OSError: send the library again from its head.
        """
        if at == 0:
            head = read_head(line)
            self._place = 0 if in_force is None else 1 - in_force.place
            self.head, self.lines, self._crc, self._before = head, 0, 0, ""
            self._write("wb", line)
        else:
            if self.head is None or at != self.lines:
                raise LibraryFault("wrong_format", "line %d is expected" % self.lines)
            if at > self.head["drugs"]:
                raise LibraryFault("wrong_format", "the head of the library names only %d drugs" % (at - 1))
            name = read_drug(line)[0]
            if name <= self._before:
                raise LibraryFault("wrong_format", "drugs are not sorted by name: %s after %s" % (name, self._before))
            self._write("ab", line)
            self._before = name
            self._crc = crc32(b"\n", crc32(line, self._crc))
        self.lines += 1

    def check(self):
        """Raises LibraryFault unless it is complete and undamaged."""
        if self.head is None or self.lines != self.head["drugs"] + 1:
            raise LibraryFault("missing", "the new library is incomplete")
        if self.head["crc"] != "%08x" % self._crc:
            raise LibraryFault("corrupt", "the CRC in the head does not match the drugs")

    def put_in_force(self):
        """Replaces the library in force by the checked one. After an OSError either of them is in force."""
        text, self.head = text_of(self.head), None
        record = _record(self._store)
        try:
            record.load()
        except RecordFault:
            pass  # a new library replaces one that cannot be read
        _put_in_force(self._store, record, self._place, text)

    def _write(self, mode, line):
        try:
            for path in paths(self._store, self._place):
                with open(path, mode) as file:
                    file.write(line)
                    file.write(b"\n")
                self._on_stall()
        except OSError:
            self.head = None  # part of the line may have been written
            raise


def load_library(store):
    """The library in force. Checks both copies and repairs a damaged one. Raises LibraryFault."""
    problem = None
    record = _record(store)
    try:
        found = record.load()
        if found is None:
            return _version_1(store, record)
        value = json.loads(found[1])
        return _whole(store, Library(store, value["place"], value["library"]))
    except RecordFault as fault:
        problem = "wrong_format" if fault.reason == "newer" else "corrupt", fault.detail
    except (KeyError, ValueError):
        problem = "corrupt", "the record is not valid JSON"
    raise LibraryFault(*problem)


def text_of(head):
    """Name, version and CRC of a library, for the link."""
    return "%s %d %s" % (head["name"], head["version"], head["crc"])


def paths(store, place):
    """Paths of the copies."""
    return ["%s%s/%s.%d" % (store.root, folder, NAME, place) for folder in FOLDERS]


def _record(store):
    return store.record(NAME, VERSION, MAX_BYTES)


def _put_in_force(store, record, place, text):
    record.store(json.dumps({"place": place, "library": text}).encode())
    try:
        os.remove(store.root + VERSION_1_PATH)
    except OSError:
        pass  # it rarely exists, and is not read once there is a record


def _whole(store, library):
    """The library, if at least one copy is undamaged; a damaged copy is replaced from the other."""
    copies = paths(store, library.place)
    problems = [_problem(path, library.text) for path in copies]
    if problems[0] is not None and problems[1] is not None:
        raise LibraryFault("corrupt", problems[0])
    for at in (0, 1):
        if problems[at] is not None:
            store.restored.append(NAME)
            try:
                _copy(copies[1 - at], copies[at])
            except OSError:
                pass  # one copy is enough; every boot reports the other
    return library


def _problem(path, text):
    """The problem with a copy of that library, or None."""
    try:
        found = _text_of_file(path)
        return None if found == text else "it is another library, " + found
    except LibraryFault as fault:
        return fault.detail


def _text_of_file(path):
    """Name, version and CRC of the library in a file. Raises LibraryFault unless it is complete and undamaged."""
    problem = None
    try:
        with open(path, "rb") as file:
            head = read_head(file.readline(MAX_LINE)[:-1])
            crc = 0
            data = bytearray(_COPY_BYTES)  # one buffer: new ones would leave more garbage than a Pico has free
            count = file.readinto(data)
            while count:
                crc = crc32(memoryview(data)[:count], crc)
                count = file.readinto(data)
            if head["crc"] != "%08x" % crc:
                raise LibraryFault("corrupt", "the CRC in the head does not match the drugs")
            return text_of(head)
    except OSError as error:
        problem = error.errno
    raise unreadable(problem)


def _version_1(store, record):
    """Converts the file of version 1: copies it to both copies, then removes it. Raises LibraryFault."""
    path = store.root + VERSION_1_PATH
    text = _text_of_file(path)
    problem = None
    try:
        for copy in paths(store, 0):
            _copy(path, copy)
        _put_in_force(store, record, 0, text)
    except OSError as error:
        problem = error.errno
    if problem is not None:  # the file stays, and the next boot tries again
        raise LibraryFault("corrupt", "it cannot be converted to version 2, error %s" % problem)
    return Library(store, 0, text)


def _copy(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        while True:
            data = old.read(_COPY_BYTES)
            if not data:
                return
            new.write(data)
