"""The pump's memory over days: nothing grows, and what is free does not fall to pieces.

The longest piece that the loop asks for is a line to the host: 1024 bytes (docs/protocol.md), and its text before that.
"""

from __future__ import annotations

import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import load_profile

LARGEST = 2 * 1024  # bytes, of a line; the cells of this VM are twice a Pico's, a string's bytes are not
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
