"""The delivery monitor: agrees with a pump that runs, notices one that does not, whatever the rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pump.core.monitor import DeliveryMonitor

# 360000 pL a step: 1296 µL/h is one step a second.
NUM, DEN = 360000, 1


def run(rate_ul_h, seconds, hz):
    """Seconds of monitoring at 10 Hz with `hz` steps counted; the first finding, and when it came."""
    monitor = DeliveryMonitor(NUM, DEN)
    made = 0
    for tick in range(1, seconds * 10 + 1):
        now = int(tick * hz / 10)
        finding = monitor.update(rate_ul_h, 100, now - made)
        made = now
        if finding:
            return finding, tick / 10
    return None, None


@pytest.mark.parametrize("hz", [0.01, 0.1, 1, 10, 100, 925])
def test_a_motor_that_follows_is_agreed_with(hz):
    assert run(int(hz * 1296), 3600 if hz < 10 else 600, int(hz * 1296) / 1296) == (None, None)


@pytest.mark.parametrize("hz", [0.1, 1, 10, 100])
def test_a_motor_that_stands_is_noticed(hz):
    finding, after_s = run(int(hz * 1296), 120, 0)
    assert finding == "too few"
    # The slack: 3 steps and 1 s, and a turn of the monitor.
    assert after_s <= 3 / hz + 1 + 0.2


def test_a_motor_that_runs_when_it_should_not_is_noticed():
    finding, after_s = run(0, 60, 2)
    assert finding == "too many"
    assert after_s <= 2.2  # the fourth step at 2 Hz


def test_a_motor_that_runs_twice_as_fast_is_noticed():
    finding, after_s = run(12960, 60, 20)
    assert finding == "too many"
    assert after_s <= 1.5  # 3 steps and 1 s at 10 Hz too many


@given(st.lists(st.integers(90, 110), min_size=100, max_size=100))
def test_jitter_of_the_monitors_own_clock_is_no_finding(times_ms):
    monitor = DeliveryMonitor(NUM, DEN)
    now = made = 0
    for elapsed_ms in times_ms:
        now += elapsed_ms
        counted = now // 1000 - made
        made += counted
        assert monitor.update(1296, elapsed_ms, counted) is None
