"""The delivery monitor: agrees with a pump that runs, notices one that does not, whatever the rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.grid import TICK_HZ, TICKS_PER_PL
from pump.core.monitor import DeliveryMonitor

# 360000 pL a step: 1296 µL/h is one step a second.
NUM = 360000
UL_H_OF_1_HZ = 1296
LEAD_S = 0.3  # the most that is granted ahead


def units(hz, seconds):
    """What `hz` asks for in a time: rate times ticks. A step is NUM * 18000 = 1296 * 5e6 of these."""
    return round(hz * UL_H_OF_1_HZ * seconds * TICK_HZ)


def run(hz, seconds, counted_hz):
    """Seconds of monitoring at 10 Hz; the first finding, and when it came."""
    monitor = DeliveryMonitor(NUM)
    for tick in range(1, seconds * 10 + 1):
        t_s = tick / 10
        finding = monitor.update(units(hz, t_s + LEAD_S), int(t_s * counted_hz))
        if finding:
            return finding, t_s
    return None, None


def test_a_step_is_its_volume_in_rate_times_ticks():
    assert units(1, 1) == NUM * TICKS_PER_PL


@pytest.mark.parametrize("hz", [0.01, 0.1, 1, 10, 100, 925])
def test_a_motor_that_follows_is_agreed_with(hz):
    assert run(hz, 3600 if hz < 10 else 600, hz) == (None, None)


@pytest.mark.parametrize("hz", [0.1, 1, 10, 100])
def test_a_motor_that_stands_is_noticed(hz):
    finding, after_s = run(hz, 120, 0)
    assert finding == "too few"
    # The slack, the age of what is compared less the lead, a turn of the monitor; nothing is old before 0.6 s.
    assert after_s <= max(0.6, 2 / hz + 0.5 - LEAD_S + 0.1)


def test_a_motor_that_runs_when_it_should_not_is_noticed():
    finding, after_s = run(0, 60, 2)
    assert finding == "too many"
    assert after_s <= 1.6  # the third step at 2 Hz


def test_a_motor_that_runs_twice_as_fast_is_noticed():
    finding, after_s = run(10, 60, 20)
    assert finding == "too many"
    assert after_s <= 0.6  # (2 slack + 3 granted ahead) / 10 Hz too many


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 925)), min_size=1, max_size=20), st.floats(0.2, LEAD_S))
def test_changes_of_rate_leave_no_trace_in_the_account(stretches, lead_s):
    """Stretches of tenths of a second at a rate; what is made at t was asked for at t - lead_s."""
    monitor = DeliveryMonitor(NUM)
    asked = [0]  # units in all, each tenth of a second
    for tenths, hz in stretches:
        asked += [asked[-1] + units(hz, (i + 1) / 10) for i in range(tenths)]
    for tick in range(len(asked)):
        late = max(0.0, tick - lead_s * 10)
        whole = int(late)
        made = asked[whole] + (asked[min(whole + 1, tick)] - asked[whole]) * (late - whole)
        assert monitor.update(asked[tick], int(made / (NUM * TICKS_PER_PL))) is None


def test_what_was_asked_before_the_start_is_not_held_against_the_motor():
    monitor = DeliveryMonitor(NUM)
    for _ in range(10):
        monitor.update(units(10, 100), 1000)
    monitor.start(0)  # a new infusion: both accounts are at 0 again
    assert monitor.update(units(10, LEAD_S), 0) is None
