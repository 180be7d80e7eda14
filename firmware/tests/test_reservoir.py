"""What is left and when it is empty: by hand, and against a second-by-second walk."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.therapy.forecast import seconds_to_give, seconds_until
from pump.core.therapy.reservoir import _LEVEL_OK, LEVEL_EMPTY, LEVEL_LOW, Reservoir
from pump.core.therapy.segments import SegmentWalk
from pump.core.therapy.therapy import Therapy

LIMITS = {"low_ul": 1000, "empty_ul": 500}


def reservoir():
    return Reservoir(LIMITS, 1_000_000, 2)  # a step is 500 nL


def test_it_is_unknown_until_it_is_set():
    r = reservoir()
    assert r.left_nl(0) is None
    r.deduct(10)
    assert r.left_nl(5) is None


def test_steps_are_taken_off_both_ways():
    r = reservoir()
    r.fill(10_000_000, 40)  # in the middle of an infusion
    assert r.left_nl(40) == 10_000_000
    assert r.left_nl(140) == 9_950_000
    assert r.left_nl(100) == 9_970_000  # 40 were drawn back
    r.deduct(100)
    assert r.left_nl(0) == 9_970_000
    assert r.left_nl(2) == 9_969_000
    r.fill(None, 2)
    assert r.left_nl(3) is None


def test_below_nothing_there_is_nothing():
    r = reservoir()
    r.fill(1000, 0)
    assert r.left_nl(5) == 0


def test_levels_and_what_is_usable():
    r = reservoir()
    assert [r.level(nl) for nl in (1_000_001, 1_000_000, 500_001, 500_000, 0)] == [
        _LEVEL_OK,
        LEVEL_LOW,
        LEVEL_LOW,
        LEVEL_EMPTY,
        LEVEL_EMPTY,
    ]
    assert [r.usable_nl(nl) for nl in (2_000_000, 500_000, 400_000)] == [1_500_000, 0, 0]


@given(st.lists(st.tuples(st.integers(-50, 500), st.booleans()), max_size=30))
def test_the_account_is_exact_however_often_it_is_settled(moves):
    r = reservoir()
    r.fill(100_000_000, 0)
    net = total = 0
    for steps, new_account in moves:
        net += steps
        total += steps
        assert r.left_nl(net) == max(0, 100_000_000 - 500 * total)
        if new_account:
            r.deduct(net)
            net = 0


def test_times_that_can_be_done_by_hand():
    endless = [[5000, 5000, 0, 0]]
    assert seconds_to_give(10_000_000, SegmentWalk(endless)) == 7200  # 10 mL at 5 mL/h
    bag = [[200_000, 200_000, 1800, 0], [1000, 1000, 19_800, 0]]  # 100 mL in 30 min, then 1 mL/h for 5.5 h
    assert seconds_to_give(50_000_000, SegmentWalk(bag, 4)) == 900
    # From 20 min on: 33.3 mL in the 10 min that are left, 5.5 mL in the pause, 11.2 mL at 200 mL/h.
    assert seconds_to_give(50_000_000, SegmentWalk(bag, 4), into_s=1200) == 600 + 19_800 + 201
    # 100 mL, 5.5 mL, 100 mL, and the last 4.5 mL at 1 mL/h
    assert seconds_to_give(210_000_000, SegmentWalk(bag, 4)) == 21_600 + 1800 + 16_200
    assert seconds_to_give(1_000_000_000, SegmentWalk(bag, 4)) is None
    assert seconds_to_give(1_000_000_000, SegmentWalk(bag, 4), tail_ul_h=1000) == 4 * 21_600 + 578_000 * 18 // 5


def test_a_ramp_is_followed_along_its_line():
    ramp = [[0, 10_000, 3600, 0]]  # 5 mL in the hour; after half of the time a quarter
    assert seconds_to_give(1_250_000, SegmentWalk(ramp)) == 1800
    assert seconds_to_give(3_750_000, SegmentWalk(ramp), into_s=1800) is None  # at its end exactly
    assert seconds_to_give(3_749_000, SegmentWalk(ramp), into_s=1800) == pytest.approx(1800, abs=1)


segments = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(1, 600)), min_size=1, max_size=4
)


@given(segments, st.integers(1, 4), st.integers(1, 20_000_000), st.data())
def test_the_line_passes_the_volume_at_the_time_that_was_found(parts, repeat, volume_nl, data):
    repeat_from = data.draw(st.integers(0, len(parts) - 1))
    into_s = data.draw(st.integers(0, parts[0][2] - 1))
    regimen = [[begin, end, seconds, 0] for begin, end, seconds in parts]
    found = seconds_to_give(volume_nl, SegmentWalk(regimen, repeat, repeat_from), into_s)
    played = parts + parts[repeat_from:] * (repeat - 1)

    def given_nl(until_s):
        """Exactly, from `into_s` on."""
        total, from_s = Fraction(0), into_s
        for begin, end, seconds in played:
            to_s = min(seconds, from_s + max(0, until_s))
            mean = begin + Fraction(end - begin) * (from_s + to_s) / (2 * seconds)
            total += mean * (to_s - from_s) * 5 / 18
            until_s -= to_s - from_s
            from_s = 0
        return total

    # What a segment gives is rounded down to a nL, so the volume is thought to last longer by as much.
    slack_nl = len(played) + 1
    if found is None:
        assert given_nl(10**9) <= volume_nl + slack_nl
    else:
        assert given_nl(found - 1) <= volume_nl + slack_nl
        assert given_nl(found + 1) >= volume_nl - 1


# ---- along a therapy that is under way ----

STEP = (350_000, 1)  # pL
TICK_HZ = 5_000_000


def therapy(regimen, kvo_ul_h=1000, after_s=0):
    """As if it had been given for so long."""
    t = Therapy({"kind": "steps", **regimen}, *STEP, kvo_ul_h)
    give(t, after_s)
    return t


def give(t, seconds):
    earned_pl = 0
    for _ in range(seconds):
        earned_pl += t.target_ul_h * 5000 // 18
        steps = min(t.budget_steps(), -(-earned_pl // STEP[0]))  # a step too early rather than too late
        earned_pl -= steps * STEP[0]
        t.granted(steps, TICK_HZ)


def test_a_ramp_that_is_under_way_is_followed_from_where_it_is():
    ramp = {"segments": [[0, 10_000, 3600, 0], [10_000, 10_000, 0, 0]]}
    t = therapy(ramp, after_s=1800)
    # 3.75 mL are left of the ramp, then 10 mL/h: 5.75 mL take 1800 s and 720 s. A stair of the ramp is 60 s.
    assert seconds_until(t, 5_750_000) == pytest.approx(2520, abs=61)


def test_kvo_empties_it_too_when_the_regimen_is_over_before():
    ending = {"segments": [[60_000, 60_000, 0, 1_000_000]], "kvo": 1}
    assert seconds_until(therapy(ending), 2_000_000) == pytest.approx(60 + 3600, abs=2)
    assert seconds_until(therapy({**ending, "kvo": 0}), 2_000_000) is None
    assert seconds_until(therapy(ending, kvo_ul_h=0), 2_000_000) is None
    assert seconds_until(therapy(ending, after_s=30), 2_000_000) == pytest.approx(30 + 3600 + 1800, abs=8)


def test_a_bolus_under_way_brings_the_end_nearer():
    t = therapy({"segments": [[5000, 5000, 0, 0]]})
    assert seconds_until(t, 5_000_000) == 3600
    t.give(t.square, 1_000_000, 10_000)  # 1 mL in 6 min, on top
    assert seconds_until(t, 5_000_000) == pytest.approx(2880, abs=2)
    assert seconds_until(t, 1_000_000) == pytest.approx(240, abs=2)  # within it: at 15 mL/h


def test_of_a_bolus_only_what_it_has_not_given_is_still_to_come():
    t = therapy({"segments": [[5000, 5000, 0, 0]]})
    t.give(t.square, 1_000_000, 10_000)
    give(t, 180)
    # 0.5 mL of it are left, and 4.5 of the 5 mL are given at 5 mL/h.
    assert seconds_until(t, 5_000_000) == pytest.approx(3240, abs=3)
    assert seconds_until(t, 500_000) == pytest.approx(120, abs=3)
    t.give(t.patient, 1_000_000, 20_000)  # goes before the rest of it
    assert seconds_until(t, 5_000_000) == pytest.approx(2520, abs=3)
    give(t, 90)
    assert seconds_until(t, 5_000_000) == pytest.approx(2880, abs=3)


def test_a_volume_to_be_infused_ends_it_before():
    t = therapy({"segments": [[5000, 5000, 0, 0]], "vtbi_nl": 1_000_000})
    assert seconds_until(t, 2_000_000) is None
    assert seconds_until(t, 500_000) == 360
