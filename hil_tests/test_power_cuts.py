"""The power cut at every write and erase of a day of therapy.

The day runs once on the stub, and every operation of its flash is recorded. Up to an operation nothing depends on
whether the supply is cut at it. So the flash after a cut is the initial image, the operations before the cut,
and a part of the cut one: none, half, unsettled bits, or all of it. Each such flash is checked with
the firmware's own modules and with littlefs: it mounts, every record is one of its legal versions, the journal has
every entry up to the last one in the flash, in one chain, and the volume that `last_therapy` reports contains the steps
on the wire up to the cut, within the bound of firmware/pump/tasks/delivered_volume.py, or it is unknown.

A failure prints the number of the operation and how it was torn: `--cut 1234:bits` repeats that one alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hil_tests.cuts import try_cuts
from hil_tests.expect import end_self_test
from hil_tests.recorded_day import Day, record_day
from picoinfuse.bench import Bench
from picoinfuse.bench.stub import StubBench
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import load_profile

TORN = ("before", "half", "bits", "after")
SAMPLE = 24
pytestmark = [
    pytest.mark.requirement("GIP-4", "KEEP-1"),
    pytest.mark.timeout(240),
]


def therapy(bench: StubBench) -> None:
    """A day's use of the pump in a few minutes, with many writes of every kind."""
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
    """Every write and every erase, torn in every way; `before` equals the previous operation's `after`."""
    cuts = try_cuts(day, tmp_path, dict.fromkeys(range(len(day.operations)), TORN))
    print(f"{cuts} cuts at {len(day.operations)} operations")
    measure("cuts after which all was there", cuts, equal=4 * len(day.operations))


@pytest.mark.needs("flash_cut")
@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("left", [0, 1, 3, 7])
@pytest.mark.requirement("STOP-2")
def test_the_whole_pump_comes_back_from_a_cut(bench: Bench, measure: Measure, left: int, torn: str) -> None:
    """On the running board the supply fails during a flash operation, and the firmware boots."""
    bench.pump.start(1_200_000)
    bench.sleep(1.5)
    last = bench.pump.log("events", 0).end
    bench.cut_at_flash_operation(left, torn, seed=left)
    with suppress(PicoinfuseError):  # the supply fails during the reply
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
