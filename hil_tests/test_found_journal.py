"""A journal that was changed from outside, and a clock that is set back."""

from __future__ import annotations

import binascii
from pathlib import Path

import pytest

from hil_tests.image import boot_with, filesystem, image_of
from picoinfuse.bench import Bench
from picoinfuse.bench.stub import StubBench
from picoinfuse.evidence.measuring import Measure
from picoinfuse.journal.entry import ENTRY_BYTES, Entry
from picoinfuse.journal.fetch import Fetched, fetch
from picoinfuse.journal.store import History

pytestmark = [pytest.mark.requirement("GIP-4"), pytest.mark.timeout(120)]
in_the_flash = pytest.mark.needs("flash", "power", "virtual_time")
NOON_MS = 1_795_435_200_000
YEAR_S = 365 * 86_400


def fetched(bench: Bench, path: Path) -> tuple[Fetched, list[Entry]]:
    """The result of this fetch, and all entries of the history."""
    name = bench.pump.hello().unique_id
    with History(path) as history:
        done = fetch(bench.pump, name, history)
        return done, list(history.entries(name))


def test_a_clock_that_is_set_back_by_a_year_is_an_entry_and_changes_no_order(
    bench: Bench, measure: Measure, tmp_path: Path
) -> None:
    """The order is that of the sequence numbers; the entry holds the difference. The tolerance of 10 s covers the bench
    and the request.
    """
    bench.pump.set_clock(NOON_MS)
    bench.pump.acknowledge()
    changed_s = bench.pump.set_clock(NOON_MS - YEAR_S * 1000)
    measure("changed by", changed_s, unit="s", near=-YEAR_S, by=10)
    bench.pump.acknowledge()
    bench.sleep(1.0)
    _, entries = fetched(bench, tmp_path / "journal.sqlite")
    events = [entry for entry in entries if entry.ring == "events"]
    clocks = [entry for entry in events if entry.kind == "clock"]
    measure("clock entries", len(clocks), equal=2)
    measure("difference in the entry", clocks[1].a, unit="s", equal=changed_s)
    before, after = (entry.time for entry in events if entry.name == "acknowledge")
    assert before is not None
    assert after is not None
    measure("the later entry has the earlier time", (after - before).total_seconds(), unit="s", near=-YEAR_S, by=10)
    seqs = [entry.seq for entry in events]
    measure("order is by sequence number", seqs == sorted(seqs), equal=True)
    measure("entries that do not fit", sum(not entry.whole for entry in events), equal=0)


@in_the_flash
@pytest.mark.parametrize(("change", "misfits"), [("a bit", 1), ("all of it", 2)])
def test_a_changed_entry_is_reported_and_the_pump_works_on(
    bench: StubBench, measure: Measure, tmp_path: Path, change: str, misfits: int
) -> None:
    """A wiped entry breaks its chain: the entry after it cannot be checked either."""
    for _ in range(20):
        bench.pump.acknowledge()
    bench.sleep(1.0)
    _, entries = fetched(bench, tmp_path / "before.sqlite")
    changed = [entry for entry in entries if entry.name == "acknowledge"][5]
    raw = binascii.a2b_base64(bench.pump.log("events", changed.position).entries)[:ENTRY_BYTES]
    image = image_of(bench)
    assert image.count(raw) == 1
    new = bytes(len(raw)) if change == "all of it" else bytes((*raw[:24], raw[24] ^ 1, *raw[25:]))
    boot_with(bench, image.replace(raw, new))
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)
    measure("alarms", bench.pump.status().alarms, equal=())
    bench.pump.acknowledge()
    bench.sleep(1.0)
    done, entries = fetched(bench, tmp_path / "after.sqlite")
    measure("slots that fit nothing", done.damaged, equal=misfits)
    wrong = [entry.position for entry in entries if not entry.whole]
    measure("positions of them", wrong, equal=list(range(changed.position, changed.position + misfits)))
    seen = [entry for entry in entries if entry.name == "acknowledge" and entry.whole]
    measure("the others, and the one after the boot", len(seen), equal=21 - misfits)


@in_the_flash
def test_a_journal_with_a_missing_file_restarts_with_an_alarm_and_the_host_keeps_both(
    bench: StubBench, measure: Measure, tmp_path: Path
) -> None:
    bench.pump.acknowledge()
    bench.sleep(1.0)
    path = tmp_path / "journal.sqlite"
    _, old = fetched(bench, path)
    fs = filesystem(image_of(bench))
    fs.remove("/log/events03")
    boot_with(bench, bytes(fs.context.buffer))
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)
    measure("alarms", bench.pump.status().alarms, equal=("storage_fault",))
    done, both = fetched(bench, path)
    measure("entries of the new one", done.entries, at_least=1)
    kept = sum(entry in both for entry in old)
    measure("entries of the old one that are kept", kept, equal=len(old))
    measure("entries of both", len(both), equal=len(old) + done.entries)
    bench.pump.clear_alarms()
    bench.pump.start(5_000)
    bench.sleep(1.0)
    measure("state after a start", bench.pump.status().state, equal="infusing")
