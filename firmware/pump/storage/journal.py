"""The journal: what happened, in three rings of the flash (ring.py), with one sequence number for all of them.

    events   commands, states, alarms that went, volumes by the hour: 50 sectors, 6096 entries at least
    faults   alarms that came, faults: 10 sectors, 1016 entries at least
    volume   how much was given, for the power cut (tasks/delivered_volume.py): 12 sectors, 1016 entries at least

`note` puts an entry into a small table that was made beforehand and allocates nothing while its numbers are small: the
paths of alarms and steps may call it. The task (tasks/journal.py) writes them to the flash. An entry that finds the
table full is lost; its sequence number is not used again, and a ENTRY_LOST entry tells how many.

Names of alarms, states and commands are kept as the lower half of their CRC-32, which stays when a table gets a row.
"""

import struct
import time
from binascii import b2a_base64, crc32

from micropython import const

from pump.core.ticks import elapsed_ms
from pump.storage.ring import BODY, BODY_BYTES, Ring
from pump.storage.sectors import Sectors

RINGS = ("events", "faults", "volume")
SECTORS = {"events": 50, "faults": 10, "volume": 12}
SPARE = (1, 1, 3)  # kept erased: at rates where no erase is covered, volumes come once a second

ENTRY_BOOT = const(2)  # code: why; a: boot number
ENTRY_STATE = const(3)  # code: state; a: code of the event
ENTRY_ALARM = const(4)  # came. code: name; a: priority
ENTRY_CHANGED = const(5)  # an alarm went or changed its priority. code: name; a: priority, 0: went
ENTRY_COMMAND = const(6)  # code: method; a, b: its first two numbers, or codes of words
ENTRY_FAULT = const(7)  # code: what; a: more of it
ENTRY_VOLUME = const(8)  # see tasks/delivered_volume.py
ENTRY_GIVEN = const(9)  # a: steps of this therapy; b: nL
ENTRY_THERAPY = const(10)  # began, or its rate changed. a: µL/h; b: nL to be given, -1: no limit
ENTRY_CLOCK = const(11)  # was set. a: by how many s it changed, 0 when it was not known
ENTRY_LOST = const(12)  # a: so many entries

_PENDING = const(24)
_READ_SLOTS = const(16)
_KIND_AT = const(14)
_RING_OF = (0, 0, 0, 0, 1, 0, 0, 1, 2, 0, 0, 0, 1)  # by kind


def name_code(name):
    """16 bits that stand for a name in an entry."""
    return crc32(name.encode()) & 0xFFFF


class Journal:
    """Entries that wait in memory, and the rings that they are written to."""

    def __init__(self, rings):
        """`rings` as in RINGS, or none: where the flash has no place for them nothing is kept."""
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
        self.waiting = 0  # entries that no ring has taken yet
        self._unwritten = None  # a ring whose last write failed
        self._then_ms = time.ticks_ms()
        self._s = 0  # since boot
        self._ms = 0
        self._day_s = 0  # seconds since 2020 at boot; 0: no host has said
        self._day_ms = 0

    # ---- time ----

    def update_clock(self, now_ms):
        """To be called every few days at least, or the ticks wrap unseen."""
        ms = self._ms + elapsed_ms(now_ms, self._then_ms)
        self._then_ms = now_ms
        self._s += ms // 1000
        self._ms = ms % 1000

    def set_clock(self, day_s, ms):
        """The time of day is `day_s` seconds since 2020 (UTC) and `ms`. Returns by how many seconds it changed."""
        self.update_clock(time.ticks_ms())
        before_s = self._day_s
        self._day_s = day_s - self._s
        self._day_ms = ms - self._ms
        if self._day_ms < 0:
            self._day_ms += 1000
            self._day_s -= 1
        changed_s = self._day_s - before_s if before_s else 0
        self.note(ENTRY_CLOCK, 0, changed_s)
        return changed_s

    # ---- entries ----

    def note(self, kind, code, a=0, b=0):
        """`code` 16 bits, `a` 32 bits and `b` 48 bits with their sign. False: there is no place, it is lost."""
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
        """Writes what waits, one page at most. False when nothing was: nothing waits, or its ring has no erased sector.
        Raises OSError.
        """
        if self.lost and self.waiting < _PENDING:
            lost, self.lost = self.lost, 0
            self.note(ENTRY_LOST, 0, lost)
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
        """Writes what waits, as far as there is room. Raises OSError."""
        while self.write():
            pass

    def read(self, ring, position):
        """For the link: slots of a ring from `position` on, 16 at most, or from the oldest when that is gone."""
        entries, chain, end = b"", None, position
        if self.rings:
            source = self.rings[RINGS.index(ring)]
            position, chain, entries = source.read(position, _READ_SLOTS)
            end = source.end_position()
        return {"position": position, "end": end, "chain": chain, "entries": b2a_base64(entries)[:-1].decode()}

    def wants_erase(self, moving):
        """A ring that should have a sector erased, the neediest first, or None."""
        for ring in self.rings:
            if not ring.has_room():
                return ring
        for ring in self.rings:
            if ring.wants_erase(moving):
                return ring
        return None


def open_journal(store, flash, random):
    """`(journal, trouble)`: trouble when the flash has no place for it or takes no write, or what it held is lost."""
    try:
        sectors = Sectors(store, flash, SECTORS, random)
    except OSError:
        return Journal(()), True
    try:
        rings = [Ring(flash, sectors.blocks[name], SPARE[i]) for i, name in enumerate(RINGS)]
        for ring in rings:
            if not ring.has_room():
                ring.erase()  # now, or a start right after the self-test could not be written down
    except OSError:  # it takes no write; what is in it stays for a boot that can
        return Journal(()), True
    return Journal(rings), sectors.lost
