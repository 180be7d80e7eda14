"""The journal in the flash of a running pump does not disturb delivery, and a failing flash raises an alarm."""

from __future__ import annotations

import numpy as np
import pytest

from hil_tests.expect import alarms_reported, interval_ns, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("GIP-4", "PCA-7"),
    pytest.mark.needs("capture", "flash", "virtual_time"),
    pytest.mark.timeout(180),
]

ENTRIES = 127  # of a sector
WORST_ERASE_S = 0.4


def fill_sectors(bench: Bench, sectors: int) -> None:
    """Makes enough user events that `sectors` sectors have to be erased."""
    for _ in range(sectors * ENTRIES):
        bench.pump.acknowledge()


@pytest.mark.parametrize("rate_ul_h", [1_000, 5_000, 100_000, 1_200_000])
def test_steps_are_on_time_while_the_longest_erase_stalls_the_cpu(
    bench: Bench, measure: Measure, rate_ul_h: int
) -> None:
    """The interval between two steps is P or P + 1 ticks of 200 ns at a constant rate, erase or not."""
    bench.flash_erase_s(WORST_ERASE_S)
    bench.pump.start(rate_ul_h)
    bench.sleep(5.0)
    began_ns, end = now_ns(bench), bench.pump.log("events", 0).end
    fill_sectors(bench, 2)
    bench.sleep(5.0)
    steps = motor_steps(bench, began_ns)
    expected_ns = float(interval_ns(bench.profile, rate_ul_h))
    intervals_ns = np.diff(steps)
    measure("intervals", len(intervals_ns), at_least=2)
    measure("greatest error of an interval", np.max(np.abs(intervals_ns - expected_ns)), unit="ns", at_most=200)
    # The CPU stalled: with one sector erased ahead, two more sectors need an erase of 400 ms.
    measure("slots written meanwhile", bench.pump.log("events", 0).end - end, at_least=2 * (ENTRIES + 1))
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", status.alarms, equal=())
    measure("overruns", status.overruns, equal=0)


def test_an_erase_is_seen_in_the_trace(bench: Bench, measure: Measure) -> None:
    """Ties the test above to the erases: the flash reports two of them."""
    board = bench.board  # pyright: ignore[reportAttributeAccessIssue]
    bench.flash_erase_s(WORST_ERASE_S)
    bench.pump.start(100_000)
    bench.sleep(5.0)
    board.control("flash", {"reported": True})
    fill_sectors(bench, 2)
    bench.sleep(5.0)
    erases_ns = [operation.t_ns for operation in board.flash_operations if operation.data is None]
    measure("erases", len(erases_ns), equal=2)
    for erase_ns in erases_ns:
        steps = motor_steps(bench, erase_ns)
        within = steps[steps < erase_ns + WORST_ERASE_S * 1e9]
        measure("steps within", len(within), near=0.4 * 79.4, by=1)


def test_no_erase_is_done_while_the_plunger_is_drawn_back(bench: Bench, measure: Measure) -> None:
    board = bench.board  # pyright: ignore[reportAttributeAccessIssue]
    bench.pump.start(1_200_000)
    bench.occlude()
    bench.sleep(4.0)
    board.control("flash", {"reported": True})
    relieving_ns = 0
    while bench.pump.status().recovery == "relieving":
        relieving_ns = now_ns(bench)
        bench.pump.acknowledge()
        bench.pump.acknowledge()
    written = [operation for operation in board.flash_operations if operation.t_ns <= relieving_ns]
    measure("writes while it is drawn back", len(written), above=0)
    measure("erases while it is drawn back", sum(operation.data is None for operation in written), equal=0)
    fill_sectors(bench, 1)  # erased once the motor stands
    erases = sum(operation.data is None for operation in board.flash_operations)
    measure("erases when the motor stands", erases, above=0)


def test_a_write_protected_flash_alarms_and_delivery_goes_on(bench: Bench, measure: Measure) -> None:
    bench.pump.start(100_000)
    bench.flash_fault(True)
    bench.pump.acknowledge()
    bench.sleep(2.0)
    (event,) = alarms_reported(bench, "storage_fault")
    measure("priority reported", event.priority, equal="medium")
    measure("reported as active", event.active, equal=True)
    measure("state", bench.pump.status().state, equal="infusing")
    bench.flash_fault(False)
    bench.sleep(2.0)
    bench.pump.clear_alarms()
    measure("alarms", bench.pump.status().alarms, equal=())
    measure("state", bench.pump.status().state, equal="infusing")
