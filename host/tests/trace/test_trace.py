"""A trace answers as if every pulse were stored one by one, and stores equal pulses as one row."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.trace.trace import OutOfOrder, Overlap, Trace, TraceError, UnknownSignal


@st.composite
def wire_records(draw):
    """A trace with levels and batches on one wire, and the list of every edge that it should hold."""
    trace, edges, t, level = Trace(), [], draw(st.integers(0, 50)), 0
    for _ in range(draw(st.integers(0, 12))):
        if level == 0 and draw(st.booleans()):
            period = draw(st.integers(2, 30))
            high, count = draw(st.integers(1, period - 1)), draw(st.integers(1, 6))
            trace.pulses("step", t, period, high, count)
            for k in range(count):
                edges += [(t + k * period, 1), (t + k * period + high, 0)]
            # Sometimes the next batch continues this one on its grid, and the two are kept as one row.
            on_grid, later = count * period, (count - 1) * period + high + draw(st.integers(1, 9))
            t += on_grid if draw(st.booleans()) else later
        else:
            new = draw(st.integers(0, 1))
            trace.level("step", t, new)
            if new != level:
                edges.append((t, new))
            level = new
            t += draw(st.integers(1, 40))
    return trace, edges


windows = st.tuples(st.integers(-5, 400), st.integers(-5, 400))


@given(wire_records(), windows)
def test_queries_agree_with_a_list_of_every_edge(made, window):
    trace, edges = made
    start, end = window
    inside = [(t, level) for t, level in edges if start <= t < end]
    t, level = trace.transitions("step", start, end)
    assert list(zip(t.tolist(), level.tolist(), strict=True)) == inside
    rises = [t for t, level in inside if level]
    assert trace.edges("step", True, start, end).tolist() == rises
    assert trace.edges("step", False, start, end).tolist() == [t for t, level in inside if not level]
    assert trace.count("step", start, end) == len(rises)


def test_a_window_that_ends_before_it_begins_is_empty():
    trace = Trace()
    trace.pulses("step", 100, 50, 10, 3)  # rises at 100, 150, 200
    trace.level("enable", 120, 1)
    trace.real("pressure_pa", 130, 2.0)
    assert trace.count("step", 190, 110) == 0
    assert trace.intervals("step", 300, 0).tolist() == []
    for signal in ("step", "enable"):
        assert [column.tolist() for column in trace.transitions(signal, 190, 110)] == [[], []]
    assert [column.tolist() for column in trace.values("pressure_pa", 140, 120)] == [[], []]


@given(wire_records(), st.integers(0, 400))
def test_the_level_is_that_of_the_last_edge(made, t_ns):
    trace, edges = made
    expected = next((level for t, level in reversed(edges) if t <= t_ns), 0)
    assert trace.level_at("step", t_ns) == expected


def test_three_days_of_steps_stay_one_row():
    trace = Trace()
    # 72 h at 100 Hz in words of 100 steps: 72 · 3600 · 100 = 25 920 000 steps, 259 200 records.
    for word in range(72 * 3600):
        trace.pulses("step", word * 10**9 + 1, 10_000_000, 5_000, 100)
    assert trace.count("step") == 25_920_000
    assert trace.count("step", 3600 * 10**9, 7200 * 10**9) == 360_000
    # Only the window is unrolled: 1 s = 100 steps.
    assert len(trace.edges("step", True, 10**13, 10**13 + 10**9)) == 100


def test_intervals_are_from_rise_to_rise():
    trace = Trace()
    trace.pulses("step", 100, 50, 10, 3)  # rises at 100, 150, 200
    trace.level("step", 500, 1)
    assert trace.intervals("step").tolist() == [50, 50, 300]


def test_a_pulse_without_width_is_none():
    trace = Trace()
    trace.level("step", 10, 1)
    trace.level("step", 10, 0)
    assert trace.count("step") == 0
    trace.level("step", 10, 1)
    assert trace.edges("step").tolist() == [10]


def test_reals_hold_their_value_between_records():
    trace = Trace()
    for t, value in ((10, 1.5), (20, 1.5), (30, 4.0), (30, 2.0)):
        trace.real("pressure_pa", t, value)
    t, v = trace.values("pressure_pa")
    assert t.tolist() == [10, 30]  # 20 changed nothing, and of two at 30 the last counts
    assert v.tolist() == [1.5, 2.0]
    assert trace.value_at("pressure_pa", 9) == 0.0
    assert trace.value_at("pressure_pa", 29) == 1.5
    assert np.array_equal(trace.values_at("pressure_pa", [0, 10, 99]), [0.0, 1.5, 2.0])


def test_the_end_is_the_newest_record_of_all():
    trace = Trace()
    trace.pulses("step", 100, 50, 10, 3)
    assert trace.end_ns == 210  # the third pulse falls at 100 + 2 · 50 + 10
    trace.level("enable", 300, 0)
    assert trace.end_ns == 300  # it was low already; the trace lasted until then all the same
    trace.extend_to(250)
    assert trace.end_ns == 300


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (lambda t: t.level("stepp", 0, 1), UnknownSignal),
        (lambda t: t.level("pressure_pa", 0, 1), UnknownSignal),
        (lambda t: t.real("step", 0, 1.0), UnknownSignal),
        (lambda t: t.level("step", 209, 1), OutOfOrder),  # the batch falls at 210 for the last time
        (lambda t: t.level("step", 210, 1), Overlap),
        (lambda t: t.pulses("step", 209, 50, 10, 1), OutOfOrder),
        (lambda t: t.pulses("step", 210, 50, 10, 1), Overlap),
        (lambda t: t.pulses("enable", 70, 50, 10, 1), Overlap),  # high since 60
        (lambda t: t.level("enable", 59, 0), OutOfOrder),
        (lambda t: t.real("pressure_pa", 4, 1.0), OutOfOrder),
        (lambda t: t.real("pressure_pa", 6, float("nan")), TraceError),
        (lambda t: t.level("dir", -1, 1), OutOfOrder),
        (lambda t: t.level("dir", 0, 2), TraceError),
        (lambda t: t.pulses("piezo", 0, 50, 50, 1), TraceError),
        (lambda t: t.pulses("piezo", 0, 50, 10, 0), TraceError),
    ],
)
def test_what_cannot_be_is_refused(record, error):
    trace = Trace()
    trace.pulses("step", 100, 50, 10, 3)
    trace.level("enable", 60, 1)
    trace.real("pressure_pa", 5, 1.0)
    with pytest.raises(error):
        record(trace)
    assert trace.end_ns == 210
    assert trace.count("step") == 3


def test_a_reader_may_ask_while_the_board_writes():
    trace, counts = Trace(), []
    done = threading.Event()

    def read():
        while not done.is_set():
            counts.append(trace.count("step"))

    reader = threading.Thread(target=read)
    reader.start()
    for k in range(20_000):
        trace.level("step", 2 * k + 1, (k + 1) % 2)
    done.set()
    reader.join()
    assert trace.count("step") == 10_000
    assert counts == sorted(counts)
