"""The threshold detector. Its 600 ms are measured in test_pressure_task.py, with the filter before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.occlusion.threshold import ThresholdDetector
from pump.core.units import MASK, later

LIMIT_PA = 68_928  # 517 mmHg * 133.322
BREAK_PA = LIMIT_PA - LIMIT_PA // 128  # at or below: a break


@pytest.fixture
def detector():
    return ThresholdDetector(LIMIT_PA, 500)


def feed(detector, pressure_pa, from_ms, to_ms):
    """Every 10 ms; the answers."""
    return [detector.update(pressure_pa, t_ms & MASK) for t_ms in range(from_ms, to_ms, 10)]


def test_above_the_limit_for_the_persistence_is_a_blocked_line(detector):
    assert not any(feed(detector, LIMIT_PA + 1, 0, 500))
    assert detector.update(LIMIT_PA + 1, 500)


def test_at_the_limit_is_not_above_it(detector):
    assert not any(feed(detector, LIMIT_PA, 0, 5_000))


def test_a_break_starts_the_persistence_anew(detector):
    feed(detector, LIMIT_PA + 1, 0, 490)
    assert not detector.update(BREAK_PA, 490)
    assert not any(feed(detector, LIMIT_PA + 1, 500, 1_000))
    assert detector.update(LIMIT_PA + 1, 1_000)


def test_noise_within_the_hysteresis_is_no_break(detector):
    feed(detector, LIMIT_PA + 1, 0, 10)
    assert not any(feed(detector, BREAK_PA + 1, 10, 500))
    assert detector.update(BREAK_PA + 1, 500)


def test_a_blocked_line_is_open_again_below_the_hysteresis_and_not_before(detector):
    feed(detector, LIMIT_PA + 1, 0, 600)
    assert detector.update(BREAK_PA + 1, 600)
    assert not detector.update(BREAK_PA, 610)


def test_a_new_limit_counts_from_the_next_sample_on(detector):
    assert not any(feed(detector, 50_000, 0, 1_000))
    detector.limit_pa = 33_331
    assert not any(feed(detector, 50_000, 1_000, 1_500))
    assert detector.update(50_000, 1_500)
    detector.limit_pa = LIMIT_PA
    assert not detector.update(50_000, 1_510)


def test_time_without_valid_pressure_does_not_count_towards_the_persistence(detector):
    feed(detector, LIMIT_PA + 1, 0, 300)
    detector.forget()
    assert not any(feed(detector, LIMIT_PA + 1, 2_000, 2_500))
    assert detector.update(LIMIT_PA + 1, 2_500)


def test_a_blocked_line_is_not_forgotten_with_the_sensor(detector):
    feed(detector, LIMIT_PA + 1, 0, 510)
    detector.forget()
    assert detector.update(LIMIT_PA + 1, 600)


def test_a_line_blocked_for_longer_than_the_clock_can_tell_is_still_blocked(detector):
    feed(detector, LIMIT_PA + 1, 0, 510)
    assert detector.update(LIMIT_PA + 1, 0x20000010)  # 6.2 days: the difference of ticks is negative now


@given(
    st.integers(0, MASK),
    st.lists(st.integers(LIMIT_PA - 2_000, LIMIT_PA + 2_000), min_size=1, max_size=200),
)
def test_the_answer_is_that_of_the_definition(start_ms, pressures):
    """Blocked: some sample at least 500 ms ago was above the limit, and none since was at or below the
    break."""
    detector = ThresholdDetector(LIMIT_PA, 500)
    for i, pressure_pa in enumerate(pressures):
        answer = detector.update(pressure_pa, later(start_ms, 10 * i))
        breaks = [k for k in range(i + 1) if pressures[k] <= BREAK_PA]
        above = [k for k in range(breaks[-1] + 1 if breaks else 0, i + 1) if pressures[k] > LIMIT_PA]
        assert answer == bool(above and i - above[0] >= 50)
