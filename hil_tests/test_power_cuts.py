"""The power cut at every write and erase of a day of therapy.

The day is run once on the stub, and every operation of its flash is listened to. Up to an operation nothing depends on
whether the supply is cut at it, so the flash that a cut leaves is what was there at first, the operations before it,
and the part of it that was done: nothing of it, half, its bits settled or not, all. Each such flash is looked at with
the firmware's own modules and with littlefs: it mounts, every record is one of its legal versions, the journal has
every entry up to the last that was in the flash, in one chain.

A failure prints the number of the operation and how it was torn: `--cut 1234:bits` looks at that one alone.
"""

from __future__ import annotations

import importlib
import json
import random
import shutil
import sys
import types
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from littlefs import LittleFS

from picoinfuse.bench import Bench
from picoinfuse.bench.stub import StubBench
from picoinfuse.errors import PicoinfuseError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.journal.entry import BODY_BYTES, ENTRY_BYTES, continues
from picoinfuse.profile import Profile, load_profile
from picoinfuse.stub.board import FlashOperation

BLOCK, BLOCKS, PAGE = 4096, 352, 256
TORN = ("before", "half", "bits", "after")
SAMPLE = 24
pytestmark = [
    pytest.mark.requirement("GIP-4", "KEEP-1"),
    pytest.mark.needs("flash", "power", "virtual_time"),
    pytest.mark.timeout(240),
]


@dataclass
class Day:
    profile: Profile
    image: bytes  # at the start
    operations: list[FlashOperation]


def therapy(bench: StubBench) -> None:
    """What the pump is used for in a day, in a few minutes: every kind of write is in it many times."""
    pump = bench.pump
    pump.calibrate(101, 100, "2026-11-22", "tester")
    bench.sleep(1.0)
    for turn in range(3):
        pump.set_clock(1_795_435_200_000 + turn * 3_600_000)
        pump.start(5_000, vtbi_nl=2_000_000)
        bench.sleep(10.0)
        pump.set_rate(100_000)
        bench.sleep(5.0)
        pump.pause()
        bench.sleep(5.0)
        pump.resume()
        bench.sleep(5.0)
        pump.stop()
        bench.sleep(1.0)
        pump.start(1_200_000)
        bench.sleep(10.0)
        bench.sensor_fault("open")
        bench.sleep(1.0)
        bench.sensor_fault(None)
        bench.sleep(1.0)
        pump.clear_alarms()
        for _ in range(60):
            pump.acknowledge()
        pump.calibrate(102 + turn, 100, "2026-11-22", "tester")
        bench.sleep(1.0)
    pump.start(20_000)
    bench.sleep(10.0)
    pump.stop()
    bench.sleep(2.0)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    profile = load_profile("syringe-50ml")
    with StubBench(profile) as bench:
        image = Path(bench.board._setup["image"])
        bench.board.control("flash", {"told": True})
        at_first = image.read_bytes()
        bench.board.flash_operations.clear()
        therapy(bench)
        assert image.read_bytes() == apply(at_first, bench.board.flash_operations)
        yield Day(profile, at_first, bench.board.flash_operations)


def apply(image: bytes, operations: list[FlashOperation]) -> bytes:
    data = bytearray(image)
    for operation in operations:
        put(data, operation, "after", 0)
    return bytes(data)


