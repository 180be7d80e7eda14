"""The pump's heap over days: it does not grow or fragment. The largest allocation is found with heaps whose free memory
lies in holes of one size: half of the heap is taken, in pieces as large as the holes.
Each size has a board of its own, freshly booted.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil_tests.expect import now_ns, step_hz
from picoinfuse.bench.stub import StubBench
from picoinfuse.client.notifications import Telemetry
from picoinfuse.common import paths
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.read import load_library
from picoinfuse.profile import load_profile

pytestmark = pytest.mark.needs("virtual_time")  # its boards are its own, on the stub

# Bytes of a hole that suffice. The cells of this VM are twice a Pico's; the bytes of a text or a buffer are the
# same. Measured: 256, 640 and 1216. Each limit is a step above, as a reserve for changes and other builds.
LOOP_HOLES = 512  # the loop by itself: infusing, telemetry, raising an alarm
QUERY_HOLES = 768  # with every query, pause, resume and stop
ANY_HOLES = 1280  # with every command: littlefs opens a file with its cache of 1024 bytes, in one piece
CELL = 32
STEP = 2 * CELL  # resolution of the search for the smallest hole
RATE_UL_H = 100_000
# Seconds of infusion before the heap is filled: the layout of the heap differs each time.
LAYOUTS = (6.0, 6.13, 6.7)
LARGEST = ANY_HOLES + 512
GROWTH = 2 * 1024  # the outbox and the kept replies hold lines of other lengths than at the start
SETTLE_S = 600.0


def infuse(hours: float) -> tuple[dict[str, int], dict[str, int]]:
    """Infuses with telemetry once a second. Returns the heap figures after ten minutes and at the end."""
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


def needed_holes(measure: Measure, limit: int, problem: Callable[[StubBench], str | None]) -> None:
    """`problem` uses a pump and returns what went wrong, or None. It must return None with holes of `limit` bytes in
    every layout of the heap. The smallest sufficient size of each layout is then found by halving.
    """

    def in_holes(size: int, infused_s: float) -> str | None:
        with StubBench(load_profile("syringe-50ml")) as bench:
            bench.pump.telemetry(hz=1)
            bench.pump.start_regimen({"kind": "steps", "segments": [[RATE_UL_H, RATE_UL_H, 600, 0]] * 12})
            bench.sleep(infused_s)
            free = bench.board.control("shatter_heap", size)["free"]
            assert free > 20_000, "too little is free: it is not the size of the holes that is tried"
            try:
                return problem(bench)
            except PicoinfuseError as refused:
                return str(refused)

    for infused_s in LAYOUTS:
        measure(f"what went wrong in holes of {limit} B", in_holes(limit, infused_s), equal=None)
    fails, runs = 0, limit
    while runs - fails > STEP:
        middle = (fails + runs) // 2 // STEP * STEP
        if all(in_holes(middle, infused_s) is None for infused_s in LAYOUTS):
            runs = middle
        else:
            fails = middle
    # Nothing runs in holes of three cells: success there would mean that larger holes exist.
    measure("smallest holes with which it runs", runs, unit="B", above=3 * CELL, at_most=limit)


@pytest.mark.timeout(180)
def test_the_loop_allocates_no_large_block(measure: Measure) -> None:
    def problem(bench: StubBench) -> str | None:
        reported: list[Telemetry] = []
        bench.pump.on_telemetry = reported.append
        began_ns = now_ns(bench)
        bench.sleep(60.0)
        if bench.pump.active_alarms or not 59 <= len(reported) <= 61:
            return f"{len(reported)} of 60 samples were reported, alarms {sorted(bench.pump.active_alarms)}"
        steps, due = bench.trace.count("step", began_ns), round(60 * step_hz(bench.profile, RATE_UL_H))
        if abs(steps - due) > 1:
            return f"{steps} steps of {due}"
        bench.sensor_fault("open")
        bench.sleep(2.0)
        alarms = sorted(bench.pump.active_alarms)
        return None if alarms == ["sensor_open"] else f"alarms of an open sensor: {alarms}"

    needed_holes(measure, LOOP_HOLES, problem)


@pytest.mark.timeout(180)
def test_a_query_allocates_no_large_block(measure: Measure) -> None:
    def problem(bench: StubBench) -> str | None:
        pump = bench.pump
        asked = (pump.hello, pump.status, pump.alarms, pump.tasks, pump.last_therapy, pump.order, pump.library)
        for ask in (*asked, pump.reservoir, pump.therapy, pump.test_report, pump.calibration):
            ask()
        pump.log("events", 0)
        pump.pause()
        bench.sleep(2.0)
        pump.resume()
        pump.stop()
        bench.sleep(2.0)
        state = pump.status().state
        return None if state == "idle" else f"it is {state}"

    needed_holes(measure, QUERY_HOLES, problem)


@pytest.mark.timeout(180)
def test_no_command_allocates_a_larger_block(measure: Measure) -> None:
    def problem(bench: StubBench) -> str | None:
        pump, boot = bench.pump, bench.pump.boot
        pump.stop()
        bench.sleep(2.0)
        on_pump.send(pump, load_library(paths.root() / "library" / "example-ward.toml"))
        pump.refill(50_000_000)
        pump.start_regimen({"kind": "steps", "segments": [[1_000 + i, 1_000 + i, 600, 0] for i in range(12)]})
        bench.sleep(20.0)
        status = pump.status()
        well = status.state == "infusing" and not status.alarms and pump.boot == boot
        return None if well else f"it is {status.state}, alarms {status.alarms}, the same boot {pump.boot == boot}"

    needed_holes(measure, ANY_HOLES, problem)


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
