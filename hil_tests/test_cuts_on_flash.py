"""The supply fails during a write to the flash, on the stub and on the emulated Pico (there with MicroPython's
littlefs on the chip's own commands). A sample; test_power_cuts.py covers every operation, on the stub's flash.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from hil_tests.expect import end_self_test
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.needs("flash_cut"), pytest.mark.requirement("STOP-2")]


def cut(bench: Bench, left: int, torn: str, write: str) -> None:
    """Lets the supply fail during a write that a command causes, and waits until the pump has restarted."""
    boot = bench.pump.boot
    bench.cut_at_flash_operation(left, torn, seed=left)
    with suppress(PicoinfuseError):  # the supply may fail during the reply
        if write == "record":
            bench.pump.calibrate(102, 100, "2026-11-22", "tester")
        else:
            for _ in range(left + 1):
                bench.pump.acknowledge()
                bench.sleep(0.2)
        bench.sleep(1.0)
    bench.pump.reconnect(after_reset=True)
    assert bench.pump.boot != boot, f"there was no operation {left}"
    end_self_test(bench)


def assert_all_works(bench: Bench, measure: Measure) -> None:
    status = bench.pump.status()
    measure("state, alarms, rate", (status.state, status.alarms, status.rate_ul_h), equal=("idle", (), 0))
    bench.pump.calibrate(104, 100, "2026-11-22", "tester")
    measure("calibration", bench.pump.status().calibration, equal="104/100")
    end_self_test(bench)
    bench.pump.start(5_000)
    bench.sleep(2.0)
    measure("state of the next infusion", bench.pump.status().state, equal="infusing")


@pytest.mark.parametrize(("left", "torn"), [(0, "before"), (1, "half"), (2, "bits"), (5, "after")])
def test_a_cut_within_a_page_of_the_journal(bench: Bench, measure: Measure, left: int, torn: str) -> None:
    bench.pump.acknowledge()
    bench.sleep(0.5)
    last = bench.pump.log("events", 0).end
    cut(bench, left, torn, "journal")
    measure("end of the log", bench.pump.log("events", 0).end, above=last)  # no entry is lost, and the boot is logged
    assert_all_works(bench, measure)


@pytest.mark.parametrize(("left", "torn"), [(0, "before"), (1, "half"), (2, "bits"), (4, "after")])
def test_a_cut_within_a_record_leaves_the_old_or_the_new_one(
    bench: Bench, measure: Measure, left: int, torn: str
) -> None:
    bench.pump.calibrate(101, 100, "2026-11-22", "tester")
    end_self_test(bench)
    cut(bench, left, torn, "record")
    measure("calibration", bench.pump.status().calibration, one_of=("101/100", "102/100"))
    assert_all_works(bench, measure)
