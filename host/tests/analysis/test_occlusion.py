"""An occlusion is measured from the valve, from the true crossing of the limit, and to the last step."""

import pytest

from picoinfuse.analysis.occlusion import measure
from picoinfuse.trace.trace import Trace

SECOND_NS = 10**9


@pytest.fixture
def occluded():
    """A step every 0.25 s from 1 to 140 s. The line is closed from 100 to 200 s: 1 kPa more each second."""
    trace = Trace()
    trace.pulses("step", SECOND_NS, SECOND_NS // 4, 5000, 557)  # the last rises at 1 + 556 · 0.25 = 140 s
    for second in range(1, 221):
        t_ns = second * SECOND_NS
        pushed = min(second, 140)
        patient = min(second, 100) if second < 200 else pushed
        trace.real("pressure_pa", t_ns, 1000.0 * (pushed - patient))
        trace.real("delivered_nl", t_ns, 1400.0 * pushed)
        trace.real("patient_nl", t_ns, 1400.0 * patient)
    return trace


def test_delays_and_stored_volume(occluded):
    timing = measure(occluded, closed_s=100.0, alarm_s=140.5, limit_pa=35_500, opened_s=200.0)
    assert timing.crossed_s == 136  # 36 kPa is the first sample above 35.5
    assert timing.closed_to_alarm_s == pytest.approx(40.5)
    assert timing.crossed_to_alarm_s == pytest.approx(4.5)
    assert timing.closed_to_stop_s == pytest.approx(40.0)
    assert timing.crossed_to_stop_s == pytest.approx(4.0)
    assert timing.peak_pa == 40_000
    assert timing.stored_nl == pytest.approx(56_000)  # 40 s · 1400 nL/s


def test_what_did_not_happen_is_none(occluded):
    timing = measure(occluded, closed_s=150.0, alarm_s=None, limit_pa=100_000, opened_s=190.0)
    assert timing.crossed_s is None
    assert timing.closed_to_alarm_s is None
    assert timing.crossed_to_alarm_s is None
    assert timing.last_step_s is None
    assert timing.closed_to_stop_s is None
    assert timing.stored_nl == 0


def test_a_line_that_stays_closed_is_measured_to_the_end(occluded):
    timing = measure(occluded, closed_s=100.0, alarm_s=None, limit_pa=39_000)
    assert timing.last_step_s == pytest.approx(140.0)
    assert timing.stored_nl == 0  # at 220 s it has flown off


def test_a_limit_that_was_exceeded_already_is_crossed_at_closing(occluded):
    assert measure(occluded, closed_s=150.0, alarm_s=None, limit_pa=30_000).crossed_s == 150.0
