"""Orders: rates that are their doses, limits that refuse or ask, and the worst hour of a regimen by brute force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.therapy.order import BadOrder, Order, rates_of, worst_hour_nl

#        name        unit         amount concentrations    dose: hard, soft, soft, hard     bolus          hour
DOPAMINE = ["dopamine", "ug/kg/min", "mg", [800, 1600], [500, 1000, 20000, 50000], [None, None], [None, None]]
MORPHINE = ["morphine", "mg/h", "mg", [1000, 10000], [None, None, 5000, 10000], [2000, 5000], [10000, 15000]]
PARACETAMOL = ["paracetamol", "mg/kg/h", "mg", [10000], [None, None, None, 60000], [None, None], [15000, 20000]]


def morphine():
    return Order(MORPHINE, 1000, None)


def refusal(action, *arguments):
    with pytest.raises(BadOrder) as bad:
        action(*arguments)
    return bad.value.code, bad.value.data


def soft(limit, *arguments):
    found = []
    limit(*arguments, found)
    return found


def test_a_concentration_that_is_not_in_the_library_is_refused():
    assert refusal(Order, MORPHINE, 2000, None) == ("not_in_library", {"parameter": "concentration"})


def test_a_weight_is_needed_where_the_unit_is_by_weight():
    assert refusal(Order, DOPAMINE, 800, None) == ("out_of_range", {"parameter": "weight_g"})
    assert refusal(Order, MORPHINE, 1000, 70_000) == ("out_of_range", {"parameter": "weight_g"})


def test_each_rate_must_be_that_of_its_dose():
    order = morphine()  # of 1 mg/mL 1 mg/h is 1 mL/h
    order.check_rates([1000, 0, 2500], [1000, 0, 2500])
    assert refusal(order.check_rates, [1000], [1000, 1000]) == ("dose_mismatch", {"parameter": "doses"})
    wrong = {"parameter": "doses", "place": 1, "rate_ul_h": 2000}
    assert refusal(order.check_rates, [1000, 2000], [1000, 2001]) == ("dose_mismatch", wrong)


def test_a_rate_ten_times_too_high_does_not_match_its_dose():
    # The recall: 4.8 became 44.8, 10 became 100. The dose says what was meant.
    assert refusal(morphine().check_rates, [4800], [44_800])[0] == "dose_mismatch"


@pytest.mark.parametrize(
    ("rate_ul_h", "expected"),
    [(5000, []), (5001, [("dose", 5001, 5000)]), (10_000, [("dose", 10_000, 5000)])],
)
def test_a_dose_above_the_soft_limit_is_reported_with_its_value(rate_ul_h, expected):
    assert soft(morphine().limit_rates, [rate_ul_h]) == expected


def test_a_dose_above_the_hard_limit_is_refused():
    bound = {"limit": "dose", "value": 10_001, "bound": 10_000}
    assert refusal(morphine().limit_rates, [1000, 10_001, 2000], []) == ("hard_limit", bound)


def test_lower_limits_apply_but_not_to_a_rate_of_zero():
    order = Order(DOPAMINE, 800, 80_000)  # 1 µg/kg/min = 1 * 80 * 60 / 800 = 6 mL/h
    assert soft(order.limit_rates, [0, 6000]) == []
    assert soft(order.limit_rates, [0]) == []
    assert soft(order.limit_rates, [5994]) == [("dose", 999, 1000)]
    assert refusal(order.limit_rates, [2999], []) == ("hard_limit", {"limit": "dose", "value": 500, "bound": 500})
    assert soft(order.limit_rates, [3000]) == [("dose", 500, 1000)]


def test_a_dose_of_exactly_the_limit_passes_however_its_rate_is_rounded():
    row = [*MORPHINE[:3], [3000], [None, None, 2000, 2000], *MORPHINE[5:]]
    order = Order(row, 3000, None)
    assert order.dose_milli(667) == 2001  # 2 mg/h of 3 mg/mL are 666.7 µL/h, and 667 are 2.001 mg/h
    assert soft(order.limit_rates, [667]) == []
    assert refusal(order.limit_rates, [668], [])[0] == "hard_limit"


def test_a_bolus_and_an_hour_are_limited_by_their_amount():
    order = morphine()  # 1 mg/mL: 1 mL is 1 mg
    order.check_bolus(2000, 2_000_000)
    assert refusal(order.check_bolus, 2000, 2_001_000) == ("dose_mismatch", {"parameter": "bolus"})
    assert soft(order.limit_bolus, 2_000_000) == []
    assert soft(order.limit_bolus, 2_001_000) == [("bolus", 2001, 2000)]
    assert refusal(order.limit_bolus, 5_001_000, [])[0] == "hard_limit"
    assert soft(order.limit_hour, 10_001_000) == [("hour", 10_001, 10_000)]
    assert refusal(order.limit_hour, 15_001_000, [])[1] == {"limit": "hour", "value": 15_001, "bound": 15_000}


def test_by_weight_the_amounts_are_for_a_kg():
    order = Order(PARACETAMOL, 10_000, 60_000)  # 15 mg/kg of 60 kg are 900 mg, 90 mL of 10 mg/mL
    assert soft(order.limit_hour, 90_000_000) == []
    assert soft(order.limit_hour, 90_100_000) == [("hour", 15_016, 15_000)]


def test_a_ramp_has_two_doses():
    assert rates_of([[1000, 1000, 60, 0], [1000, 2000, 60, 0], [0, 0, 60, 0]]) == [1000, 1000, 2000, 0]


def test_the_worst_hour_of_what_can_be_done_by_hand():
    assert worst_hour_nl([[5000, 5000, 0, 0]]) == 5_000_000
    # A loading dose of 2 mL in 2 min, then 1 mL/h: in an hour 2 mL and 58 min of 1 mL/h.
    load = worst_hour_nl([[60_000, 60_000, 0, 2_000_000], [1000, 1000, 0, 0]])
    assert load == pytest.approx(2_966_667, abs=20_000)  # a second of 60 mL/h
    # 100 mL in 30 min, every 6 h, ten times, KVO in between.
    assert worst_hour_nl([[200_000, 200_000, 1800, 0], [1000, 1000, 19_800, 0]], 10) == 100_500_000


segments = st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 90)), min_size=1, max_size=5)


@given(segments, st.integers(1, 6), st.data())
def test_the_worst_hour_is_never_below_what_a_minute_by_minute_sum_finds(parts, repeat, data):
    repeat_from = data.draw(st.integers(0, len(parts) - 1))
    regimen = [[rate, rate, 60 * minutes, 0] for rate, minutes in parts]
    played = list(parts) + parts[repeat_from:] * (repeat - 1)
    minutes = [rate for rate, count in played for _ in range(count)]
    worst = max(sum(minutes[at : at + 60]) for at in range(len(minutes))) * 60 * 5 // 18
    found = worst_hour_nl(regimen, repeat, repeat_from)
    assert found >= worst
    if repeat == 1:
        assert found == worst
