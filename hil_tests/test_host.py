"""A host that does not read, floods, or sends Ctrl-C: delivery continues, and every alarm reaches the host at last."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hil_tests.expect import COLLECTION_MS, infuse, sleep_until, steps_are_even
from picoinfuse.bench import Bench
from picoinfuse.client.frame import encode
from picoinfuse.client.notifications import Telemetry
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("LINK-4"), pytest.mark.needs("capture")]

RATE_UL_H = 100_000
TURN_MS = 10  # the loop sleeps that long at most


def listen(bench: Bench) -> list[Telemetry]:
    heard: list[Telemetry] = []
    bench.pump.on_telemetry = heard.append
    return heard


# ---- a host that does not read ----


@pytest.mark.needs("host_reading", "virtual_time")
def test_delivery_goes_on_while_the_host_does_not_read_for_three_minutes(bench: Bench, measure: Measure):
    heard = listen(bench)
    since_s = infuse(bench, RATE_UL_H)
    bench.pump.telemetry(10)
    bench.sleep(1.0)
    bench.host_reading(False)
    deaf_s = bench.now()
    bench.sleep(180.0)
    deaf_for_s = bench.now() - deaf_s
    before = len(heard)
    bench.host_reading(True)
    bench.sleep(1.05)
    steps_are_even(bench, measure, since_s)
    measure("overruns", bench.pump.tasks().overruns, equal=0)
    # Every report has a number: dropped and received ones add up to all.
    newest = heard[-1]
    measure("reports dropped", newest.dropped, equal=newest.seq - len(heard))
    # 10 a second were made; 4 wait in the pump, and some 2 in the chip's FIFO of 256 bytes.
    measure("reports dropped", newest.dropped, near=deaf_for_s * 10, by=8)
    measure("reports in 3 s", len(heard) - before, near=10 + 5, by=3)
    measure("telemetry dropped", bench.pump.status().telemetry_dropped, equal=newest.dropped)


@pytest.mark.needs("host_reading", "occlude")
def test_an_alarm_is_sent_when_the_host_reads_again(bench: Bench, measure: Measure):
    bench.pump.telemetry(20)
    bench.occlude()
    bench.pump.start(1_200_000)
    bench.host_reading(False)
    bench.sleep(20.0)
    measure("active alarms", bench.pump.active_alarms, equal={})
    measure("pulses of the piezo", bench.trace.count("piezo"), above=0)  # the alarm sounds nevertheless
    bench.host_reading(True)
    bench.sleep(0.2)
    measure("priority reported", bench.pump.active_alarms["occlusion"].priority, equal="high")
    measure("state", bench.pump.status().state, equal="alarm_stopped")


@pytest.mark.needs("host_reading", "sensor")
def test_an_alarm_that_came_and_went_unread_leaves_a_gap_in_seq(bench: Bench, measure: Measure):
    bench.pump.telemetry(20)
    bench.host_reading(False)
    bench.sleep(1.0)
    # A fault comes, ends, and another follows: the last change of each alarm is sent.
    for kind in ("open", None, "short", None):
        bench.sensor_fault(kind)
        bench.sleep(0.5)
    bench.host_reading(True)
    bench.sleep(0.5)
    reported = bench.pump.active_alarms
    measure(
        "seq of what was reported",
        {name: event.seq for name, event in reported.items()},
        equal={"sensor_open": 1, "sensor_short": 2},
    )


@pytest.mark.needs("host_reading")
def test_replies_wait_for_a_host_that_does_not_read(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    bench.host_reading(False)
    ids = list(range(1, 41))
    bench.write_raw(b"".join(encode({"id": number, "method": "status"}) for number in ids))
    bench.sleep(10.0)
    bench.pump.link.unmatched.clear()
    bench.host_reading(True)
    bench.sleep(2.0)
    # 40 replies of some 400 bytes; the pump holds 8 and reads no further requests meanwhile.
    measure("ids answered", [reply["id"] for reply in bench.pump.link.unmatched], equal=ids)
    steps_are_even(bench, measure, since_s)


# ---- a host that floods ----


def test_ctrl_c_while_infusing_does_nothing(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    for _ in range(10):
        bench.write_raw(b"\x03" * 5)
        bench.sleep(0.2)
    steps_are_even(bench, measure, since_s)
    bench.pump.link.unmatched.clear()
    bench.write_raw(b"\r\n")
    bench.sleep(0.1)
    # The pump treats it as ordinary bytes: an invalid line.
    (reply,) = bench.pump.link.unmatched
    measure("refused with", reply["id"], equal=None)
    measure("refused with", reply["error"]["code"], equal="parse_error")
    measure("state", bench.pump.status().state, equal="infusing")


def test_a_flood_of_queries_is_answered_and_does_not_affect_delivery(bench: Bench, measure: Measure):
    since_s = infuse(bench, RATE_UL_H)
    for batch in range(10):
        bench.pump.link.unmatched.clear()
        ids = list(range(1 + 50 * batch, 51 + 50 * batch))
        bench.write_raw(b"".join(encode({"id": number, "method": "hello"}) for number in ids))
        # A line a turn of 10 ms; on a Pico a reply takes 15 ms, and every few of them a collection of garbage comes.
        sleep_until(bench, lambda: len(bench.pump.link.unmatched) == 50, 2.0)
        measure("ids answered", [reply["id"] for reply in bench.pump.link.unmatched], equal=ids)
    steps_are_even(bench, measure, since_s)
    tasks = bench.pump.tasks()
    measure("overruns", tasks.overruns, equal=0)
    # No task was later than one turn of the loop.
    late_ms = max(task.late_ms for task in tasks.tasks)
    measure("longest lateness of a task", late_ms, unit="ms", at_most=TURN_MS + COLLECTION_MS)


# ---- telemetry ----


@pytest.mark.parametrize(("hz", "listen_s"), [(0.1, 60.0), (1, 20.0), (3, 20.0), (20, 10.0)])
def test_telemetry_keeps_its_grid(bench: Bench, measure: Measure, hz: float, listen_s: float):
    heard = listen(bench)
    infuse(bench, RATE_UL_H)
    period_ms = bench.pump.telemetry(hz)
    measure("period", period_ms, unit="ms", equal=round(1000 / hz))
    bench.sleep(listen_s)
    # The first is due one period from the command, the last may be due just after the end.
    measure("reports", len(heard), near=listen_s * hz, by=1)
    late_ms = [report.t_ms - heard[0].t_ms - k * period_ms for k, report in enumerate(heard)]
    # A grid does not drift: each report is late by a turn of the loop at most, the last one as the first.
    spread_ms = max(late_ms) - min(late_ms)
    measure("from the earliest to the latest report", spread_ms, unit="ms", at_most=TURN_MS + COLLECTION_MS)
    measure(
        "numbers missing between reports", sum(b - a - 1 for a, b in pairwise(report.seq for report in heard)), equal=0
    )
    measure("reports dropped", heard[-1].dropped, equal=0)


def test_telemetry_agrees_with_the_trace(bench: Bench, measure: Measure):
    heard = listen(bench)
    infuse(bench, RATE_UL_H)
    bench.pump.telemetry(20)
    bench.sleep(10.0)
    last = heard[-1]
    steps = bench.trace.count("step", 0, round(bench.now() * 1e9)) - 10  # the self-test made 10
    step_nl = bench.profile.world()["step_nl"]
    # A report is at most 50 ms and a turn old: 79 steps a second * 0.06 s = 5 steps; and it is rounded down.
    measure("volume reported", last.delivered_nl, unit="nL", near=steps * step_nl, by=5 * step_nl + 1)
    measure("state reported", last.state, equal="infusing")
    measure("rate reported", last.rate_ul_h, unit="µL/h", equal=RATE_UL_H)


def test_telemetry_off_is_silent(bench: Bench, measure: Measure):
    heard = listen(bench)
    bench.pump.telemetry(20)
    bench.sleep(1.0)
    measure("telemetry period", bench.pump.telemetry(0), unit="ms", equal=0)
    bench.sleep(0.1)  # one report may follow the reply
    before = len(heard)
    measure("volume reported before", before, near=20, by=1)
    bench.sleep(30.0)
    measure("reports", len(heard), equal=before)
