"""The power cut at every write and erase of a day of therapy.

The day is run once on the stub, and every operation of its flash is listened to. Up to an operation nothing depends on
whether the supply is cut at it, so the flash that a cut leaves is what was there at first, the operations before it,
and the part of it that was done: nothing of it, half, its bits settled or not, all. Each such flash is looked at with
the firmware's own modules and with littlefs: it mounts, every record is one of its legal versions, the journal has
every entry up to the last that was in the flash, in one chain, and what `last_therapy` tells as given holds the steps
on the wire up to the cut, within the bound of firmware/pump/ledger.py, or is unknown.

A failure prints the number of the operation and how it was torn: `--cut 1234:bits` looks at that one alone.
"""

from __future__ import annotations

import importlib
import json
import random
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from littlefs import LittleFS

from hil_tests.expect import end_self_test, now_ns, unsure_at_most_nl
from picoinfuse.bench import Bench
from picoinfuse.bench.stub import StubBench
from picoinfuse.errors import PicoinfuseError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.journal.entry import BODY_BYTES, ENTRY_BYTES, continues
from picoinfuse.profile import Profile, load_profile
from picoinfuse.stub.board import FlashOperation
from picoinfuse.trace import Times

BLOCK, BLOCKS, PAGE = 4096, 352, 256
TORN = ("before", "half", "bits", "after")
SAMPLE = 24
ERASE_NS, PAGE_NS = 45_000_000, 700_000  # of the board in software
NO_BOUND, COMPLETE = 0xFFFFFF, 4  # of firmware/pump/storage/given.py
pytestmark = [
    pytest.mark.requirement("GIP-4", "KEEP-1"),
    pytest.mark.timeout(240),
]


@dataclass
class Therapy:
    began_ns: int
    top_ul_h: int  # the highest rate that it may have


@dataclass
class Day:
    profile: Profile
    image: bytes  # at the start
    operations: list[FlashOperation]
    therapies: list[Therapy]  # the first has number 1
    steps_ns: Times  # of the motor
    net: Times  # after each of them, from none

    def given(self, number: int, t_ns: int) -> int:
        """Net steps of a therapy up to then, or to its end."""
        end_ns = self.therapies[number].began_ns if number < len(self.therapies) else t_ns
        times = (self.therapies[number - 1].began_ns, min(t_ns, end_ns))
        first, last = np.searchsorted(self.steps_ns, times, "right")
        return int(self.net[last] - self.net[first])


def record_day(bench: StubBench, live: Callable[[StubBench], None]) -> Day:
    image = Path(bench.board._setup["image"])
    bench.board.control("flash", {"told": True})
    at_first = image.read_bytes()
    bench.board.flash_operations.clear()
    therapies = noted_therapies(bench)
    live(bench)
    assert image.read_bytes() == apply(at_first, bench.board.flash_operations)
    assert bench.pump.last_therapy().number == len(therapies)
    steps_ns = bench.trace.edges("step")
    steps_ns = steps_ns[levels_at(bench, "enable", steps_ns) == 0]
    forward = levels_at(bench, "dir", steps_ns) != int(bench.profile.compiled()["mechanics"]["reverse"])
    net = np.concatenate(([0], np.cumsum(np.where(forward, 1, -1))))
    return Day(bench.profile, at_first, bench.board.flash_operations, therapies, steps_ns, net)


def noted_therapies(bench: StubBench) -> list[Therapy]:
    """Grows with each start from now on."""
    therapies: list[Therapy] = []
    pump = bench.pump
    start, start_regimen, set_rate = pump.start, pump.start_regimen, pump.set_rate

    def noted(rate_ul_h: int, *more: Any, **named: Any) -> Any:
        therapies.append(Therapy(now_ns(bench), rate_ul_h))
        return start(rate_ul_h, *more, **named)

    def regimen_noted(regimen: dict[str, Any], *more: Any, **named: Any) -> Any:
        top_ul_h = max(max(segment[:2]) for segment in regimen["segments"])
        therapies.append(Therapy(now_ns(bench), top_ul_h + regimen.get("bolus", {}).get("rate_ul_h", 0)))
        return start_regimen(regimen, *more, **named)

    def rate_noted(rate_ul_h: int, *more: Any, **named: Any) -> Any:
        therapies[-1].top_ul_h = max(therapies[-1].top_ul_h, rate_ul_h)
        return set_rate(rate_ul_h, *more, **named)

    vars(pump).update(start=noted, start_regimen=regimen_noted, set_rate=rate_noted)
    return therapies


