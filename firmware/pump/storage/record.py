"""Records: data that must survive a power cut, each in two equal copies.

    <name> <version> <seq> <length> <crc>\n<length bytes>          crc: CRC-32 of name, version, seq and bytes, in hex

Each copy is a file, in a folder of its own: littlefs keeps a log for each folder, and one damaged log takes back only
what one folder held. A store writes the first copy under another name and renames it, then the second. A power cut
leaves two equal copies, or the second one store behind; then the first is it, and the second is written again.
Any other difference is damage: the whole copy is used, the other is written again, and `restored` names the record for
an alarm. When no copy is whole the record is a fault; no default replaces it.

A store blocks the CPU for several erases of the flash: only while the motor stands.
"""

import os
from binascii import crc32

from micropython import const

FOLDERS = ("/keep_a", "/keep_b")
NEW = ".new"  # after the name of a file while it is written
_HEAD_BYTES = const(64)
_ABSENT = const(0)  # in the place of a sequence number; the first store is 1
_DAMAGED = const(-1)
_ENOENT = const(2)


class RecordFault(Exception):
    """`reason` is corrupt (no copy is whole) or newer (written by a later firmware); `detail` says what."""

    def __init__(self, reason, detail):
        super().__init__("%s: %s" % (reason, detail))
        self.reason = reason
        self.detail = detail


class RecordStore:
    """All records. `restored`: names of those that were mended from their other copy."""

    def __init__(self, root=""):
        """`root` is a folder in the place of the filesystem's, for a test."""
        self.root = root
        self.restored = []
        for folder in FOLDERS:
            _make_folder(root + folder)

    def record(self, name, version, max_bytes):
        """`version` is the one that this firmware writes, `max_bytes` the most that a body may have."""
        return Record(self, name, version, max_bytes)


class Record:
    """One named record in two copies."""

    def __init__(self, store, name, version, max_bytes):
        self.name = name
        self.version = version
        self._store = store
        self._max_bytes = max_bytes
        self._seq = 0  # the highest that was seen

    def load(self):
        """`(version, bytes)` as stored last, or None when it never was. Raises RecordFault."""
        copies = [self._read(folder) for folder in FOLDERS]
        seqs = [copy[0] for copy in copies]
        self._seq = max(seqs[0], seqs[1], 0)
        if not self._seq:
            if seqs == [_ABSENT, _ABSENT]:
                return None
            raise RecordFault("corrupt", "no copy of %s is whole" % self.name)
        good = 0 if seqs[0] == self._seq else 1
        _, version, body = copies[good]
        if copies[1 - good] != copies[good]:
            other = seqs[1 - good]
            if good or other != self._seq - 1:  # a cut leaves the second behind; absent is 0, before the first store
                self._store.restored.append(self.name)
            self._mend(1 - good, version, body)
        if version > self.version:
            raise RecordFault("newer", "%s has version %d, this firmware knows %d" % (self.name, version, self.version))
        return version, body

    def store(self, body):
        """Puts `body` (bytes) in the place of what was stored. Raises OSError, after which it is the old or the new."""
        if len(body) > self._max_bytes:
            raise ValueError("%s of %d bytes, at most %d" % (self.name, len(body), self._max_bytes))
        self._seq += 1
        data = self._encode(self.version, self._seq, body)
        for folder in FOLDERS:
            self._write(folder, data)

    def _path(self, folder):
        return "%s%s/%s" % (self._store.root, folder, self.name)

    def _mend(self, index, version, body):
        try:
            self._write(FOLDERS[index], self._encode(version, self._seq, body))
        except OSError:
            if self.name not in self._store.restored:  # it goes on with one copy, and says so
                self._store.restored.append(self.name)

    def _write(self, folder, data):
        path = self._path(folder)
        with open(path + NEW, "wb") as file:
            file.write(data)
        os.rename(path + NEW, path)

    def _encode(self, version, seq, body):
        return (
            b"%s %d %d %d %08x\n"
            % (
                self.name.encode(),
                version,
                seq,
                len(body),
                self._crc(version, seq, body),
            )
            + body
        )

    def _crc(self, version, seq, body):
        return crc32(body, crc32(b"%s %d %d\n" % (self.name.encode(), version, seq)))

    def _read(self, folder):
        """`(seq, version, body)`; seq is _ABSENT or _DAMAGED when there is no whole one."""
        data = b""
        error = None
        try:
            with open(self._path(folder), "rb") as file:
                data = file.read(self._max_bytes + _HEAD_BYTES + 1)
        except OSError as problem:
            error = problem.errno
        if error is not None:
            return (_ABSENT if error == _ENOENT else _DAMAGED), None, None
        return self._decode(data) or (_DAMAGED, None, None)

    def _decode(self, data):
        end = data.find(b"\n")
        if not 0 < end < _HEAD_BYTES:
            return None
        body = data[end + 1 :]
        try:
            version, seq = [int(word) for word in data[:end].split(b" ")[1:3]]
            # Written anew it must be the same to the byte: one form, and every bit of the head counts.
            if seq > 0 and data == self._encode(version, seq, body):
                return seq, version, body
        except ValueError:
            pass
        return None


def _make_folder(path):
    try:
        os.mkdir(path)
    except OSError:
        pass  # it is there; if not, the first store says so
