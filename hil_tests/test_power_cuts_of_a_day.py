"""The power cut at every write and erase of a whole day, as in test_power_cuts.py, which has the day in short.

12 h of therapy run once on the stub, with people, the patient, alarms, resets, records. The time between events is
shortened, an hour to five minutes: the pump writes only the delivered volume in it. Each write and erase of the
flash is kept, and the flash is checked as every cut would leave it. A failure prints `--cut`, which repeats that one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hil_tests.cuts import boot, check_cut
from hil_tests.recorded_day import Day, put, record_day
from picoinfuse.bench.stub import StubBench
from picoinfuse.common import paths
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.read import load_library
from picoinfuse.profile import load_profile

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.needs("flash", "power", "virtual_time")]
HOURS = 12
TICK_S = 20.0  # instead of five minutes
TORN = ("half", "bits")  # beside "before", which is "after" of the operation before
BOLUS = {"volume_nl": 500_000, "rate_ul_h": 100_000, "lockout_s": 300, "max_1h_nl": 5_000_000, "max_4h_nl": 15_000_000}
PCA = {"kind": "pca", "segments": [[2_000, 2_000, 0, 0]], "bolus": BOLUS}
TAPER = {"kind": "steps", "segments": [[60_000, 60_000, 600, 0], [60_000, 6_000, 1200, 0], [6_000, 6_000, 0, 0]]}
BY_TURNS = {"kind": "intermittent", "segments": [[20_000, 20_000, 0, 2_000_000], [1_000, 1_000, 300, 0]], "repeat": 9}
UNIX_MS = 1_795_435_200_000


def one_hour(bench: StubBench, hour: int, tick_s: float) -> None:
    """A therapy, a person at the pump every few minutes, and from time to time a fault."""
    pump = bench.pump
    if hour % 4 == 0:
        pump.refill(50_000_000)
    kind = hour % 4
    if kind == 0:
        pump.start(5_000, vtbi_nl=50_000_000)
    else:
        pump.start_regimen((PCA, TAPER, BY_TURNS)[kind - 1])
    for tick in range(11):
        bench.sleep(tick_s)
        pump.acknowledge()
        if kind == 0:
            pump.set_rate(5_000 + 1_000 * tick)
        elif kind == 1:
            pump.request_bolus()
        if tick % 4 == 3:
            pump.pause()
            bench.sleep(10.0)
            pump.resume()
        if tick % 5 == 4:
            pump.silence()
            with suppress(PumpError):  # an alarm test is refused while an alarm sounds
                pump.alarm_test("low")
    trouble(bench, hour)
    pump.stop()
    bench.sleep(max(tick_s - 40.0, 2.0))
    pump.clear_alarms()


def trouble(bench: StubBench, hour: int) -> None:
    if hour % 3 == 0:
        bench.sensor_fault("open")
        bench.sleep(2.0)
        bench.sensor_fault(None)
        bench.sleep(2.0)
    elif hour % 3 == 1:
        bench.occlude()
        bench.pump.stop()
        bench.sleep(1.0)
        bench.pump.start(1_200_000)
        bench.sleep(6.0)
        bench.occlude(False)
        bench.sleep(30.0)


def between(bench: StubBench, hour: int) -> None:
    """While nothing flows."""
    if hour % 6 == 5:
        bench.pump.calibrate(101 + hour // 6, 100, "2026-11-22", "tester")
        bench.sleep(2.0)
        bench.pump.set_clock(UNIX_MS + hour * 3_600_000)
    elif hour % 6 == 2:
        bench.power_cycle()
    elif hour % 6 == 3:
        bench.pump.self_test()
        bench.sleep(5.0)
    elif hour % 6 == 4:
        on_pump.send(bench.pump, load_library(paths.root() / "library" / "example-ward.toml"))


def a_day(bench: StubBench, hours: int = HOURS, tick_s: float = TICK_S) -> None:
    bench.pump.set_clock(UNIX_MS)
    for hour in range(hours):
        one_hour(bench, hour, tick_s)
        bench.sleep(1.0)
        between(bench, hour)


@pytest.fixture(scope="module")
def whole_day() -> Iterator[Day]:
    with StubBench(load_profile("syringe-50ml"), real_grid_ms=60_000) as bench:
        yield record_day(bench, a_day)


def test_every_cut_of_a_day(whole_day: Day, tmp_path: Path, measure: Measure, pytestconfig: pytest.Config) -> None:
    """A boot before an operation finds what the boot after the previous one found: three boots for each."""
    number, _, torn = str(pytestconfig.getoption("--cut")).partition(":")
    only = int(number) if number else None
    prefix, cuts = bytearray(whole_day.image), 0
    for at, operation in enumerate(whole_day.operations):
        if only in (None, at):
            found = boot(bytes(prefix), whole_day.profile, tmp_path)
            for way in (torn,) if torn else TORN:
                try:
                    check_cut(whole_day, prefix, at, way, found, tmp_path)
                except BaseException:
                    print(f"the cut that failed: operation {at}, torn {way}: --cut {at}:{way}")
                    raise
            cuts += 3
        put(prefix, operation, "after", 0)
    erases = sum(operation.data is None for operation in whole_day.operations)
    print(f"{cuts} cuts at {len(whole_day.operations)} operations, {erases} of them erases")
    if only is None:
        measure("writes and erases of the day", len(whole_day.operations), at_least=1000)
        measure("cuts", cuts, equal=3 * len(whole_day.operations))


def test_the_day_has_every_kind_of_write(whole_day: Day, measure: Measure) -> None:
    """Pages of the journal, and littlefs's writes for the records, compactions included."""
    places = {operation.block for operation in whole_day.operations}
    per_block = [len(list(group)) for _, group in itertools.groupby(sorted(op.block for op in whole_day.operations))]
    measure("blocks that were written", len(places), at_least=20)
    measure("operations on the busiest block", max(per_block), at_least=17)  # 16 pages, and an erase
