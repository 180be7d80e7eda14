"""A flash that takes no write, and one that is full: what is stored fails by name, and what flows goes on.

The faults come in every state in test_faults_in_states.py; here they come where the pump is about to store something.
"""

from __future__ import annotations

import pytest

from hil_tests.expect import motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.common import paths
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.read import load_library

pytestmark = [
    pytest.mark.requirement("GIP-4", "PCA-7"),
    pytest.mark.needs("capture", "flash", "reset", "virtual_time"),
    pytest.mark.timeout(120),
]
RATE_UL_H = 50_000


def assert_infuses(bench: Bench, measure: Measure) -> None:
    bench.pump.start(RATE_UL_H)
    bench.sleep(2.0)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", ", ".join(status.alarms), equal="")
    measure("steps", len(motor_steps(bench, now_ns(bench) - 1_000_000_000)), near=39.7, by=2)


def assert_refuses(bench: Bench, measure: Measure) -> None:
    """What flows could not be kept, so it does not begin. Where the journal meets the fault between proposal and
    confirmation, its alarm makes the token void; asked again it is refused by its own name.
    """
    with pytest.raises(PumpError) as refused:
        bench.pump.start(RATE_UL_H)
    if refused.value.code == "token_void":
        with pytest.raises(PumpError) as refused:
            bench.pump.start(RATE_UL_H)
    measure("error", refused.value.code, equal="storage_fault")
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=("storage_fault",))


def test_a_boot_with_a_flash_that_takes_no_write_is_a_pump_that_says_so(bench: Bench, measure: Measure) -> None:
    """It answers and alarms, without a journal, and infuses nothing; the next boot on a flash that works goes on."""
    bench.pump.acknowledge()
    end = bench.pump.log("events", 0).end
    bench.flash_fault(True)
    bench.reset()
    measure("alarms after the boot", bench.pump.status().alarms, equal=("storage_fault",))
    assert_refuses(bench, measure)
    bench.flash_fault(False)
    bench.reset()
    measure("alarms after the next", bench.pump.status().alarms, equal=())
    measure("entries in the journal", bench.pump.log("events", 0).end, at_least=end + 1)


def test_a_start_that_cannot_be_written_down_is_refused_and_the_reservoir_is_as_it_was(
    bench: Bench, measure: Measure
) -> None:
    bench.pump.refill(50_000_000)  # an hour, at 50 mL/h: no alarm of it
    bench.sleep(2.0)
    bench.flash_fault(True)
    assert_refuses(bench, measure)
    measure("left in the reservoir", bench.pump.reservoir().left_nl, unit="nL", near=50_000_000, by=350)  # a step


def test_a_calibration_that_the_flash_does_not_take_is_refused_by_name(bench: Bench, measure: Measure) -> None:
    bench.flash_fault(True)
    with pytest.raises(PumpError) as refused:
        bench.pump.calibrate(101, 100, "2026-11-22", "tester")
    measure("error", refused.value.code, equal="storage_fault")
    measure("factor in force", bench.pump.hello().calibration, equal="1/1")
    bench.flash_fault(False)
    measure("factor, asked again", bench.pump.calibrate(101, 100, "2026-11-22", "tester"), equal="101/100")


def test_a_library_that_does_not_fit_into_a_full_flash_leaves_the_old_one(bench: Bench, measure: Measure) -> None:
    library = load_library(paths.root() / "library" / "example-ward.toml")
    on_pump.send(bench.pump, library)
    before = bench.pump.hello().library
    bench.fill_flash(True)
    with pytest.raises(PumpError) as refused:
        on_pump.send(bench.pump, library)
    measure("error", refused.value.code, equal="storage_fault")
    measure("state", bench.pump.status().state, equal="idle")
    measure("library in force", bench.pump.hello().library, equal=before)
    assert_infuses(bench, measure)
    bench.pump.stop()
    bench.sleep(1.0)
    bench.fill_flash(False)
    on_pump.send(bench.pump, library)
    measure("library in force", bench.pump.hello().library, equal=before)


@pytest.mark.parametrize("cause", ["reset", "power"])
def test_a_boot_with_a_full_flash_is_a_pump_as_any(bench: Bench, measure: Measure, cause: str) -> None:
    """The journal has its sectors since the first boot, and littlefs keeps room for small records."""
    bench.fill_flash(True)
    if cause == "reset":
        bench.reset()
    else:
        bench.power_cycle()
    assert_infuses(bench, measure)
    end = bench.pump.log("events", 0).end
    bench.pump.acknowledge()
    bench.sleep(1.0)
    measure("entries in the journal", bench.pump.log("events", 0).end, at_least=end + 1)
