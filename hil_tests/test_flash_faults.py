"""A flash that rejects writes, and one that is full: storing fails with a named error, and delivery continues.

test_faults_in_states.py injects these faults in every state; here they occur when the pump is about to store something.
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
    """A start is refused, because the therapy could not be recorded. When the journal fails between proposal and
    confirmation, its alarm voids the token; a second attempt is refused with the storage error.
    """
    with pytest.raises(PumpError) as refused:
        bench.pump.start(RATE_UL_H)
    if refused.value.code == "token_void":
        with pytest.raises(PumpError) as refused:
            bench.pump.start(RATE_UL_H)
    measure("error", refused.value.code, equal="storage_fault")
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=("storage_fault",))


def test_a_boot_with_a_write_protected_flash_alarms_and_refuses_to_start(bench: Bench, measure: Measure) -> None:
    """The pump answers and alarms, keeps no journal and starts nothing. A boot with a working flash is normal again."""
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


def test_a_start_that_cannot_be_recorded_is_refused_and_the_reservoir_is_unchanged(
    bench: Bench, measure: Measure
) -> None:
    bench.pump.refill(50_000_000)  # one hour at 50 mL/h: raises no alarm
    bench.sleep(2.0)
    bench.flash_fault(True)
    assert_refuses(bench, measure)
    measure("left in the reservoir", bench.pump.reservoir().left_nl, unit="nL", near=50_000_000, by=350)  # a step


def test_a_calibration_that_cannot_be_stored_is_refused_by_name(bench: Bench, measure: Measure) -> None:
    bench.flash_fault(True)
    with pytest.raises(PumpError) as refused:
        bench.pump.calibrate(101, 100, "2026-11-22", "tester")
    measure("error", refused.value.code, equal="storage_fault")
    measure("factor in force", bench.pump.hello().calibration, equal="1/1")
    bench.flash_fault(False)
    measure("factor, asked again", bench.pump.calibrate(101, 100, "2026-11-22", "tester"), equal="101/100")


def test_a_library_that_does_not_fit_into_a_full_flash_keeps_the_old_one(bench: Bench, measure: Measure) -> None:
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
def test_a_pump_with_a_full_flash_boots_and_infuses(bench: Bench, measure: Measure, cause: str) -> None:
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
