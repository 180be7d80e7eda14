"""The largest drug library delays nothing, from its first line to the next boot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil_tests.expect import WATCHDOG_S, steps_are_even
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.dosing.dose import Dosing, Order, Quantity
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.compile import compiled, crc, text
from picoinfuse.library.model import Drug, Library, Limits

pytestmark = [pytest.mark.requirement("GIP-6"), pytest.mark.needs("capture", "reset"), pytest.mark.timeout(600)]

MOST = 10**12  # of any number, in thousandths
DRUGS = 200
LARGEST = Library(
    "the-largest-library-of-a",
    1_000_000,
    Path(),
    tuple(
        Drug(
            f"drug-with-24-letters-{number:03d}",
            "munits/kg/min",
            "munits",
            (1_000, *range(MOST - 6, MOST + 1)),
            Limits(1, 2, MOST - 1, MOST),
            Limits(None, None, MOST - 1, MOST),
            Limits(None, None, MOST - 1, MOST),
        )
        for number in range(DRUGS)
    ),
)
LONGEST_ERASE_S = 0.4  # of a sector, by the chip's data sheet
PATIENCE_S = 0.3  # wall clock: each request buys bench time for an erase


def took_s(bench: Bench, action: Callable[[], Any]) -> float:
    began_s = bench.now()
    action()
    return bench.now() - began_s


def send(bench: Bench, measure: Measure, line_s: float, confirm_s: float) -> None:
    """Sends the whole library; each reply is in time, and no task is late."""
    pump, boot = bench.pump, bench.pump.boot
    lines = [
        took_s(bench, lambda at=at, line=line: pump.library_line(at, line)) for at, line in enumerate(compiled(LARGEST))
    ]
    measure("a line", max(lines), unit="s", at_most=line_s)
    proposal = pump.call("library_change", crc=crc(LARGEST))
    measure("the change", took_s(bench, lambda: pump.confirm(proposal)), unit="s", at_most=confirm_s)
    measure("library", pump.status().library, equal=text(LARGEST))
    measure("resets", int(pump.hello().boot != boot), equal=0)
    measure("deadlines missed", pump.tasks().overruns, equal=0)
    measure("alarms", pump.status().alarms, equal=())


def look_up_unknown_drug(bench: Bench) -> None:
    with pytest.raises(PumpError, match="no such drug"):
        bench.pump.library_drug("drug-with-24-letters-1")


def test_the_largest_library_delays_no_task(bench: Bench, measure: Measure) -> None:
    """On a Pico a line takes 0.14 s of CPU at most; where it fills a block of the flash, also 4 erases of 45 ms and
    39 pages of 0.7 ms: 0.35 s in all. A drug has to be read well within the 200 ms of motion granted ahead.
    """
    if "virtual_time" in bench.capabilities:
        bench.pump.timeout_s = PATIENCE_S
    send(bench, measure, line_s=0.5, confirm_s=0.5)
    for drug in (LARGEST.drugs[0], LARGEST.drugs[101], LARGEST.drugs[-1]):
        measure("the drug is the library's", on_pump.drug_of(bench.pump, drug.name) == drug, equal=True)
    bench.reset()
    measure("library after a reset", bench.pump.status().library, equal=text(LARGEST))
    dosing = Dosing("munits/kg/min", Quantity(1_000, "munits"), 1_000)
    ordered = Order(LARGEST.drugs[-1].name, (100,), dosing)  # 0.1 munits/kg/min * 60 min / 1 munit/mL = 6 mL/h
    started = took_s(bench, lambda: bench.pump.start(6_000, order=ordered))
    measure("a start, two steps", started, unit="s", at_most=1.0)
    bench.sleep(1.0)
    began_s = bench.now()
    for look_up in (lambda: bench.pump.library_drug(LARGEST.drugs[100].name), lambda: look_up_unknown_drug(bench)):
        measure("a drug, while infusing", took_s(bench, look_up), unit="s", at_most=0.15)
    bench.sleep(2.0)
    steps_are_even(bench, measure, began_s)
    measure("deadlines missed", bench.pump.tasks().overruns, equal=0)
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.long
@pytest.mark.needs("flash", "virtual_time")
def test_the_longest_erases_cause_no_watchdog_reset(bench: Bench, measure: Measure) -> None:
    """A line can take six erases, when a folder's log is full too: 2.4 s, longer than the watchdog's 2 s."""
    bench.flash_erase_s(LONGEST_ERASE_S)
    send(bench, measure, line_s=6.5 * LONGEST_ERASE_S, confirm_s=WATCHDOG_S)
