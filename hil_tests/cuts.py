"""What a boot finds in the flash after a power cut, and what it is allowed to find. Runs the firmware's own modules and
littlefs on the flash as it was at one operation of a recorded day.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import types
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from littlefs import LittleFS

from hil_tests.expect import unsure_at_most_nl
from hil_tests.recorded_day import Day, put
from picoinfuse.journal.entry import BODY_BYTES, ENTRY_BYTES, continues
from picoinfuse.profile import Profile
from picoinfuse.stub.flash_image import BLOCK, BLOCKS

PAGE = 256
ERASE_NS, PAGE_NS = 45_000_000, 700_000  # of the board in software
NO_BOUND, COMPLETE = 0xFFFFFF, 4  # of firmware/pump/storage/last_therapy.py


class Chip:
    """The flash as the firmware sees it."""

    def __init__(self, data: bytearray) -> None:
        self.data = data

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block: int, buffer: bytes, offset: int) -> None:
        at = block * BLOCK + offset
        old = self.data[at : at + PAGE]
        assert all(new & ~before & 255 == 0 for before, new in zip(old, buffer, strict=True)), "a bit would be set"
        self.data[at : at + PAGE] = buffer

    def ioctl(self, op: int, block: int) -> int:
        if op == 6:
            self.data[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
        return BLOCKS


@dataclass
class Found:
    """What a boot finds."""

    calibration: bytes | None
    library: str | None
    last: Any  # firmware/pump/storage/last_therapy.py
    seqs: tuple[list[int], ...]  # of each ring


def boot(image: bytes, profile: Profile, root: Path) -> Found:
    """The firmware's own modules, on this flash; the filesystem's records by way of littlefs."""
    sys.modules.setdefault("micropython", types.SimpleNamespace(const=lambda value: value))  # type: ignore[arg-type]
    names = (
        "pump.storage.journal",
        "pump.storage.record",
        "pump.storage.ring",
        "pump.storage.last_therapy",
        "pump.storage.library",
        "pump.storage.at_boot",
    )
    module, record, ring, last_therapy, library, sectors = (
        cast("Any", importlib.import_module(name)) for name in names
    )

    module.time = types.SimpleNamespace(ticks_ms=lambda: 0)
    sizes: dict[str, Any] = {"block_size": BLOCK, "block_count": BLOCKS, "prog_size": PAGE, "read_size": PAGE}
    fs = LittleFS(**sizes, cache_size=4 * PAGE, mount=False)  # as MicroPython has it: small files are in the folder
    fs.context.buffer = bytearray(image)
    fs.mount()
    assert fs.open("/profile.json", "rb").read() == profile.frame()
    shutil.rmtree(root, ignore_errors=True)
    for folder in record.FOLDERS:
        (root / folder[1:]).mkdir(parents=True)
        for name in fs.listdir(folder):
            (root / folder[1:] / name).write_bytes(fs.open(f"{folder}/{name}", "rb").read())
    store = record.RecordStore(str(root))
    found = store.record("sectors", 1, 1024).load()
    assert found is not None
    blocks = json.loads(found[1])
    chip = Chip(bytearray(image))
    rings = [ring.Ring(chip, blocks[name], sectors.SPARE[i]) for i, name in enumerate(module.RINGS)]
    journal = module.Journal(rings)
    assert journal.seq == max(one.last_seq for one in rings)
    last = last_therapy.LastTherapy(store, journal)
    last.recall(False)
    last.end()
    calibration = store.record("calibration", 2, 1024).load()
    in_force = None
    with suppress(library.LibraryFault):  # missing: no library was sent yet
        in_force = library.load_library(store).text
    assert store.restored == []  # a power cut damages no copy
    seqs = tuple(whole(one) for one in rings)
    return Found(None if calibration is None else calibration[1], in_force, last, seqs)


def whole(ring: Any) -> list[int]:
    """Sequence numbers of the entries that continue each other; asserts that none between them is missing."""
    seqs, chain, position = [], None, 0
    while True:
        position, reported, data = ring.read(position, 127)
        if not data:
            return seqs
        chain = reported if chain is None else chain
        for at in range(0, len(data), ENTRY_BYTES):
            raw = bytes(data[at : at + ENTRY_BYTES])
            if continues(raw, chain):
                seqs.append(int.from_bytes(raw[:4], "little"))
                chain = int.from_bytes(raw[BODY_BYTES:], "little")
            else:
                assert raw == bytes(ENTRY_BYTES), "a slot is neither an entry nor settled"
        position += len(data) // ENTRY_BYTES


def check_cut(day: Day, prefix: bytearray, number: int, torn: str, before: Found, root: Path) -> None:
    """Asserts what a boot may find after this cut. `before`: what it finds when every earlier operation is complete."""
    operation = day.operations[number]
    image = bytearray(prefix)
    put(image, operation, torn, number)
    found = boot(bytes(image), day.profile, root)
    for old, new in zip(before.seqs, found.seqs, strict=True):
        if old and new:
            confirmed = [seq for seq in old if seq >= new[0]]
            assert new[: len(confirmed)] == confirmed, "an entry that was in the flash is gone"
            assert len(old) - len(confirmed) <= 127, "more than the sector that was being erased is gone"
        else:
            assert not old, "a ring is empty that had entries"
    if before.calibration is not None:
        assert found.calibration is not None
        assert json.loads(found.calibration)["entries"][-1]["num"] in (
            json.loads(before.calibration)["entries"][-1]["num"],
            json.loads(before.calibration)["entries"][-1]["num"] + 1,
        )

    if before.library is not None:
        assert found.library is not None, "a library that was in force is gone"
    lasts_ns = 0 if torn == "before" else ERASE_NS if operation.data is None else PAGE_NS
    for t_ns in {operation.t_ns + lasts_ns, operation.t_ns + (lasts_ns if torn == "after" else 0)}:
        assert_volume(day, found.last, t_ns)


def assert_volume(day: Day, reported: Any, t_ns: int) -> None:
    """The volume reported after a cut at `t_ns` is the volume given, within the bound, or unknown."""
    begun = sum(therapy.began_ns <= t_ns for therapy in day.therapies)
    if reported.number != begun:
        assert reported.number == begun - 1, f"therapy {reported.number} is reported, {begun} was begun"
        assert day.given(begun, t_ns) == 0, "the motor has turned for a therapy that is not in the flash"
    if reported.unsure == NO_BOUND or not reported.number:
        return
    steps = day.given(reported.number, t_ns)
    assert reported.steps <= steps <= reported.steps + reported.unsure, (
        f"{steps} steps, reported {reported.steps} + {reported.unsure}"
    )
    assert reported.nl(reported.unsure) <= unsure_at_most_nl(day.profile, day.therapies[reported.number - 1].top_ul_h)
    if reported.outcome == COMPLETE:
        assert reported.unsure == 0, "complete, and not known how much"


def try_cuts(day: Day, root: Path, chosen: dict[int, tuple[str, ...]]) -> int:
    """Checks each chosen operation, torn in each of its ways. Returns the number of cuts."""
    prefix = bytearray(day.image)
    cuts = 0
    for number, operation in enumerate(day.operations):
        if number in chosen:
            before = boot(bytes(prefix), day.profile, root)
            for torn in chosen[number]:
                try:
                    check_cut(day, prefix, number, torn, before, root)
                except BaseException:
                    print(f"the cut that failed: operation {number}, torn {torn}: --cut {number}:{torn}")
                    raise
                cuts += 1
        put(prefix, operation, "after", 0)
    return cuts
