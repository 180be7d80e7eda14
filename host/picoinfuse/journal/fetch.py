"""Fetch the entries that the history lacks, page by page, and check that each continues the one before it."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from picoinfuse.client.methods.maintenance import LogPage
from picoinfuse.common.errors import BadReply
from picoinfuse.journal.entry import ENTRY_BYTES, RINGS, chain_of, continues
from picoinfuse.journal.store import Cursor, Gap, History

SLOTS = 128  # in a sector of 4 KB; the first is its header
SLOTS_AT_MOST = 65536  # in a ring: 32 bytes each, they fill the 2 MB of a Pico's flash


class Source(Protocol):
    """The part of `Pump` that a fetch uses."""

    def log(self, ring: str, position: int) -> LogPage:
        """The page of `ring` that begins at `position`, or at the oldest entry after it."""
        ...


@dataclass
class Fetched:
    """How many slots a fetch brought."""

    entries: int = 0
    damaged: int = 0  # slots that do not continue the chain
    gaps: int = 0  # slots that the pump had overwritten


def fetch(
    pump: Source, name: str, history: History, progress: Callable[[str, int, int], None] | None = None
) -> Fetched:
    """Fetch into the history of `name`, the pump's unique id. Calls `progress(ring, position, end)` for each page.
    Raises BadReply when the positions go back or do not end.
    """
    done = Fetched()
    for ring in RINGS:
        cursor = _current_cursor(pump, ring, history.cursor(name, ring))
        fetched = 0
        while True:
            page = pump.log(ring, cursor.next)
            slots = _slots(page)
            fetched += len(slots)
            if page.position < cursor.next:
                raise BadReply("log", "position", f"{cursor.next} or later", str(page.position))
            if fetched > SLOTS_AT_MOST:
                raise BadReply("log", "entries", f"{SLOTS_AT_MOST} slots in all, at most", str(fetched))
            if progress is not None:
                progress(ring, page.position, page.end)
            if not slots:
                break
            gap = _gap(ring, cursor, page)
            cursor, checked = _check(cursor, page, slots)
            history.keep(name, ring, cursor, checked, gap)
            done.entries += sum(whole for _, _, whole in checked)
            done.damaged += sum(not whole for _, _, whole in checked)
            done.gaps += gap.slots if gap else 0
    return done


def _current_cursor(pump: Source, ring: str, cursor: Cursor) -> Cursor:
    """If the last slot that was fetched differs on the pump, the ring was formatted: a new generation begins."""
    if not cursor.last:
        return cursor
    page = pump.log(ring, cursor.next - 1)
    if page.position > cursor.next - 1:
        return cursor  # overwritten meanwhile
    slots = _slots(page)
    if slots and slots[0] == cursor.last:
        return cursor
    return Cursor(generation=cursor.generation + 1)


def _slots(page: LogPage) -> list[bytes]:
    try:
        data = binascii.a2b_base64(page.entries, strict_mode=True)
    except binascii.Error as error:
        raise BadReply("log", "entries", "base64", page.entries[:30]) from error
    if len(data) % ENTRY_BYTES:
        raise BadReply("log", "entries", f"entries of {ENTRY_BYTES} bytes", f"{len(data)} bytes")
    return [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]


def _gap(ring: str, cursor: Cursor, page: LogPage) -> Gap | None:
    missing = page.position - max(cursor.next, 1)
    if missing <= 0 or (missing == 1 and page.position % SLOTS == 1):  # a sector's header is not an entry
        return None
    return Gap(ring, max(cursor.next, 1), missing)


def _check(cursor: Cursor, page: LogPage, slots: list[bytes]) -> tuple[Cursor, list[tuple[int, bytes, bool]]]:
    """Mark the slots that continue the chain. A slot that continues a damaged one starts the chain again: only the
    slot before it is damaged.
    """
    chain = before = page.chain
    if page.position <= max(cursor.next, 1) + 1 and cursor.last:  # at most a sector's header lies between
        chain, before = cursor.chain, chain_of(cursor.last)
    checked = []
    for i, raw in enumerate(slots):
        whole = any(known is not None and continues(raw, known) for known in (chain, before))
        checked.append((page.position + i, raw, whole))
        before = chain_of(raw)
        if whole:
            chain = before
    end = Cursor(cursor.generation, page.position + len(slots), chain, slots[-1])
    return end, checked
