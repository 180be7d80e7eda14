"""The fluid path: closed forms by hand, conservation, indifference to how time is cut, published occlusion delays."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picoinfuse.world.fluid import IMPULSE_NS, FluidPath

S = 1_000_000_000
MMHG_PA = 133.322
# the 50 mL syringe: 1.437 mL/bar; 30 kPa at 1200 mL/h = 333,333 nL/s makes R 0.09 Pa s/nL, and tau = RC = 1.2933 s
CONFIG = {"compliance_nl_per_pa": 14.37, "resistance_pa_s_per_nl": 0.09, "stall_pa": 200_000.0}
TAU_S = 14.37 * 0.09


def _path(**changes):
    return FluidPath({**CONFIG, **changes})


def _held(path):
    return path.delivered_nl - path.patient_nl


# ---- by hand ----


def test_a_step_raises_the_pressure_by_its_volume_over_the_compliance():
    path = _path()
    path.impulse(0, 143.7)
    assert path.pressure_pa == pytest.approx(10.0)  # 143.7 / 14.37


def test_an_open_line_empties_with_its_time_constant():
    path = _path()
    path.impulse(0, 143.7)
    path.advance(S)
    assert path.pressure_pa == pytest.approx(10 * math.exp(-1 / TAU_S))
    assert path.patient_nl == pytest.approx(143.7 * (1 - math.exp(-1 / TAU_S)))


def test_a_steady_flow_comes_to_its_resistance_times_the_flow():
    """1200 mL/h in steps of 0.35 nL... 952,381 a second; 30 kPa after many time constants."""
    path = _path()
    path.pulses(0, 1050, 60 * 952_381, 0.35)  # 60 s
    path.advance(60 * S)
    assert path.pressure_pa == pytest.approx(30_000, rel=1e-5)  # the period is rounded to whole ns


def test_a_batch_rises_as_one_minus_the_exponential():
    path = _path()
    path.pulses(0, 1_000_000, 2000, 1.0)  # 1000 nL/s for 2 s: towards 90 Pa
    path.advance(S)
    assert path.pressure_pa == pytest.approx(90 * (1 - math.exp(-1 / TAU_S)))
    at_end = 90 * (1 - math.exp(-2 / TAU_S))
    path.advance(3 * S)
    assert path.pressure_pa == pytest.approx(at_end * math.exp(-1 / TAU_S))


def test_a_closed_line_keeps_what_it_is_given():
    path = _path()
    path.valve(0, True)
    path.pulses(0, 1_000_000, 1000, 14.37)
    path.advance(3600 * S)
    assert path.pressure_pa == pytest.approx(1000)
    assert path.patient_nl == pytest.approx(0, abs=1e-9)


def test_the_patients_pressure_pushes_back():
    path = _path()
    path.back_pressure(0, 2000)
    path.advance(100 * S)
    assert path.pressure_pa == pytest.approx(2000)
    assert path.patient_nl == pytest.approx(-2000 * 14.37)  # it came from the patient


def test_drawing_back_takes_the_pressure_off():
    path = _path()
    path.valve(0, True)
    path.impulse(0, 14.37 * 500)
    path.impulse(S, -14.37 * 450)
    assert path.pressure_pa == pytest.approx(50)
    assert path.delivered_nl == pytest.approx(14.37 * 50)


# ---- the motor's limits ----


def test_the_motor_stalls_at_its_pressure():
    path = _path()
    path.valve(0, True)
    path.pulses(0, 1_000_000, 10_000, 14.37 * 50)  # 50,000 Pa/s: at 200 kPa after 4 of 10 s
    path.advance(4 * S - 1)
    assert path.pressure_pa == pytest.approx(200_000, rel=1e-6)
    path.advance(20 * S)
    assert path.pressure_pa == 200_000.0
    assert path.delivered_nl == pytest.approx(14.37 * 200_000)


def test_a_stalled_motor_into_an_open_line_gives_what_flows_off():
    """Without a stall it would come to 90 * 40 = 3600 Pa; at 1000 Pa the line takes 1000 / 0.09 nL/s."""
    path = _path(stall_pa=1000.0)
    path.pulses(0, 1_000_000, 60_000, 40.0)
    path.advance(30 * S)
    at_30 = path.delivered_nl
    path.advance(60 * S)
    assert path.pressure_pa == 1000.0
    assert path.delivered_nl - at_30 == pytest.approx(30 * 1000 / 0.09)


def test_a_single_step_stops_at_the_stall_pressure_too():
    path = _path(stall_pa=10.0)
    path.impulse(0, 14.37 * 9)
    path.valve(0, True)
    path.impulse(0, 14.37 * 9)
    assert path.pressure_pa == pytest.approx(10)
    path.impulse(0, 14.37)
    assert path.delivered_nl == pytest.approx(143.7)


def test_a_vacuum_stops_at_80_kpa():
    path = _path()
    path.valve(0, True)
    path.pulses(0, 1_000_000, 10_000, -14.37 * 50)
    path.advance(10 * S)
    assert path.pressure_pa == -80_000.0


def test_pushed_beyond_the_stall_from_outside_the_motor_gives_nothing_until_it_is_back():
    path = _path(stall_pa=1000.0)
    path.back_pressure(0, 5000)
    path.advance(20 * S)
    path.pulses(20 * S, 1_000_000, 100_000, 40.0)
    path.advance(30 * S)
    assert path.delivered_nl == 0
    path.back_pressure(30 * S, 0)
    path.advance(60 * S)  # falls to 1000 Pa, then is held there
    assert path.pressure_pa == 1000.0
    fall_s = TAU_S * math.log(5000 / 1000)
    assert path.delivered_nl == pytest.approx((30 - fall_s) * 1000 / 0.09, rel=1e-6)


# ---- properties ----

events = st.lists(
    st.one_of(
        st.tuples(st.just("impulse"), st.integers(0, 20 * S), st.floats(-3000, 3000)),
        st.tuples(
            st.just("pulses"),
            st.integers(0, 20 * S),
            st.integers(10_000, 2 * IMPULSE_NS),
            st.integers(1, 300),
            st.floats(-400, 400),
        ),
        st.tuples(st.just("valve"), st.integers(0, 20 * S), st.booleans()),
        st.tuples(st.just("back_pressure"), st.integers(0, 20 * S), st.floats(-1000, 3000)),
    ),
    max_size=12,
)


def _play(path, history, cuts=()):
    """Plays the events; `cuts` are instants at which the state is read. Returns the end."""
    t_ns = 0
    looks = sorted(cuts)
    for kind, gap_ns, *rest in history:
        t_ns += gap_ns
        while looks and looks[0] <= t_ns:
            path.advance(looks.pop(0))
        getattr(path, kind)(t_ns, *rest)
        if kind == "pulses" and rest[0] > IMPULSE_NS:
            t_ns += rest[0] * rest[1]
    end_ns = t_ns + 5 * S
    for look in looks:
        if look < end_ns:
            path.advance(look)
    path.advance(end_ns)
    return end_ns


@given(
    history=events,
    cuts=st.lists(st.integers(0, 250 * S), max_size=200),
    stall_pa=st.sampled_from([1e9, 200_000.0, 700.0]),
)
@settings(max_examples=200)
def test_it_makes_no_difference_how_time_is_cut(history, cuts, stall_pa):
    """To 1e-9 of the larger of the pressure and 1 Pa: rounding only."""
    whole, cut = _path(stall_pa=stall_pa), _path(stall_pa=stall_pa)
    _play(whole, history)
    _play(cut, history, cuts)
    assert cut.pressure_pa == pytest.approx(whole.pressure_pa, rel=1e-9, abs=1e-9)
    assert cut.delivered_nl == pytest.approx(whole.delivered_nl, rel=1e-9, abs=1e-6)


@given(
    count=st.integers(1, 3000),
    period_ns=st.integers(5_000, IMPULSE_NS),
    parts=st.lists(st.integers(1, 3000), max_size=10),
)
@settings(max_examples=100)
def test_a_batch_may_be_given_in_parts(count, period_ns, parts):
    whole, told = _path(), _path()
    whole.pulses(0, period_ns, count, 0.35)
    done = 0
    for part in [*parts, count]:
        part = min(part, count - done)
        if part:
            told.pulses(done * period_ns, period_ns, part, 0.35)
            done += part
            told.advance((done - 1) * period_ns + period_ns // 2)
    for path in (whole, told):
        path.advance(count * period_ns + S)
    assert told.pressure_pa == pytest.approx(whole.pressure_pa, rel=1e-9, abs=1e-12)
    assert told.delivered_nl == pytest.approx(count * 0.35, rel=1e-9)


@given(history=events, stall_pa=st.sampled_from([1e9, 200_000.0, 700.0]))
@settings(max_examples=200)
def test_volume_is_conserved(history, stall_pa):
    """What left the syringe is in the line or in the patient, and a closed valve lets nothing through."""
    path = _path(stall_pa=stall_pa)
    end_ns = _play(path, history)
    assert _held(path) == pytest.approx(14.37 * path.pressure_pa, rel=1e-9, abs=1e-6)
    path.valve(end_ns, True)
    before = path.patient_nl
    path.impulse(end_ns, 50.0)
    path.advance(end_ns + 100 * S)
    assert path.patient_nl == pytest.approx(before, rel=1e-9, abs=1e-6)


@given(start_pa=st.floats(-20_000, 100_000), patient_pa=st.floats(-500, 3000), seconds=st.floats(0.01, 10))
@settings(max_examples=50)
def test_what_reaches_the_patient_is_the_integral_of_the_outflow(start_pa, patient_pa, seconds):
    """Trapezoids of (P - patient)/R; 4000 of them over at most 7.7 time constants err by less than 1e-6."""
    path = _path()
    path.impulse(0, start_pa * 14.37)
    path.back_pressure(0, patient_pa)
    n = 4000
    outflow = [(path.pressure_at(int(seconds * S * i / n)) - patient_pa) / 0.09 for i in range(n + 1)]
    integral = (sum(outflow) - (outflow[0] + outflow[-1]) / 2) * seconds / n
    path.advance(int(seconds * S))
    assert path.patient_nl == pytest.approx(integral, rel=1e-5, abs=1e-3)


@given(history=events, ahead_ns=st.integers(0, 30 * S))
@settings(max_examples=100)
def test_asking_for_the_pressure_changes_nothing(history, ahead_ns):
    path = _path(stall_pa=700.0)
    end_ns = _play(path, history)
    before = path.snapshot()
    ahead_pa = path.pressure_at(end_ns + ahead_ns)
    assert path.snapshot() == before
    path.advance(end_ns + ahead_ns)
    assert path.pressure_pa == ahead_pa


@given(history=events)
@settings(max_examples=50)
def test_a_snapshot_survives_json(history):
    path, again = _path(), _path()
    end_ns = _play(path, history)
    again.restore(json.loads(json.dumps(path.snapshot())))
    for each in (path, again):
        each.advance(end_ns + S)
    assert again.pressure_pa == path.pressure_pa
    assert again.patient_nl == path.patient_nl


# ---- against the literature ----


@pytest.mark.parametrize(("rate_ml_h", "published_min", "spread_min"), [(0.5, 117, 9), (5.0, 15, 7)])
def test_the_time_to_the_alarm_is_the_published_one(rate_ml_h, published_min, spread_min):
    """Dönmez 2005, 50 mL syringes, 517 mmHg. C dP = 14.37 * 68,927 Pa = 0.99 mL: 118.9 min, and 11.9 min at 5 mL/h."""
    path = _path()
    path.valve(0, True)
    step_nl = 35.0  # a hundred microsteps at a time
    interval_ns = round(step_nl / (rate_ml_h * 1e6 / 3600) * S)
    t_ns = 0
    while path.pressure_pa < 517 * MMHG_PA:
        t_ns += interval_ns
        path.impulse(t_ns, step_nl)
    assert abs(t_ns / 60 / S - published_min) <= spread_min
