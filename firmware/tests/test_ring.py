"""Entries in a ring of flash sectors: in order, chained, the oldest out first, and whole after a cut at any write."""

import random
import struct
from binascii import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.storage.ring import _SLOTS, BODY, BODY_BYTES, ENTRIES, ENTRY_BYTES, Ring
from tests.fake_flash import BLOCK, TORN, FakeFlash, PowerCut

BLOCKS = [5, 2, 7, 1]  # wherever littlefs put them
SPARE = 1
FULL = (len(BLOCKS) - 1 - SPARE) * ENTRIES  # entries that are kept in the worst case


def body(seq, a=0):
    return struct.pack(BODY, seq, 0, 0, 0, 0, 6, 0, 0, 0, 0, a)


def put(ring, seq, a=0):
    """As the journal's task does it, one entry at a time; it is confirmed when this returns."""
    while ring.wants_erase(False):
        ring.erase()
    assert ring.has_room()
    ring.put(body(seq, a))
    ring.write()


def entries(ring, since=0):
    """`(seq, a)` of all that can be read and fits its chain, and how many slots do not."""
    found, torn, chain = [], 0, None
    position = since
    while True:
        position, head_chain, data = ring.read(position, 16)
        if not data:
            return found, torn
        chain = chain if head_chain is None else head_chain
        for at in range(0, len(data), ENTRY_BYTES):
            entry = data[at : at + ENTRY_BYTES]
            stored = struct.unpack_from("<I", entry, BODY_BYTES)[0]
            if chain is None or crc32(entry[:BODY_BYTES], chain) == stored:
                values = struct.unpack(BODY, entry[:BODY_BYTES])
                found.append((values[0], values[10]))
                chain = stored
            else:
                torn += 1
        position += len(data) // ENTRY_BYTES


@pytest.fixture
def flash():
    return FakeFlash(8)


@pytest.fixture
def ring(flash):
    return Ring(flash, BLOCKS, SPARE)


def test_a_new_ring_is_empty(ring):
    assert entries(ring) == ([], 0)
    assert not ring.has_room()
    assert ring.wants_erase(False)


@pytest.mark.parametrize("count", [1, 7, 8, 126, 127, 128, 254, 1000])
def test_what_was_put_last_is_read_in_order_also_after_a_boot(flash, ring, count):
    for seq in range(1, count + 1):
        put(ring, seq, -seq)
    for seen in (ring, Ring(flash, BLOCKS, SPARE)):
        found, torn = entries(seen)
        assert torn == 0
        assert found == [(seq, -seq) for seq in range(count - len(found) + 1, count + 1)]
        assert len(found) >= min(count, FULL)
        assert seen.last_seq in (0, count)  # the one that wrote does not look back
        assert struct.unpack_from("<I", seen.last)[0] == count


def test_no_sector_is_erased_more_than_its_share(flash, ring):
    count = 20 * ENTRIES
    for seq in range(1, count + 1):
        put(ring, seq)
    erases = [flash.erases[block] for block in BLOCKS]
    assert sum(erases) == count // ENTRIES + SPARE
    assert max(erases) - min(erases) <= 1
    assert sum(flash.erases) == sum(erases)  # and no sector of anybody else's


def test_a_full_ring_without_an_erase_takes_no_more(flash, ring):
    ring.erase()
    for seq in range(1, ENTRIES + 1):
        ring.put(body(seq))
        ring.write()
    assert not ring.has_room()


def test_entries_that_are_put_together_are_one_write(flash, ring):
    ring.erase()
    for seq in range(1, 8):
        ring.put(body(seq))
        assert entries(ring)[0] == []  # not confirmed
    assert ring.page_is_full()
    ring.write()
    assert flash.writes == 1
    assert [seq for seq, _ in entries(ring)[0]] == list(range(1, 8))


def test_a_position_names_an_entry_for_ever(ring):
    for seq in range(1, 300):
        put(ring, seq)
    position = ring.end_position() - 1
    put(ring, 300)
    assert entries(ring, position)[0] == [(299, 0), (300, 0)]
    assert entries(ring, ring.end_position()) == ([], 0)


def test_reading_an_erased_position_returns_the_oldest_entry(ring):
    for seq in range(1, 1001):
        put(ring, seq)
    position, chain, data = ring.read(1, 16)
    assert position == ring.first_position()
    assert chain is not None
    assert fits_first(data, chain)


def fits_first(data, chain):
    return crc32(data[:BODY_BYTES], chain) == struct.unpack_from("<I", data, BODY_BYTES)[0]


@given(st.integers(1, 60), st.integers(0, ENTRY_BYTES * 8 - 1))
def test_one_changed_bit_shows_and_the_next_boot_goes_on(slot, bit):
    flash = FakeFlash(8)
    ring = Ring(flash, BLOCKS, SPARE)
    for seq in range(1, 91):
        put(ring, seq)
    flash.data[BLOCKS[0] * BLOCK + slot * ENTRY_BYTES + bit // 8] ^= 1 << bit % 8
    again = Ring(flash, BLOCKS, SPARE)
    assert again.last_seq == 90
    put(again, 91)
    found, torn = entries(again)
    assert torn >= 1
    assert slot not in [seq for seq, _ in found]


def test_a_missing_entry_shows(flash, ring):
    """Somebody takes one out and moves the others up, each whole in itself."""
    for seq in range(1, 31):
        put(ring, seq)
    at = BLOCKS[0] * BLOCK
    flash.data[at + 10 * ENTRY_BYTES : at + 30 * ENTRY_BYTES] = flash.data[
        at + 11 * ENTRY_BYTES : at + 31 * ENTRY_BYTES
    ]
    assert entries(ring)[1] >= 1


# The first page, the end of a page, of a sector, and the first erase of a sector that was in use.
CUTS = [0, 1, 2, 3, 9, 10, 126, 127, 128, 129, 130, 380, 381, 382, 383, 510, 511, 512, 640]


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("cut", CUTS)
def test_what_was_confirmed_outlives_a_cut(torn, cut):
    cut_and_check(seed=cut, cuts=[cut], torn=[torn])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(200))
def test_what_was_confirmed_outlives_cut_after_cut(seed):
    chance = random.Random(seed)
    cuts = [chance.randrange(300) for _ in range(20)]
    cut_and_check(seed, cuts, [chance.choice(TORN) for _ in cuts])


def cut_and_check(seed, cuts, torn):
    flash = FakeFlash(8, seed)
    seq = confirmed = 0
    for cut, how in zip(cuts, torn, strict=True):
        flash.left, flash.torn = cut, how
        try:
            ring = Ring(flash, BLOCKS, SPARE)  # the boot writes too
            seq = max(ring.last_seq, confirmed)
            while True:
                seq += 1
                put(ring, seq, cut)
                confirmed = seq
        except PowerCut:
            pass
        assert_whole(flash, confirmed)
        confirmed = assert_whole(flash, confirmed)


def assert_whole(flash, confirmed):
    """A boot finds all that was confirmed, in order, at most one more, and can go on. Returns the last."""
    ring = Ring(flash, BLOCKS, SPARE)
    found, _ = entries(ring)
    seqs = [seq for seq, _ in found]
    last = seqs[-1] if seqs else 0
    assert last in (confirmed, confirmed + 1)
    assert seqs == list(range(last - len(seqs) + 1, last + 1))
    # The sector that was being erased may be gone beside the spare one.
    assert len(seqs) >= min(last, FULL - _SLOTS)
    assert ring.last_seq == last
    return last
