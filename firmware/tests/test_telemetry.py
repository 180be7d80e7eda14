"""Telemetry keeps to its grid."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.link.telemetry import _IDLE_MS, TelemetryTask

MASK = 2**30 - 1


class Source:
    def telemetry(self, now_ms):
        return {"t_ms": now_ms}


class Outbox:
    def __init__(self):
        self.times = []

    def telemetry(self, params):
        self.times.append(params["t_ms"])


def run(task, start_ms, duration_ms, lateness=lambda: 0):
    """As the scheduler does it; `lateness` is how much later than due a turn begins."""
    now_ms = start_ms
    while now_ms < start_ms + duration_ms:
        wait_ms = task.run(now_ms & MASK)
        assert 1 <= wait_ms <= _IDLE_MS
        now_ms += wait_ms + lateness()


def test_without_a_period_there_is_none():
    outbox = Outbox()
    run(TelemetryTask(Source(), outbox), 0, 5000)
    assert outbox.times == []


@pytest.mark.parametrize("period_ms", [50, 51, 77, 1000, 10000])
def test_a_line_comes_every_period(period_ms):
    outbox = Outbox()
    task = TelemetryTask(Source(), outbox)
    task.set_period(period_ms, 123)
    run(task, 123, 10 * period_ms + 1)
    assert outbox.times == [123 + period_ms * n for n in range(1, 11)]


@given(st.integers(50, 10000), st.lists(st.integers(0, 9), min_size=1))
def test_a_late_turn_does_not_move_the_grid(period_ms, late_ms):
    outbox = Outbox()
    task = TelemetryTask(Source(), outbox)
    task.set_period(period_ms, 0)
    run(task, 0, 20 * period_ms, itertools.cycle(late_ms).__next__)
    # A turn begins at most 9 ms after its time, so a line is at most 9 ms late, and none is left out.
    assert [t_ms // period_ms for t_ms in outbox.times] == list(range(1, len(outbox.times) + 1))
    assert all(t_ms % period_ms <= 9 for t_ms in outbox.times)


def test_after_a_stall_nothing_is_made_up_for():
    outbox = Outbox()
    task = TelemetryTask(Source(), outbox)
    task.set_period(100, 0)
    task.run(100)
    task.run(555)  # 200, 300, 400 and 500 have passed
    assert task.run(556) == 44
    task.run(600)
    assert outbox.times == [100, 555, 600]


def test_the_grid_goes_on_across_the_wrap_of_the_ticks():
    outbox = Outbox()
    task = TelemetryTask(Source(), outbox)
    start_ms = 2**30 - 250
    task.set_period(100, start_ms)
    run(task, start_ms, 501)
    assert outbox.times == [(start_ms + 100 * n) & MASK for n in range(1, 6)]


def test_a_period_of_0_stops_it():
    outbox = Outbox()
    task = TelemetryTask(Source(), outbox)
    task.set_period(50, 0)
    task.run(50)
    task.set_period(0, 60)
    run(task, 60, 1000)
    assert outbox.times == [50]
