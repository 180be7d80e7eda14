"""A host that does not read, floods, or presses Ctrl-C: delivery goes on, and what must be told is told in the end."""

from __future__ import annotations

import pytest

from picoinfuse.bench import Bench
from picoinfuse.frame import encode
from picoinfuse.messages import Telemetry

pytestmark = [pytest.mark.needs("capture")]

RATE_UL_H = 100_000
TURN_MS = 10  # the loop sleeps that long at most


def infuse(bench: Bench) -> float:
    """Starts, waits for the steady rate; returns the time from which on every step is due evenly."""
    bench.pump.start(RATE_UL_H)
    bench.sleep(1.0)
    return bench.now()


def assert_even_steps(bench: Bench, since_s: float) -> None:
    """A steady rate is on a grid of 200 ns ticks, so two intervals differ by one tick at most."""
    intervals_ns = bench.trace.intervals("step", round(since_s * 1e9), round(bench.now() * 1e9))
    assert len(intervals_ns) > 5
    assert int(intervals_ns.max() - intervals_ns.min()) <= 200


def listen(bench: Bench) -> list[Telemetry]:
    heard: list[Telemetry] = []
    bench.pump.on_telemetry = heard.append
    return heard


# ---- a host that does not read ----


@pytest.mark.needs("host_reading", "virtual_time")
def test_delivery_goes_on_while_the_host_does_not_read_for_three_minutes(bench: Bench):
    heard = listen(bench)
    since_s = infuse(bench)
    bench.pump.telemetry(10)
    bench.sleep(1.0)
    bench.host_reading(False)
    deaf_s = bench.now()
    bench.sleep(180.0)
    deaf_for_s = bench.now() - deaf_s
    before = len(heard)
    bench.host_reading(True)
    bench.sleep(1.05)
    assert_even_steps(bench, since_s)
    assert bench.pump.tasks().overruns == 0
    # Every report has a number: what was dropped and what came make up all that were made.
    newest = heard[-1]
    assert newest.dropped == newest.seq - len(heard)
    # 10 a second were made; 4 wait in the pump, and some 2 in the chip's FIFO of 256 bytes.
    assert newest.dropped == pytest.approx(deaf_for_s * 10, abs=8)
    assert len(heard) - before == pytest.approx(10 + 5, abs=3)
    assert bench.pump.status().telemetry_dropped == newest.dropped


@pytest.mark.needs("host_reading", "occlude")
def test_alarm_is_told_when_the_host_reads_again(bench: Bench):
    bench.pump.telemetry(20)
    bench.occlude()
    bench.pump.start(1_200_000)
    bench.host_reading(False)
    bench.sleep(20.0)
    assert bench.pump.active_alarms == {}
    assert bench.trace.count("piezo") > 0  # the patient's side was told all the same
    bench.host_reading(True)
    bench.sleep(0.2)
    assert bench.pump.active_alarms["occlusion"].priority == "high"
    assert bench.pump.status().state == "alarm_stopped"


@pytest.mark.needs("host_reading", "sensor")
def test_alarm_that_came_and_went_unheard_leaves_a_gap_in_seq(bench: Bench):
    bench.pump.telemetry(20)
    bench.host_reading(False)
    bench.sleep(1.0)
    # A fault comes, passes, and comes as another: of each alarm the last change is told.
    for kind in ("open", None, "short", None):
        bench.sensor_fault(kind)
        bench.sleep(0.5)
    bench.host_reading(True)
    bench.sleep(0.5)
    told = bench.pump.active_alarms
    assert {name: event.seq for name, event in told.items()} == {"sensor_open": 1, "sensor_short": 2}


@pytest.mark.needs("host_reading")
def test_replies_wait_for_a_host_that_does_not_read(bench: Bench):
    since_s = infuse(bench)
    bench.host_reading(False)
    ids = list(range(1, 41))
    bench.write_raw(b"".join(encode({"id": number, "method": "status"}) for number in ids))
    bench.sleep(10.0)
    bench.pump.link.unmatched.clear()
    bench.host_reading(True)
    bench.sleep(2.0)
    # 40 replies of some 400 bytes; the pump holds 8 and reads no further requests meanwhile.
    assert [reply["id"] for reply in bench.pump.link.unmatched] == ids
    assert_even_steps(bench, since_s)


# ---- a host that says too much ----


def test_ctrl_c_while_infusing_does_nothing(bench: Bench):
    since_s = infuse(bench)
    for _ in range(10):
        bench.write_raw(b"\x03" * 5)
        bench.sleep(0.2)
    assert_even_steps(bench, since_s)
    bench.pump.link.unmatched.clear()
    bench.write_raw(b"\r\n")
    bench.sleep(0.1)
    # To the pump they are bytes like others: a line that is no request.
    (reply,) = bench.pump.link.unmatched
    assert (reply["id"], reply["error"]["code"]) == (None, "parse_error")
    assert bench.pump.status().state == "infusing"


def test_flood_of_queries_is_answered_and_takes_nothing_from_delivery(bench: Bench):
    since_s = infuse(bench)
    for batch in range(10):
        bench.pump.link.unmatched.clear()
        ids = list(range(1 + 50 * batch, 51 + 50 * batch))
        bench.write_raw(b"".join(encode({"id": number, "method": "hello"}) for number in ids))
        bench.sleep(1.0)  # a line a turn of 10 ms at least
        assert [reply["id"] for reply in bench.pump.link.unmatched] == ids
    assert_even_steps(bench, since_s)
    tasks = bench.pump.tasks()
    assert tasks.overruns == 0
    # Nobody waited longer than a turn for its turn.
    assert max(task.late_ms for task in tasks.tasks) <= TURN_MS


# ---- telemetry ----


@pytest.mark.parametrize(("hz", "listen_s"), [(0.1, 60.0), (1, 20.0), (3, 20.0), (20, 10.0)])
def test_telemetry_keeps_its_grid(bench: Bench, hz: float, listen_s: float):
    heard = listen(bench)
    infuse(bench)
    period_ms = bench.pump.telemetry(hz)
    assert period_ms == round(1000 / hz)
    bench.sleep(listen_s)
    # The first is due one period from the command, the last may be due just after the end.
    assert len(heard) == pytest.approx(listen_s * hz, abs=1)
    late_ms = [report.t_ms - heard[0].t_ms - k * period_ms for k, report in enumerate(heard)]
    # A grid does not drift: each report is late by a turn of the loop at most, the last one as the first.
    assert max(late_ms) - min(late_ms) <= TURN_MS
    assert [report.seq for report in heard] == list(range(heard[0].seq, heard[0].seq + len(heard)))
    assert heard[-1].dropped == 0


def test_telemetry_tells_what_the_trace_shows(bench: Bench):
    heard = listen(bench)
    infuse(bench)
    bench.pump.telemetry(20)
    bench.sleep(10.0)
    last = heard[-1]
    steps = bench.trace.count("step", 0, round(bench.now() * 1e9)) - 10  # the self-test made 10
    step_nl = bench.profile.world()["step_nl"]
    # A report is at most 50 ms and a turn old: 79 steps a second * 0.06 s = 5 steps.
    assert last.delivered_nl == pytest.approx(steps * step_nl, abs=5 * step_nl)
    assert (last.state, last.rate_ul_h) == ("infusing", RATE_UL_H)


def test_telemetry_off_is_silent(bench: Bench):
    heard = listen(bench)
    bench.pump.telemetry(20)
    bench.sleep(1.0)
    assert bench.pump.telemetry(0) == 0
    before = len(heard)
    assert before == pytest.approx(20, abs=1)
    bench.sleep(30.0)
    assert len(heard) == before
