"""The journal: events, faults and volumes in three rings of the flash (ring.py), with one sequence number for all.

    events   commands, states, ended alarms, hourly volumes: 50 sectors, 6096 entries at least
    faults   raised alarms, faults: 10 sectors, 1016 entries at least
    volume   delivered volume, to survive a power cut (tasks/delivered_volume.py): 12 sectors, 1016 entries at least

`note` puts an entry into a small preallocated table and allocates nothing while its numbers are small ints, so alarm
and step paths may call it. The task (tasks/journal.py) writes the entries to the flash. While the table is full,
entries are lost: their sequence numbers are not used again, and an _ENTRY_LOST entry has their number.

Names of alarms, states and commands are stored as the lower half of their CRC-32, so a new row in a table changes no
stored entry.
"""

import struct
import time
from binascii import b2a_base64, crc32

from micropython import const

from pump.core.units import elapsed_ms
from pump.storage.ring import BODY, BODY_BYTES

RINGS = ("events", "faults", "volume")

ENTRY_BOOT = const(2)  # code: reason; a: boot number
ENTRY_STATE = const(3)  # code: state; a: code of the event
ENTRY_ALARM = const(4)  # raised. code: name; a: priority
ENTRY_CHANGED = const(5)  # an alarm ended or changed its priority. code: name; a: priority, 0: ended
ENTRY_COMMAND = const(6)  # code: method; a, b: its first two numbers, or codes of words
ENTRY_FAULT = const(7)  # code: which fault; a: detail
ENTRY_VOLUME = const(8)  # see tasks/delivered_volume.py
_ENTRY_LAST_THERAPY = const(9)  # a: steps of this therapy; b: nL
_ENTRY_THERAPY = const(10)  # started, or its rate changed. a: µL/h; b: VTBI in nL, -1: no limit
_ENTRY_CLOCK = const(11)  # set. a: change in s, 0 when the time was unknown before
_ENTRY_LOST = const(12)  # a: number of lost entries

_PENDING = const(24)
_READ_SLOTS = const(16)
_KIND_AT = const(14)
_RING_OF = (0, 0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 1)  # by kind


def name_code(name):
    """The 16-bit code of a name in an entry."""
    return crc32(name.encode()) & 0xFFFF


class Journal:
    """Entries pending in memory, and the rings for them."""

    def __init__(self, rings):
        """`rings` in the order of RINGS, or empty when the flash has no space for them: then nothing is kept."""
        self.rings = rings
        self.seq = 0
        self.boot = 0
        for ring in rings:
            if ring.last_seq > self.seq:
                self.seq = ring.last_seq
                self.boot = ring.last[15] + 1 & 255
        self.lost = 0
        self._pending = bytearray(_PENDING * BODY_BYTES)
        self._first = 0
        self.waiting = 0  # entries not yet in a ring
        self._unwritten = None  # a ring whose last write failed
        self._then_ms = time.ticks_ms()
        self._s = 0  # since boot
        self._ms = 0
        self._day_s = 0  # seconds since 2020 at boot; 0: no host has set the clock
        self._day_ms = 0

    # ---- time ----

    def update_clock(self, now_ms):
        """Call it at least every few days, or a wrap of the ticks is missed."""
        ms = self._ms + elapsed_ms(now_ms, self._then_ms)
        self._then_ms = now_ms
        self._s += ms // 1000
        self._ms = ms % 1000

    def set_clock(self, day_s, ms):
        """Sets the clock to `day_s` seconds since 2020 (UTC) and `ms`. Returns the change in seconds."""
        self.update_clock(time.ticks_ms())
        before_s = self._day_s
        self._day_s = day_s - self._s
        self._day_ms = ms - self._ms
        if self._day_ms < 0:
            self._day_ms += 1000
            self._day_s -= 1
        changed_s = self._day_s - before_s if before_s else 0
        self.note(_ENTRY_CLOCK, 0, changed_s)
        return changed_s

    # ---- entries ----

    def note(self, kind, code, a=0, b=0):
        """Adds an entry: `code` 16 bits, `a` 32 bits and `b` 48 bits, signed. False: the table is full, the entry is
        lost.
        """
        self.seq += 1
        if self.waiting == _PENDING:
            self.lost += 1
            return False
        self.update_clock(time.ticks_ms())
        day_s, day_ms = self._day_s, 0
        if day_s:
            day_ms = self._day_ms + self._ms
            day_s += self._s + day_ms // 1000
        at = (self._first + self.waiting) % _PENDING * BODY_BYTES
        struct.pack_into(
            BODY, self._pending, at, self.seq, self._s, day_s, self._ms // 10, day_ms % 1000 // 10, kind, self.boot,
            code, b & 0xFFFF, b >> 16, a,
        )  # fmt: skip
        self.waiting += 1
        return True

    def write(self):
        """Writes pending entries, one page at most. False when nothing was written: no entry is pending, or its ring
        has no erased sector. Raises OSError.
        """
        if self.lost and self.waiting < _PENDING:
            lost, self.lost = self.lost, 0
            self.note(_ENTRY_LOST, 0, lost)
        ring = self._unwritten
        while ring is None or not ring.page_is_full():
            at = self._first * BODY_BYTES
            target = self.rings[_RING_OF[self._pending[at + _KIND_AT]]] if self.waiting and self.rings else None
            if target is None or not target.has_room() or (ring is not None and target is not ring):
                break
            ring = target
            ring.put(self._pending[at : at + BODY_BYTES])
            self._first = (self._first + 1) % _PENDING
            self.waiting -= 1
        self._unwritten = ring
        if ring is None:
            return False
        ring.write()
        self._unwritten = None
        return True

    def flush(self):
        """Writes all pending entries for which there is room. Raises OSError."""
        while self.write():
            pass

    def read(self, ring, position):
        """For the link: at most 16 slots of a ring, from `position` or, if that was erased, from the oldest."""
        entries, chain, end = b"", None, position
        if self.rings:
            source = self.rings[RINGS.index(ring)]
            position, chain, entries = source.read(position, _READ_SLOTS)
            end = source.end_position()
        return {"position": position, "end": end, "chain": chain, "entries": b2a_base64(entries)[:-1].decode()}

    def wants_erase(self, moving):
        """The ring that most needs an erased sector, or None."""
        for ring in self.rings:
            if not ring.has_room():
                return ring
        for ring in self.rings:
            if ring.wants_erase(moving):
                return ring
        return None
