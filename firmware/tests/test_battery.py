"""The battery's account against a cell with a curve and a resistance: how early it warns, and what it learns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.world.battery import Battery as Cell
from pump.core.battery import _CHARGE_OK, CHARGE_DEPLETED, CHARGE_LOW, CHARGE_UNKNOWN, POLL_MS, Battery, permille

CONFIG = {
    "divider": [2, 1],
    "full_mv": 4200,
    "empty_mv": 3000,
    "capacity_mah": 2000,
    "resistance_mohm": 150,
    "idle_ma": 60,
    "motor_ma": 400,
}
POLL_S = POLL_MS // 1000


class Wire:
    def __init__(self):
        self.listeners = []


def discharge(capacity_mah=2000, resistance_mohm=150, start=1000, motor=lambda t_s: True):
    """Until the pump's supply gives up. {state: minutes before that}, and the battery."""
    cell = Cell(CONFIG, Wire())
    cell.set(0, {"capacity_mah": capacity_mah, "resistance_mohm": resistance_mohm, "permille": start})
    battery, came_s, t_s = Battery(CONFIG), {}, 0
    while True:
        on = motor(t_s)
        cell.on_level(t_s * 10**9, 0 if on else 1)
        t_s += POLL_S
        millivolts = int(cell.millivolts(t_s * 10**9))
        if millivolts <= CONFIG["empty_mv"]:
            break
        # As the converter reads it: 3.3 V in 4096 codes, behind a divider by two.
        read_mv = int(millivolts / 2 * 4096 / 3300) * 3300 // 4096 * 2
        came_s.setdefault(battery.update(read_mv, 460 if on else 60, POLL_S), t_s)
    return {state: (t_s - at_s) / 60 for state, at_s in came_s.items()}, battery


@pytest.mark.parametrize("capacity_mah", [600, 1000, 1500, 2000, 2300])
def test_low_comes_15_and_depleted_5_minutes_before_the_end(capacity_mah):
    """Whatever the cell can hold, if its fall was seen for a while. A minute: the lesson's error, some 5 %."""
    before_min, battery = discharge(capacity_mah)
    assert before_min[CHARGE_LOW] == pytest.approx(15, abs=1)
    assert before_min[CHARGE_DEPLETED] == pytest.approx(5, abs=1)
    assert battery.capacity_mas / 3600 == pytest.approx(capacity_mah, rel=0.06)


@pytest.mark.parametrize("start", [250, 400, 700])
def test_a_cell_as_the_profile_says_may_be_seen_first_when_it_is_half_empty(start):
    before_min, _ = discharge(start=start)
    assert before_min[CHARGE_LOW] == pytest.approx(15, abs=1)
    assert before_min[CHARGE_DEPLETED] == pytest.approx(5, abs=1)


@pytest.mark.parametrize("capacity_mah", [600, 1000, 2000])
def test_a_cell_with_twice_the_resistance_is_never_warned_of_late(capacity_mah):
    before_min, _ = discharge(capacity_mah, resistance_mohm=300)
    assert before_min[CHARGE_LOW] >= 15
    assert before_min[CHARGE_DEPLETED] >= 3.5


def test_hours_with_the_motor_off_in_between_change_nothing():
    before_min, _ = discharge(motor=lambda t_s: t_s // 3600 % 2 == 0)
    # It ends with the motor on or off; with it off the same charge lasts longer.
    assert before_min[CHARGE_LOW] >= 14
    assert before_min[CHARGE_DEPLETED] >= 4


def test_a_reading_that_is_no_battery_is_unknown_and_what_comes_back_is_looked_at_anew():
    battery = Battery(CONFIG)
    assert battery.update(3900, 60, POLL_S) == _CHARGE_OK
    assert battery.update(0, 60, POLL_S) == CHARGE_UNKNOWN
    assert (battery.millivolts, battery.charge_mas, battery.seconds_left(), battery.percent()) == (None,) * 4
    assert battery.update(3050, 460, POLL_S) == CHARGE_DEPLETED


def test_at_the_end_of_its_voltage_it_is_depleted_whatever_the_account_says():
    battery = Battery(CONFIG)
    assert battery.update(4150, 60, POLL_S) == _CHARGE_OK
    assert battery.update(2990, 460, POLL_S) == CHARGE_DEPLETED


def test_low_ends_only_when_there_is_charge_for_20_minutes():
    battery = Battery(CONFIG)
    millivolts = 3600
    while battery.update(millivolts, 60, POLL_S) != CHARGE_LOW:
        millivolts -= 1
    left_s = battery.seconds_left()
    for _ in range(200):
        battery.update(millivolts + 15, 60, POLL_S)
        assert battery.state == (_CHARGE_OK if battery.seconds_left() >= 1200 else CHARGE_LOW)
    assert left_s < 900 < battery.seconds_left()


def test_a_charged_cell_is_believed_at_once():
    battery = Battery(CONFIG)
    battery.update(3500, 60, POLL_S)
    assert battery.percent() < 10
    battery.update(4100, 60, POLL_S)
    assert battery.percent() > 90


@given(st.integers(2000, 5000), st.integers(2000, 5000))
def test_more_voltage_is_never_less_charge(one_mv, other_mv):
    low, high = sorted((one_mv, other_mv))
    assert 0 <= permille(low, 3000, 4200) <= permille(high, 3000, 4200) <= 1000


@given(st.lists(st.tuples(st.integers(2600, 4600), st.integers(1, 15000)), max_size=80))
def test_no_number_leaves_the_small_ints_and_the_charge_stays_within_the_cell(readings):
    """The largest cell and load that a profile may have."""
    battery = Battery({**CONFIG, "capacity_mah": 50000, "idle_ma": 5000, "motor_ma": 10000})
    for millivolts, load_ma in readings:
        battery.update(millivolts, load_ma, POLL_S)
        assert battery.capacity_mas < 1 << 30
        assert battery.charge_mas is None or 0 <= battery.charge_mas <= battery.capacity_mas + 1000
