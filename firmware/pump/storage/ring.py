"""A ring of flash sectors with entries of 32 bytes. When space runs out, the oldest sector is erased.

    entry:  seq, s since boot, s since 2020 (0: unknown), 1/100 s of each, kind, boot, code, b, a, chain
    sector: a header of the same form (kind _SECTOR, seq of the first entry, a: number of sectors before it, b: chain so
            far), and 127 entries

`chain` is the CRC-32 of an entry's first 28 bytes, seeded with the previous entry's chain: it exposes an entry that was
changed, removed or inserted. The chain of a header is seeded with 0, so that a sector can be checked without the
previous one.

A position is the number of a slot since the ring was created: sector times 128 plus slot. It never changes or repeats.

Each write of a page repeats the bytes already in it, so no write sets a bit. An entry half written at a power cut has a
wrong chain: the next boot overwrites it with zeros, so that no bit stays between 0 and 1, and writes a good last page
once more. A sector whose erase may have been interrupted is erased again before use.
"""

import struct
from binascii import crc32

from micropython import const

ENTRY_BYTES = const(32)
BODY_BYTES = const(28)
_SLOTS = const(128)
ENTRIES = const(127)  # of a sector
_SECTOR = const(1)  # the kind of a header
BODY = "<IIIBBBBHHii"
_PAGE = const(256)
_IN_PAGE = const(8)
_CHAIN_AT = const(28)
_ERASED = b"\xff" * ENTRY_BYTES


