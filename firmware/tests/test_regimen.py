"""What is a regimen, and when a patient may have a bolus."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.therapy.bolus_limits import LIMIT, LOCKOUT, BolusLimits
from pump.core.therapy.regimen import BadRegimen, check, continuous
from pump.core.therapy.segments import ENDLESS, SegmentRunner, SegmentWalk
from pump.core.therapy.therapy import Therapy

MECHANICS = {"step_pl": (1000, 1), "min_rate_ul_h": 10, "max_rate_ul_h": 1_200_000, "resonance_hz": (0, 0)}
BOLUS = {"volume_nl": 500, "rate_ul_h": 100, "lockout_s": 300, "max_1h_nl": 2000, "max_4h_nl": 5000}
PCA = {"kind": "pca", "segments": [[100, 100, 0, 0]], "bolus": BOLUS}


def code_of(regimen):
    with pytest.raises(BadRegimen) as bad:
        check(regimen, MECHANICS)
    return bad.value.code, bad.value.parameter


def test_what_is_right_is_taken():
    check(continuous(5000, 1000), MECHANICS)
    check(PCA, MECHANICS)
    check({"kind": "steps", "segments": [[10, 20, 60, 0], [0, 0, 5, 0], [30, 30, 0, 100]], "repeat": 3}, MECHANICS)


@pytest.mark.parametrize("key", [*BOLUS, "segments", "kind"])
def test_nothing_that_is_needed_may_lack(key):
    regimen = {**PCA, "bolus": {k: v for k, v in BOLUS.items() if k != key}}
    regimen.pop(key, None)
    assert code_of(regimen)[0] in ("missing_parameter", "out_of_range")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=4)))
def test_whatever_comes_is_refused_by_name_and_breaks_nothing(value):
    for regimen in (
        {"kind": "steps", "segments": value},
        {"kind": value, "segments": [[10, 10, 60, 0]]},
        {**PCA, "bolus": value},
        {**PCA, "bolus": {**BOLUS, "lockout_s": value}},
        {**PCA, "repeat": value},
    ):
        try:
            check(regimen, MECHANICS)
        except BadRegimen as bad:
            assert bad.parameter  # noqa: PT017 - what is taken is right, what is not is named


def test_the_stairs_of_a_ramp_add_up_to_the_volume_under_the_line():
    runner = SegmentRunner({"segments": [[1000, 20, 7201, 0]]}, 128)
    ticks = volume = 0
    while True:
        ticks += runner.left_ticks
        volume += runner.rate_ul_h * 128 * runner.left_ticks - runner.excess
        if not runner.advance():
            break
    assert ticks == 7201 * 5_000_000
    assert volume == 128 * (1020 * ticks // 2)
    assert runner.left_ticks == ENDLESS


def test_the_remainder_is_known_from_any_place_in_the_regimen():
    regimen = {"kind": "steps", "segments": [[3600, 3600, 10, 0], [3600, 7200, 100, 0], [0, 0, 50, 0]], "repeat": 2}
    therapy = Therapy(regimen, 1000, 1)
    # 1 µL a second for 10 s, 1 to 2 for 100 s, a pause; twice.
    assert therapy.left() == (320, 2 * (10_000 + 150_000))
    for _ in range(4):  # a step is 1 nL
        therapy.granted(1000, 5_000_000)
    assert therapy.left() == (316, 320_000 - 4000)


def limits(**more):
    return BolusLimits({**BOLUS, **more}, (1000, 1), 0)


def test_the_lockout_runs_from_the_start_and_from_a_bolus():
    it = limits()
    assert it.lockout_s == 300
    it.update(0, 299_999)
    assert it.lockout_s == 1
    it.update(0, 300_000)
    assert it.lockout_s == 0
    it.on_bolus()
    assert it.lockout_s == 300


def test_a_bolus_is_refused_by_the_lockout_then_by_the_limit():
    it = limits()  # a bolus is 500 steps, an hour holds 2000
    assert it.refusal(0) == LOCKOUT
    it.update(1001, 300_000)
    assert it.refusal(499) is None  # 1001 + 499 + 500 = 2000
    assert it.refusal(500) == LIMIT
    it.on_bolus()
    assert it.refusal(500) == LOCKOUT


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 700)), max_size=60))
def test_no_hour_and_no_four_hold_more_than_the_limit(requests):
    """Seconds between two requests, steps of basal in between; a bolus is taken whenever the limits allow it."""
    it = limits()
    now_s = given = 0
    history = []
    for wait_s, basal in requests:
        now_s += wait_s
        basal = min(basal, wait_s)
        given += basal
        history.append((now_s, basal))
        it.update(given, now_s * 1000 & 0x3FFFFFFF)
        if it.allows():
            given += 500
            history.append((now_s, 500))
            it.update(given, now_s * 1000 & 0x3FFFFFFF)
            for span_s, most in ((3600, 2000), (4 * 3600, 5000)):
                assert sum(steps for at, steps in history if at > now_s - span_s) <= most


def test_steps_beyond_the_budget_are_a_fault():
    therapy = Therapy({"kind": "steps", "segments": [[3600, 3600, 10, 0], [7200, 7200, 10, 0]]}, 1000, 1)
    assert therapy.budget_steps() == 10_000  # 1 µL/s for 10 s; a step is 1 nL
    therapy.granted(10_001, 5_000_000)
    with pytest.raises(AssertionError):
        therapy.budget_steps()


@pytest.mark.parametrize("place", [{"at": 2}, {"at": -1}, {"cycle": 3}, {"cycle": -1}])
def test_a_walk_that_begins_outside_the_regimen_is_a_fault(place):
    with pytest.raises(AssertionError):
        SegmentWalk([[3600, 3600, 10, 0], [0, 0, 10, 0]], 3, **place)


def test_a_walk_repeats_what_comes_after_the_loading_dose():
    walk = SegmentWalk([[1000, 1000, 60, 0], [2000, 2000, 60, 0], [0, 0, 60, 0]], 2, 1)
    places = [(walk.at, walk.cycle)]
    while walk.next_segment():
        places.append((walk.at, walk.cycle))
    assert places == [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1)]
