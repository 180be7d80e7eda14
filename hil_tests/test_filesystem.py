"""A flash with an older littlefs version, and one whose filesystem cannot be mounted."""

from __future__ import annotations

import pytest

from hil_tests.expect import now_ns
from hil_tests.image import OLDER, boot_with, filesystem, image_of
from picoinfuse.bench.repl import run_in_repl
from picoinfuse.bench.stub import StubBench
from picoinfuse.evidence.measuring import Measure
from picoinfuse.stub.flash_image import BLOCK

pytestmark = [
    pytest.mark.requirement("GIP-4"),
    pytest.mark.needs("flash", "power", "virtual_time"),
    pytest.mark.timeout(120),
]


def in_an_older_form(image: bytes) -> bytes:
    """The same files in a filesystem of the previous version, at other addresses."""
    source, target = filesystem(image), filesystem(None, OLDER)
    for folder, folders, files in source.walk("/"):
        for name in folders:
            target.makedirs(f"{folder}/{name}".replace("//", "/"), exist_ok=True)
        for name in files:
            path = f"{folder}/{name}".replace("//", "/")
            with source.open(path, "rb") as read, target.open(path, "wb") as write:
                write.write(read.read())
    return bytes(target.context.buffer)


def test_an_older_filesystem_is_read_and_its_journal_restarted(bench: StubBench, measure: Measure) -> None:
    """The journal's sectors lie elsewhere: nothing is written to the addresses in the record."""
    bench.pump.calibrate(101, 100, "2026-11-22", "tester")
    bench.sleep(1.0)
    image = image_of(bench)
    boot_with(bench, in_an_older_form(image))
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=("storage_fault",))
    measure("calibration", status.calibration, equal="101/100")
    bench.pump.clear_alarms()
    bench.pump.start(5_000)
    bench.sleep(1.0)
    measure("state after a start", bench.pump.status().state, equal="infusing")


def test_a_flash_that_cannot_be_mounted_leaves_a_safe_bare_board(bench: StubBench, measure: Measure) -> None:
    """MicroPython formats it, as on a new Pico; the pump has to be deployed again."""
    boot_with(bench, bytes(2 * BLOCK) + image_of(bench)[2 * BLOCK :])
    measure("files", run_in_repl(bench, "import os; print(os.listdir('/'))"), equal="[]")
    levels = {wire: bench.trace.level_at(wire, now_ns(bench)) for wire in ("enable", "step", "piezo", "lamp_red")}
    measure("levels", levels, equal={"enable": 1, "step": 0, "piezo": 0, "lamp_red": 0})
