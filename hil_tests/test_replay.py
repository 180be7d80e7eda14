"""The same seed and commands give the same run, byte for byte; another seed gives another run."""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.bench import Bench
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.evidence.measuring import Measure
from picoinfuse.trace.vcd import write_vcd

pytestmark = [pytest.mark.requirement("TEST-1")]


def play(bench: Bench, measure: Measure, file: Path) -> bytes:
    """An infusion, an occlusion, another infusion and a reset during it; writes the trace as a VCD file.

    The pressure rises by 580 Pa/s. The sensor's noise of 17 Pa decides in which 10 ms it exceeds the limit.
    """
    bench.pump.telemetry(hz=1)
    bench.pump.occlusion_level("low")
    bench.occlude()
    bench.pump.start(30_000)
    bench.sleep(65)  # 33.33 kPa · 14.37 nL/Pa / 8333 nL/s = 57.5 s
    bench.occlude(False)
    bench.sleep(8)
    measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")
    bench.pump.start(200_000)
    bench.sleep(2)
    bench.reset()
    bench.sleep(2)
    write_vcd(bench.trace, file)
    return file.read_bytes()


@pytest.mark.needs("capture", "pressure", "occlude", "reset", "replay", "virtual_time")
def test_a_run_can_be_repeated_to_the_byte(bench: Bench, measure: Measure, tmp_path: Path) -> None:
    first = play(bench, measure, tmp_path / "first.vcd")
    measure("bytes of the trace", len(first), above=50_000)  # not empty
    with bench_kind(bench.name).open(bench.profile, bench.seed) as again:
        measure("the second run is the first", play(again, measure, tmp_path / "again.vcd") == first, equal=True)


@pytest.mark.needs("capture", "pressure", "occlude", "reset", "replay", "virtual_time")
def test_another_seed_gives_another_run(bench: Bench, measure: Measure, tmp_path: Path) -> None:
    """Two other seeds: one in fifty exceeds the limit in the same 10 ms by chance."""
    runs = {play(bench, measure, tmp_path / "first.vcd")}
    for seed in (bench.seed + 1, bench.seed + 2):
        with bench_kind(bench.name).open(bench.profile, seed) as other:
            runs.add(play(other, measure, tmp_path / "other.vcd"))
    measure("different runs", len(runs), above=1)