def put(data: bytearray, operation: FlashOperation, torn: str, seed: int) -> None:
    at = operation.block * BLOCK + operation.offset
    new = operation.data or b"\xff" * BLOCK
    if torn == "half":
        new = new[: len(new) // 2]
    elif torn == "bits":
        masks = random.Random(seed).randbytes(len(new))
        new = bytes(old & ~m | n & m for old, n, m in zip(data[at : at + len(new)], new, masks, strict=True))
    elif torn == "before":
        new = b""
    data[at : at + len(new)] = new


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
    seqs: tuple[list[int], ...]  # of each ring


def boot(image: bytes, profile: Profile, root: Path) -> Found:
    """The firmware's own modules, on this flash; the filesystem's records by way of littlefs."""
    sys.modules.setdefault("micropython", types.SimpleNamespace(const=lambda value: value))  # type: ignore[arg-type]
    names = ("journal", "record", "ring")
    module, record, ring = (cast("Any", importlib.import_module("pump.storage." + name)) for name in names)

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
    shelf = record.Shelf(str(root))
    found = shelf.record("sectors", 1, 1024).load()
    assert found is not None
    blocks = json.loads(found[1])
    chip = Chip(bytearray(image))
    rings = [ring.Ring(chip, blocks[name], module.SPARE[i]) for i, name in enumerate(module.RINGS)]
    assert module.Journal(rings).seq == max(one.last_seq for one in rings)
    calibration = shelf.record("calibration", 2, 1024).load()
    assert shelf.restored == []  # a power cut damages no copy
    return Found(None if calibration is None else calibration[1], tuple(whole(one) for one in rings))


def whole(ring: Any) -> list[int]:
    """Sequence numbers of the entries that continue each other; asserts that none between them is missing."""
    seqs, chain, position = [], None, 0
    while True:
        position, told, data = ring.read(position, 127)
        if not data:
            return seqs
        chain = told if chain is None else chain
        for at in range(0, len(data), ENTRY_BYTES):
            raw = bytes(data[at : at + ENTRY_BYTES])
            if continues(raw, chain):
                seqs.append(int.from_bytes(raw[:4], "little"))
                chain = int.from_bytes(raw[BODY_BYTES:], "little")
            else:
                assert raw == bytes(ENTRY_BYTES), "a slot is neither an entry nor settled"
        position += len(data) // ENTRY_BYTES


def look(day: Day, prefix: bytearray, number: int, torn: str, before: Found, root: Path) -> None:
    """Asserts what a boot after this cut may find. `before`: what it finds when all up to it is done."""
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


def try_cuts(day: Day, root: Path, chosen: dict[int, tuple[str, ...]]) -> int:
    """Looks at each chosen operation, torn in each of its ways. Returns how many cuts that were."""
    prefix = bytearray(day.image)
    cuts = 0
    for number, operation in enumerate(day.operations):
        if number in chosen:
            before = boot(bytes(prefix), day.profile, root)
            for torn in chosen[number]:
                try:
                    look(day, prefix, number, torn, before, root)
                except BaseException:
                    print(f"the cut that failed: operation {number}, torn {torn}: --cut {number}:{torn}")
                    raise
                cuts += 1
        put(prefix, operation, "after", 0)
    return cuts


def test_a_spread_of_cuts(day: Day, measure: Measure, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    count = len(day.operations)
    measure("operations of the flash in a day", count, above=100)
    one = pytestconfig.getoption("--cut")
    if one:
        number, _, torn = str(one).partition(":")
        chosen = {int(number): (torn,)}
    else:
        chosen = {round(i * (count - 1) / (SAMPLE - 1)): (TORN[i % 4], TORN[(i + 1) % 4]) for i in range(SAMPLE)}
    cuts = sum(map(len, chosen.values()))
    measure("cuts after which all was there", try_cuts(day, tmp_path, chosen), equal=cuts)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_cut(day: Day, measure: Measure, tmp_path: Path) -> None:
    """Every write and every erase, torn in every way; `before` and `after` fall together but for the ends."""
    cuts = try_cuts(day, tmp_path, dict.fromkeys(range(len(day.operations)), TORN))
    measure("cuts after which all was there", cuts, equal=4 * len(day.operations))


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("left", [0, 1, 3, 7])
@pytest.mark.requirement("STOP-2")
def test_the_whole_pump_comes_back_from_a_cut(bench: Bench, measure: Measure, left: int, torn: str) -> None:
    """The same on the running board: the supply goes within an operation of the flash, and the firmware boots."""
    bench.pump.start(1_200_000)
    bench.sleep(1.5)
    last = bench.pump.log("events", 0).end
    bench.cut_at_flash_operation(left, torn, seed=left)
    with suppress(PicoinfuseError):  # it goes within the answer
        for _ in range(left + 1):
            bench.pump.acknowledge()
            bench.sleep(0.2)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)
    status = bench.pump.status()
    wanted = ("alarm_stopped", ("interrupted",), 0)
    measure("state, alarms, rate", (status.state, status.alarms, status.rate_ul_h), equal=wanted)
    measure("end of the log", bench.pump.log("events", 0).end, above=last)
    bench.pump.clear_alarms()
    bench.pump.start(5_000)
    bench.sleep(2.0)
    measure("state of the next infusion", bench.pump.status().state, equal="infusing")