class Ring:
    """A ring of flash sectors, written by slots in pages."""

    def __init__(self, flash, blocks, spare):
        """`spare`: number of sectors kept erased ahead of the one in use."""
        self._flash = flash
        self._blocks = blocks
        self._spare = spare
        self._page = bytearray(b"\xff" * _PAGE)  # the page to write next, with the bytes already in the flash
        self._fresh = 0  # entries of it that are not in the flash yet
        self._sector = -1  # in use, counted since the ring was created
        self._slot = _SLOTS  # the next one
        self._clean = 0  # erased sectors ahead
        self.chain = 0
        self.last = bytearray(ENTRY_BYTES)  # the newest entry; kind 0: no entry
        self.last_seq = 0
        self._mount()

    # ---- writing ----

    def has_room(self):
        """Whether an entry can be written without an erase."""
        return self._slot < _SLOTS or self._clean > 0

    def room(self):
        """Number of entries that can be written without an erase."""
        return _SLOTS - self._slot + self._clean * ENTRIES

    def wants_erase(self, moving):
        """Whether a sector should be erased. While the motor turns, half of the spare sectors are enough."""
        return self._clean < ((self._spare + 1) // 2 if moving else self._spare)

    def erase(self):
        """Erases the next sector. The CPU stalls for up to 400 ms."""
        self._flash.ioctl(6, self._block(self._sector + self._clean + 1))
        self._clean += 1

    def put(self, body):
        """Adds an entry to the page; `body` is its first 28 bytes. `write` stores it in the flash. Requires `has_room`
        and a page that is not full."""
        if self._slot == _SLOTS:
            self._begin_sector(struct.unpack_from("<I", body)[0])
        at = self._slot % _IN_PAGE * ENTRY_BYTES
        self.chain = crc32(body, self.chain)
        self._page[at : at + BODY_BYTES] = body
        struct.pack_into("<I", self._page, at + _CHAIN_AT, self.chain)
        self.last[:] = self._page[at : at + ENTRY_BYTES]
        self._slot += 1
        self._fresh += 1

    def page_is_full(self):
        """Whether `write` has a whole page to write."""
        return self._fresh > 0 and self._slot % _IN_PAGE == 0

    def write(self):
        """Writes the page."""
        if not self._fresh:
            return
        first = (self._slot - 1) // _IN_PAGE
        self._flash.writeblocks(self._block(self._sector), self._page, first * _PAGE)
        self._fresh = 0
        if self._slot % _IN_PAGE == 0:
            self._blank()

    def _begin_sector(self, seq):
        self._sector += 1
        self._clean -= 1
        self._slot = 1
        self._blank()
        head = struct.pack(BODY, seq, 0, 0, 0, 0, _SECTOR, 0, 0, self.chain & 0xFFFF, self.chain >> 16, self._sector)
        self._page[:BODY_BYTES] = head
        struct.pack_into("<I", self._page, _CHAIN_AT, crc32(head))

    def _blank(self):
        self._page[:] = b"\xff" * _PAGE

    def _block(self, sector):
        return self._blocks[sector % len(self._blocks)]

    # ---- reading ----

    def first_position(self):
        """Position of the oldest entry that may exist."""
        oldest = self._sector + self._clean + 1 - len(self._blocks)
        return max(0, oldest) * _SLOTS + 1

    def end_position(self):
        """Position after the newest entry in the flash."""
        return self._sector * _SLOTS + self._slot - self._fresh if self._sector >= 0 else 1

    def read(self, position, count):
        """`(position, chain, bytes)`: up to `count` slots of one sector, from `position` or, if that was erased, from
        the oldest. `chain`: the chain before a sector's first slot, from the sector's header; None for other slots.
        The bytes are empty at the end.
        """
        position = max(position, self.first_position())
        while True:
            if position % _SLOTS == 0:
                position += 1
            sector, slot = position // _SLOTS, position % _SLOTS
            available = min(count, _SLOTS - slot, self.end_position() - position)
            if available <= 0:
                return position, None, b""
            head = self._head(sector % len(self._blocks))
            if head is not None and head[0] == sector:
                break
            position = (sector + 1) * _SLOTS  # the power failed during its erase
        data = bytearray(available * ENTRY_BYTES)
        self._flash.readblocks(self._block(sector), data, slot * ENTRY_BYTES)
        return position, head[1] if slot == 1 else None, data

    # ---- at boot ----

    def _head(self, index):
        """`(sector, chain, seq)` of the header in this block, or None."""
        head = bytearray(ENTRY_BYTES)
        self._flash.readblocks(self._blocks[index], head, 0)
        values = struct.unpack(BODY, head[:BODY_BYTES])
        if values[5] != _SECTOR or _chain_of(head) != crc32(head[:BODY_BYTES]):
            return None
        return values[10], values[9] << 16 | values[8], values[0]

    def _mount(self):
        """Finds the newest sector and its last written slot."""
        newest = None
        for index in range(len(self._blocks)):
            head = self._head(index)
            if head is not None and head[0] > self._sector and head[0] % len(self._blocks) == index:
                newest = head
                self._sector = head[0]
        if newest is None:
            return
        if newest[0]:
            self._scan(newest[0] - 1)  # for its last entry, in case the newest sector has none
        self.chain = newest[1]
        self.last_seq = max(self.last_seq, newest[2] - 1)
        good = self._scan(newest[0])
        self._repair_page(good)

    def _scan(self, sector):
        """Reads every slot of a sector. Returns the valid slots of the last page, one bit each."""
        block = self._block(sector)
        page, erased = bytearray(_PAGE), _ERASED * _IN_PAGE
        before = self.chain  # the chain stored in the previous slot, right or wrong
        self._slot = 1
        good = 1  # the header
        for slot in range(_SLOTS):
            at = slot % _IN_PAGE * ENTRY_BYTES
            if not at:
                self._flash.readblocks(block, page, slot * ENTRY_BYTES)
            if not slot or page == erased:
                continue
            entry = page[at : at + ENTRY_BYTES]
            if entry == _ERASED:
                continue
            if slot // _IN_PAGE != (self._slot - 1) // _IN_PAGE:
                good = 0
            self._slot = slot + 1
            if fits(entry, self.chain) or fits(entry, before):
                self.chain = _chain_of(entry)
                self.last[:] = entry
                self.last_seq = struct.unpack_from("<I", entry)[0]
                good |= 1 << slot % _IN_PAGE
            before = _chain_of(entry)
        return good

    def _repair_page(self, good):
        """Writes the last page again: valid slots as they are, damaged ones as zeros, so that every bit is certain."""
        block, first = self._block(self._sector), (self._slot - 1) // _IN_PAGE
        page = self._page
        self._flash.readblocks(block, page, first * _PAGE)
        for slot in range(_IN_PAGE):
            at = slot * ENTRY_BYTES
            if not good >> slot & 1 and page[at : at + ENTRY_BYTES] != _ERASED:
                page[at : at + ENTRY_BYTES] = bytes(ENTRY_BYTES)
        self._flash.writeblocks(block, page, first * _PAGE)
        if self._slot % _IN_PAGE == 0:
            self._blank()


def _chain_of(entry):
    return struct.unpack_from("<I", entry, _CHAIN_AT)[0]


def fits(entry, chain):
    """Whether this entry follows one with that chain."""
    return crc32(entry[:BODY_BYTES], chain) == _chain_of(entry)
