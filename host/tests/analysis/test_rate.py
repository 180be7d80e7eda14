"""Rates come out of steps and volumes as a calculation by hand gives them."""

import numpy as np
import pytest

from picoinfuse.analysis.rate import (
    delivered_nl,
    mean_ul_h,
    rate_from_steps,
    rate_from_volume,
    stepped_nl,
)
from picoinfuse.trace.trace import Trace

SECOND_NS = 10**9


def test_evenly_spaced_steps_give_their_rate():
    trace = Trace()
    # 4 steps a second of 350 nL: 1400 nL/s · 3600 s/h = 5 040 000 nL/h = 5040 µL/h. First step at 0.1 s.
    trace.pulses("step", SECOND_NS // 10, SECOND_NS // 4, 5000, 480)  # 120 s
    curve = rate_from_steps(trace, 350.0, 30.0, 0.0, 120.0)
    assert curve.edges_s.tolist() == [0, 30, 60, 90, 120]
    # Exact: each window of 30 s holds 120 steps.
    np.testing.assert_allclose(curve.rate_ul_h, [5040.0] * 4, rtol=1e-12)
    assert stepped_nl(trace, 350.0, 0.0, 30.0) == 120 * 350


def test_a_rest_shorter_than_a_window_is_left_out():
    trace = Trace()
    curve = rate_from_steps(trace, 350.0, 30.0, 10.0, 75.0)  # 65 s: two windows and 5 s
    assert curve.edges_s.tolist() == [10, 40, 70]
    assert curve.rate_ul_h.tolist() == [0.0, 0.0]


def test_a_window_that_fits_but_for_rounding_fits():
    assert len(rate_from_steps(Trace(), 350.0, 0.1, 0.0, 0.3).rate_ul_h) == 3  # 0.3 / 0.1 = 2.99…6


def test_the_recorded_volume_gives_the_same():
    trace = Trace()
    for second in range(1, 61):
        trace.real("delivered_nl", second * SECOND_NS, 1000.0 * second if second <= 30 else 30_000.0)
    curve = rate_from_volume(trace, 15.0, 0.0, 60.0)
    # 1000 nL/s = 3600 µL/h for 30 s, then nothing.
    np.testing.assert_allclose(curve.rate_ul_h, [3600, 3600, 0, 0], rtol=1e-12)
    assert delivered_nl(trace, 10.0, 20.0) == 10_000
    assert mean_ul_h(delivered_nl(trace, 0.0, 60.0), 60.0) == pytest.approx(1800)  # half the time at 3600


def test_a_jump_after_a_rest_stays_in_its_windows():
    trace = Trace()
    trace.real("patient_nl", 10 * SECOND_NS, 1000.0)
    trace.real("patient_nl", 95 * SECOND_NS, 51_000.0)  # the line opens: 50 µL at once
    curve = rate_from_volume(trace, 10.0, 0.0, 110.0, "patient_nl")
    # Spread over the 10 s before 95 s: half of it in each of two windows, 25 000 nL / 10 s · 3.6 = 9000 µL/h.
    assert curve.rate_ul_h[8:10] == pytest.approx([9000, 9000])
    assert curve.rate_ul_h[1:8] == pytest.approx(0)
    assert curve.rate_ul_h[10] == pytest.approx(0)


def test_a_window_that_ends_before_it_begins_holds_nothing():
    trace = Trace()
    trace.real("delivered_nl", SECOND_NS, 1000.0)
    trace.pulses("step", SECOND_NS, SECOND_NS // 4, 5000, 40)
    assert delivered_nl(trace, 20.0, 0.0) == 0
    assert stepped_nl(trace, 350.0, 20.0, 0.0) == 0
    for curve in (rate_from_steps(trace, 350.0, 2.0, 20.0, 0.0), rate_from_volume(trace, 2.0, 20.0, 0.0)):
        assert (curve.edges_s.tolist(), curve.rate_ul_h.tolist()) == ([20.0], [])
