"""Boluses: the patient's, the clinician's, which goes before which, and what no one gets."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hil_tests.expect import LEAD_S, alarms_told, motor_steps, now_ns, sleep_until, step_pl
from picoinfuse.bench import Bench
from picoinfuse.errors import PumpError
from picoinfuse.messages import Therapy

pytestmark = pytest.mark.needs("capture", "virtual_time")

BOLUS = {"volume_nl": 500_000, "rate_ul_h": 100_000, "lockout_s": 300, "max_1h_nl": 5_000_000, "max_4h_nl": 8_000_000}
BOLUS_S = 18  # 0.5 mL at 100 mL/h


def pca(basal_ul_h: int = 2_000, **more: int) -> dict[str, Any]:
    return {"kind": "pca", "segments": [[basal_ul_h, basal_ul_h, 0, 0]], "bolus": {**BOLUS, **more}}


def in_steps(bench: Bench, volume_nl: Fraction | float) -> Fraction:
    return Fraction(volume_nl) * 1000 / step_pl(bench.profile)


def flow_nl(rate_ul_h: int, seconds: float) -> Fraction:
    return Fraction(rate_ul_h) * Fraction(seconds) * 1000 / 3600


def made(bench: Bench, begin_s: float, end_s: float | None = None) -> int:
    return bench.trace.count("step", round(begin_s * 1e9), None if end_s is None else round(end_s * 1e9))


def therapy(bench: Bench) -> Therapy:
    told = bench.pump.therapy()
    assert told is not None
    return told


def test_a_patients_bolus_comes_on_top_of_the_basal_rate(bench: Bench) -> None:
    since_ns = now_ns(bench)
    begun_s = bench.now()
    bench.pump.start_regimen(pca())
    bench.sleep(310)
    asked_s = bench.now()
    assert bench.pump.request_bolus().given
    bench.sleep(5)
    told = therapy(bench)
    assert (told.bolus, told.requests, told.given) == ("patient", 1, 1)
    assert told.bolus_left_nl == pytest.approx(500_000 * 13 / 18, abs=LEAD_S * 28_000)
    assert told.lockout_s in (294, 295)
    bench.sleep(60)
    assert therapy(bench).bolus is None
    # The bolus to the step, and the basal before, under and after it as if there had been none.
    basal = in_steps(bench, flow_nl(2_000, bench.now() - begun_s))
    assert float(len(motor_steps(bench, since_ns)) - basal - in_steps(bench, 500_000)) == pytest.approx(0, abs=2)
    during = made(bench, asked_s, asked_s + BOLUS_S + LEAD_S)
    assert during == pytest.approx(float(in_steps(bench, 500_000 + flow_nl(2_000, BOLUS_S))), abs=2)


def test_the_lockout_runs_from_the_start_and_from_each_bolus(bench: Bench) -> None:
    bench.pump.start_regimen(pca())
    given: list[float] = []
    begun_s = bench.now()
    while bench.now() < begun_s + 1300:
        asked_s = bench.now()
        told = bench.pump.request_bolus()
        assert told.why in (None, "lockout", "running")
        if told.given:
            given.append(asked_s)
        bench.sleep(7)
    # From 300 s on, one in 300 s, at the first press after.
    assert len(given) == 4
    gaps = [after - before for before, after in zip([begun_s, *given], given, strict=False)]
    assert all(300 - 0.1 <= gap <= 308 for gap in gaps)
    assert therapy(bench).given == 4
    assert bench.pump.status().alarms == ()


@pytest.mark.long
def test_the_limit_of_an_hour_holds_in_every_hour(bench: Bench) -> None:
    """2 mL/h of basal and boluses of 0.5 mL every 5 min would be 8 mL; 5 are allowed."""
    begun_s = bench.now()
    bench.pump.start_regimen(pca())
    for _ in range(3 * 12):
        bench.sleep(300.5)
        bench.pump.request_bolus()
    edges = bench.trace.edges("step", True, round(begun_s * 1e9)) / 1e9
    step_nl = float(step_pl(bench.profile)) / 1000
    for at in edges[::50]:
        given_nl = step_nl * ((edges >= at) & (edges < at + 3600)).sum()
        # Beyond the limit flows what keeps the vein open, 1 mL/h, and that for less than an hour.
        assert given_nl <= 5_000_000 + 1_000_000
    assert next(event.priority for event in alarms_told(bench, "dose_limit") if event.active) == "medium"
    assert therapy(bench).given < 3 * 8


@pytest.mark.long
def test_at_the_limit_only_the_vein_is_kept_open_until_there_is_room_again(bench: Bench) -> None:
    bench.pump.start_regimen(pca(basal_ul_h=5_000, lockout_s=60, max_1h_nl=2_000_000))
    bench.sleep(61)
    assert bench.pump.request_bolus().given
    bench.sleep(61)
    assert bench.pump.request_bolus().given
    bench.sleep(61)
    # 250 µL of basal and 1 mL of boluses are given; 0.5 mL more fit, and then none.
    assert bench.pump.request_bolus().given
    bench.sleep(61)
    assert bench.pump.request_bolus().why == "limit"
    bench.sleep(1.5)
    status = bench.pump.status()
    assert (status.state, status.alarms, status.kvo, status.target_ul_h) == ("infusing", ("dose_limit",), True, 1_000)
    assert therapy(bench).phase == "held"
    assert bench.pump.request_bolus().why == "alarm"
    # The first bolus leaves the hour 60 to 65 min after it was given.
    sleep_until(bench, lambda: bench.pump.status().alarms == (), 3900, 30)
    assert bench.pump.status().target_ul_h == 5_000


def test_the_patients_bolus_goes_before_the_clinicians_which_then_goes_on(bench: Bench) -> None:
    begun_s = bench.now()
    bench.pump.start_regimen(pca(basal_ul_h=0, lockout_s=60))
    bench.sleep(61)
    bench.pump.bolus(2_000_000, 20_000)  # 360 s
    bench.sleep(30)
    assert therapy(bench).bolus == "clinician"
    assert bench.pump.request_bolus().given
    asked_s = bench.now()
    bench.sleep(10)
    assert therapy(bench).bolus == "patient"
    with pytest.raises(PumpError) as refused:  # one square bolus at a time
        bench.pump.bolus(1_000_000, 20_000)
    assert refused.value.data["why"] == "running"
    bench.sleep(10)
    assert therapy(bench).bolus == "clinician"
    bench.sleep(360)
    assert therapy(bench).bolus is None
    assert made(bench, begun_s) == int(in_steps(bench, 2_500_000))
    # While the patient's ran the clinician's stood.
    during = made(bench, asked_s + LEAD_S, asked_s + BOLUS_S - LEAD_S)
    assert during == pytest.approx(float(in_steps(bench, flow_nl(100_000, BOLUS_S - 2 * LEAD_S))), abs=2)


def test_a_bolus_that_was_interrupted_is_over_and_the_rest_of_the_dose_is_right(bench: Bench) -> None:
    """A recall: a bolus interrupted, primed and resumed gave the wrong dose."""
    begun_s = bench.now()
    bench.pump.start_regimen(
        {"kind": "steps", "segments": [[10_000, 10_000, 600, 0]], "bolus": {**BOLUS, "lockout_s": 60}}
    )
    bench.sleep(100)
    assert bench.pump.request_bolus().given
    bench.sleep(6)
    bench.pump.pause()
    bench.sleep(300)
    paused_nl = bench.pump.status().delivered_nl
    bench.pump.resume()
    bench.sleep(2)
    told = therapy(bench)
    assert (told.bolus, told.bolus_left_nl) == (None, 0)
    sleep_until(bench, lambda: bench.pump.status().state == "idle", 600, 5)
    # What the bolus gave until the pause, and all of the basal.
    bolus_nl = paused_nl - float(flow_nl(10_000, 106))
    assert bolus_nl == pytest.approx(float(flow_nl(100_000, 6)), abs=float(flow_nl(110_000, LEAD_S)))
    total = in_steps(bench, flow_nl(10_000, 600) + Fraction(bolus_nl))
    assert made(bench, begun_s) == pytest.approx(float(total), abs=5)
    assert bench.pump.status().alarms == ("infusion_complete",)


def test_an_alarm_ends_a_bolus_and_allows_none(bench: Bench) -> None:
    bench.pump.start_regimen(pca(lockout_s=60))
    bench.sleep(61)
    assert bench.pump.request_bolus().given
    bench.sleep(3)
    bench.slow_cpu(60)  # task_overrun, MEDIUM: delivery goes on
    bench.sleep(0.5)
    bench.slow_cpu(0)
    bench.sleep(2)
    status = bench.pump.status()
    assert (status.state, status.alarms, status.target_ul_h) == ("infusing", ("task_overrun",), 2_000)
    assert therapy(bench).bolus is None
    bench.sleep(61)
    assert bench.pump.request_bolus().why == "alarm"
    with pytest.raises(PumpError) as refused:
        bench.pump.bolus(1_000_000, 20_000)
    assert refused.value.data["why"] == "alarm"
    bench.pump.clear_alarms()
    assert bench.pump.request_bolus().given


@pytest.mark.needs("occlude")
def test_an_occlusion_in_a_bolus_ends_it_and_what_is_drawn_back_of_it_is_not_owed(bench: Bench) -> None:
    bench.pump.start_regimen(pca(basal_ul_h=10_000, lockout_s=60, volume_nl=3_000_000, rate_ul_h=600_000))
    bench.sleep(61)
    bench.occlude()
    assert bench.pump.request_bolus().given
    sleep_until(bench, lambda: "occlusion" in bench.pump.status().alarms, 60, 0.5)
    assert therapy(bench).bolus is None
    sleep_until(bench, lambda: bench.pump.status().recovery is None, 40, 0.5)
    bench.occlude(False)
    bench.sleep(1)
    assert bench.pump.status().state == "alarm_stopped"
    # What left the syringe and stayed out is the basal of a minute, and what the line still holds: 19 µL at 10 mmHg.
    basal_nl = float(flow_nl(10_000, 75))
    assert bench.pump.status().delivered_nl <= basal_nl + 60_000


@pytest.mark.parametrize("rate_ul_h", [100_000, 1_000_000])
def test_a_clinicians_bolus_is_exact_to_the_step_at_any_rate(bench: Bench, rate_ul_h: int) -> None:
    begun_s = bench.now()
    bench.pump.start_regimen({"kind": "pca", "segments": [[0, 0, 0, 0]], "bolus": BOLUS})
    bench.sleep(1)
    bench.pump.bolus(1_234_567, rate_ul_h)
    bench.sleep(1.234567 * 3600 / (rate_ul_h / 1000) + 2)
    assert made(bench, begun_s) == int(in_steps(bench, 1_234_567))
    assert bench.pump.status().alarms == ()


def test_who_has_no_bolus_gets_none_and_is_told_why(bench: Bench) -> None:
    assert bench.pump.request_bolus().why == "not_infusing"
    bench.pump.start(5_000)
    assert bench.pump.request_bolus().why == "no_bolus"
    for volume_nl, rate_ul_h, parameter in ((300, 20_000, "volume_nl"), (100_000, 1_199_000, "rate_ul_h")):
        with pytest.raises(PumpError) as refused:
            bench.pump.bolus(volume_nl, rate_ul_h)
        assert (refused.value.code, refused.value.data["parameter"]) == ("out_of_range", parameter)
    bench.pump.pause()
    with pytest.raises(PumpError) as refused:
        bench.pump.bolus(100_000, 20_000)
    assert refused.value.code == "wrong_state"
    assert bench.pump.request_bolus().why == "not_infusing"
