"""The pump's memory over days: nothing grows, and what is free does not fall to pieces. The largest piece that is asked
for is found by a heap whose free part is in holes: half of it is taken, in pieces as large as those that are left.
"""

from __future__ import annotations

import pytest

from hil_tests.expect import steps_are_even
from picoinfuse import paths
from picoinfuse.bench.stub import StubBench
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.read import load_library
from picoinfuse.messages import Telemetry
from picoinfuse.profile import load_profile

pytestmark = pytest.mark.needs("virtual_time")  # its boards are its own, on the stub

# Bytes. The cells of this VM are twice a Pico's; the bytes of a text or a buffer are the same.
LOOP_PIECE = 1280  # enough for the loop that infuses, tells telemetry, and raises an alarm
ANY_PIECE = 1536  # enough for whatever a host asks: a start reads its record of 1024 bytes, and its head, in one piece
LARGEST = ANY_PIECE + 512
GROWTH = 2 * 1024  # lines of other lengths than at the beginning are kept in the outbox and as replies
SETTLE_S = 600.0


def infuse(hours: float) -> tuple[dict[str, int], dict[str, int]]:
    """With telemetry once a second. The heap after ten minutes, and at the end."""
    with StubBench(load_profile("syringe-50ml"), real_grid_ms=60_000) as bench:
        bench.pump.telemetry(hz=1)
        bench.pump.start(5_000)
        bench.sleep(SETTLE_S)
        first = bench.board.control("heap")
        for _ in range(round(hours * 6)):
            bench.sleep(600.0)
            assert bench.pump.status().state == "infusing"
        return first, bench.board.control("heap")


def assert_same(measure: Measure, first: dict[str, int], last: dict[str, int]) -> None:
    measure("growth of the heap in use", last["used"] - first["used"], unit="B", below=GROWTH)
    measure("largest free piece", last["largest"], unit="B", at_least=max(LARGEST, first["largest"] // 2))


def test_the_loop_asks_for_no_large_piece(measure: Measure) -> None:
    with StubBench(load_profile("syringe-50ml")) as bench:
        bench.pump.telemetry(hz=1)
        bench.pump.start(100_000)
        bench.sleep(6.0)
        told: list[Telemetry] = []
        bench.pump.on_telemetry = told.append
        largest = bench.board.control("shatter_heap", 512)["largest"]
        measure("largest free piece", largest, unit="B", at_most=LOOP_PIECE)
        bench.sleep(60.0)
        measure("telemetry told in 60 s", len(told), near=60, by=1)
        measure("alarms", sorted(bench.pump.active_alarms), equal=[])
        steps_are_even(bench, measure, bench.now() - 5.0)
        bench.sensor_fault("open")
        bench.sleep(2.0)
        measure("alarms of an open sensor", sorted(bench.pump.active_alarms), equal=["sensor_open"])


def test_whatever_a_host_asks_needs_no_larger_piece(measure: Measure) -> None:
    with StubBench(load_profile("syringe-50ml")) as bench:
        bench.sleep(6.0)
        boot, pump = bench.pump.boot, bench.pump
        largest = bench.board.control("shatter_heap", 704)["largest"]
        measure("largest free piece", largest, unit="B", at_most=ANY_PIECE)
        on_pump.send(pump, load_library(paths.root() / "library" / "example-ward.toml"))
        pump.refill(50_000_000)
        pump.start_regimen({"kind": "steps", "segments": [[1_000 + i, 1_000 + i, 600, 0] for i in range(12)]})
        bench.sleep(20.0)
        asked = (pump.hello, pump.status, pump.alarms, pump.tasks, pump.last_therapy, pump.order, pump.library)
        for ask in (*asked, pump.reservoir, pump.therapy, pump.test_report, pump.calibration):
            ask()
        pump.log("events", 0)
        pump.pause()
        bench.sleep(2.0)
        pump.resume()
        bench.sleep(2.0)
        status = pump.status()
        measure("state, alarms, boot", (status.state, status.alarms, pump.boot), equal=("infusing", (), boot))


@pytest.mark.timeout(120)
def test_an_hour_leaves_the_heap_as_it_was(measure: Measure) -> None:
    assert_same(measure, *infuse(1))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_day_leaves_the_heap_as_it_was(measure: Measure) -> None:
    assert_same(measure, *infuse(24))


@pytest.mark.week
@pytest.mark.timeout(7200)
def test_a_week_leaves_the_heap_as_it_was(measure: Measure) -> None:
    assert_same(measure, *infuse(7 * 24))