def levels_at(bench: StubBench, wire: str, times_ns: Times) -> Times:
    changes_ns, levels = bench.trace.transitions(wire)
    return np.concatenate(([bench.trace.level_at(wire, 0)], levels))[np.searchsorted(changes_ns, times_ns, "right")]


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
    with StubBench(load_profile("syringe-50ml")) as bench:
        yield record_day(bench, therapy)


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
    library: str | None
    given: Any  # firmware/pump/storage/given.py
    seqs: tuple[list[int], ...]  # of each ring


def boot(image: bytes, profile: Profile, root: Path) -> Found:
    """The firmware's own modules, on this flash; the filesystem's records by way of littlefs."""
    sys.modules.setdefault("micropython", types.SimpleNamespace(const=lambda value: value))  # type: ignore[arg-type]
    names = ("journal", "record", "ring", "given", "library")
    module, record, ring, given_module, library = (
        cast("Any", importlib.import_module("pump.storage." + name)) for name in names
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
    shelf = record.Shelf(str(root))
    found = shelf.record("sectors", 1, 1024).load()
    assert found is not None
    blocks = json.loads(found[1])
    chip = Chip(bytearray(image))
    rings = [ring.Ring(chip, blocks[name], module.SPARE[i]) for i, name in enumerate(module.RINGS)]
    journal = module.Journal(rings)
    assert journal.seq == max(one.last_seq for one in rings)
    given = given_module.Given(shelf, journal)
    given.recall(False)
    given.end()
    calibration = shelf.record("calibration", 2, 1024).load()
    in_force = None
    with suppress(library.LibraryFault):  # missing: none was sent yet
        in_force = library.load_library(shelf).text
    assert shelf.restored == []  # a power cut damages no copy
    seqs = tuple(whole(one) for one in rings)
    return Found(None if calibration is None else calibration[1], in_force, given, seqs)


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

    if before.library is not None:
        assert found.library is not None, "a library that was in force is gone"
    lasts_ns = 0 if torn == "before" else ERASE_NS if operation.data is None else PAGE_NS
    for t_ns in {operation.t_ns + lasts_ns, operation.t_ns + (lasts_ns if torn == "after" else 0)}:
        assert_volume(day, found.given, t_ns)


def assert_volume(day: Day, told: Any, t_ns: int) -> None:
    """What is told after a cut at that time is what was given: within the bound, or unknown."""
    begun = sum(therapy.began_ns <= t_ns for therapy in day.therapies)
    if told.number != begun:
        assert told.number == begun - 1, f"therapy {told.number} is told, {begun} was begun"
        assert day.given(begun, t_ns) == 0, "the motor has turned for a therapy that is not in the flash"
    if told.unsure == NO_BOUND or not told.number:
        return
    steps = day.given(told.number, t_ns)
    assert told.steps <= steps <= told.steps + told.unsure, f"{steps} steps, told {told.steps} + {told.unsure}"
    assert told.nl(told.unsure) <= unsure_at_most_nl(day.profile, day.therapies[told.number - 1].top_ul_h)
    if told.outcome == COMPLETE:
        assert told.unsure == 0, "complete, and not known how much"


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


@pytest.mark.needs("flash")
@pytest.mark.requirement("KEEP-3")
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
@pytest.mark.needs("flash")
@pytest.mark.requirement("KEEP-3")
@pytest.mark.timeout(3600)
def test_every_cut(day: Day, measure: Measure, tmp_path: Path) -> None:
    """Every write and every erase, torn in every way; `before` and `after` fall together but for the ends."""
    cuts = try_cuts(day, tmp_path, dict.fromkeys(range(len(day.operations)), TORN))
    print(f"{cuts} cuts at {len(day.operations)} operations")
    measure("cuts after which all was there", cuts, equal=4 * len(day.operations))


@pytest.mark.needs("flash_cut")
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
    end_self_test(bench)
    status = bench.pump.status()
    wanted = ("alarm_stopped", ("interrupted",), 0)
    measure("state, alarms, rate", (status.state, status.alarms, status.rate_ul_h), equal=wanted)
    measure("end of the log", bench.pump.log("events", 0).end, above=last)
    bench.pump.clear_alarms()
    bench.pump.start(5_000)
    bench.sleep(2.0)
    measure("state of the next infusion", bench.pump.status().state, equal="infusing")
