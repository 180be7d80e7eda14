"""The same seed and the same commands give the same run, to the byte; another seed gives another."""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.bench import Bench
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.vcd import write_vcd


def play(bench: Bench, file: Path) -> bytes:
    """An infusion, an occlusion, another infusion and a reset in its midst; the trace as a VCD file.

    The pressure rises by 580 Pa/s. The sensor's noise of 17 Pa decides in which 10 ms it is seen above the limit.
    """
    bench.pump.telemetry(hz=1)
    bench.pump.occlusion_level("low")
    bench.occlude()
    bench.pump.start(30_000)
    bench.sleep(65)  # 33.33 kPa · 14.37 nL/Pa / 8333 nL/s = 57.5 s
    bench.occlude(False)
    bench.sleep(8)
    assert bench.pump.clear_alarms().state == "idle"
    bench.pump.start(200_000)
    bench.sleep(2)
    bench.reset()
    bench.sleep(2)
    write_vcd(bench.trace, file)
    return file.read_bytes()


@pytest.mark.needs("capture", "pressure", "occlude", "reset", "replay")
def test_a_run_can_be_repeated_to_the_byte(bench: Bench, tmp_path: Path) -> None:
    first = play(bench, tmp_path / "first.vcd")
    assert len(first) > 50_000  # there is something in it
    with bench_kind(bench.name).open(bench.profile, bench.seed) as again:
        assert play(again, tmp_path / "again.vcd") == first


@pytest.mark.needs("capture", "pressure", "occlude", "reset", "replay")
def test_another_seed_is_another_run(bench: Bench, tmp_path: Path) -> None:
    """Two others, for one in fifty sees the limit in the same 10 ms by chance."""
    runs = {play(bench, tmp_path / "first.vcd")}
    for seed in (bench.seed + 1, bench.seed + 2):
        with bench_kind(bench.name).open(bench.profile, seed) as other:
            runs.add(play(other, tmp_path / "other.vcd"))
    assert len(runs) > 1
