"""Boluses of patient and clinician: which takes precedence, and which are refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hil_tests.expect import LEAD_S, alarms_reported, motor_steps, now_ns, sleep_until, step_pl
from picoinfuse.bench import Bench
from picoinfuse.client.methods.flow import Therapy
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

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
    reported = bench.pump.therapy()
    assert reported is not None
    return reported


@pytest.mark.requirement("GIP-1.4")
def test_a_patients_bolus_comes_on_top_of_the_basal_rate(bench: Bench, measure: Measure) -> None:
    since_ns = now_ns(bench)
    begun_s = bench.now()
    bench.pump.start_regimen(pca())
    bench.sleep(310)
    asked_s = bench.now()
    assert bench.pump.request_bolus().given
    bench.sleep(5)
    reported = therapy(bench)
    measure("bolus reported", (reported.bolus, reported.requests, reported.given), equal=("patient", 1, 1))
    measure("left of the bolus", reported.bolus_left_nl, unit="nL", near=500_000 * 13 / 18, by=LEAD_S * 28_000)
    measure("left of the lockout", reported.lockout_s, unit="s", one_of=(294, 295), req="PCA-2")
    bench.sleep(60)
    measure("bolus reported after its end", therapy(bench).bolus, equal=None)
    # The bolus is exact to the step; the basal volume before, during and after is as if there had been no bolus.
    basal = in_steps(bench, flow_nl(2_000, bench.now() - begun_s))
    beyond = float(len(motor_steps(bench, since_ns)) - basal - in_steps(bench, 500_000))
    measure("steps beyond basal rate and bolus", beyond, near=0, by=2)
    during = made(bench, asked_s, asked_s + BOLUS_S + LEAD_S)
    measure("steps under the bolus", during, near=in_steps(bench, 500_000 + flow_nl(2_000, BOLUS_S)), by=2)


@pytest.mark.requirement("PCA-2")
def test_the_lockout_runs_from_the_start_and_from_each_bolus(bench: Bench, measure: Measure) -> None:
    bench.pump.start_regimen(pca())
    given: list[float] = []
    begun_s = bench.now()
    while bench.now() < begun_s + 1300:
        asked_s = bench.now()
        reported = bench.pump.request_bolus()
        measure("reason reported", reported.why, one_of=(None, "lockout", "running"))
        if reported.given:
            given.append(asked_s)
        bench.sleep(7)
    # From 300 s on, one bolus in 300 s, at the first press after that.
    measure("boluses given", len(given), equal=4)
    for before, after in zip([begun_s, *given], given, strict=False):
        measure("from the one before", after - before, unit="s", at_least=300 - 0.1, at_most=308)
    measure("boluses reported", therapy(bench).given, equal=4)
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.requirement("PCA-2", "GIP-1.4")
def test_the_hour_limit_holds_in_every_hour(bench: Bench, measure: Measure) -> None:
    """2 mL/h of basal and boluses of 0.5 mL every 5 min would be 8 mL; 5 are allowed."""
    begun_s = bench.now()
    bench.pump.start_regimen(pca(max_4h_nl=20_000_000))
    for _ in range(3 * 12):
        bench.sleep(300.5)
        bench.pump.request_bolus()
    edges = bench.trace.edges("step", True, round(begun_s * 1e9)) / 1e9
    step_nl = float(step_pl(bench.profile)) / 1000
    most = (np.searchsorted(edges, edges + 3600) - np.arange(len(edges))).max()
    # Beyond the limit KVO flows, 1 mL/h, for less than an hour.
    measure("most in an hour", step_nl * float(most), unit="nL", at_most=5_000_000 + 1_000_000)
    priority = next(event.priority for event in alarms_reported(bench, "dose_limit") if event.active)
    measure("priority of the alarm", priority, equal="medium")
    # 3 h of 5 mL are 15 mL, 6 of which are the basal rate: 18 boluses of 0.5 mL. Some are missed, since the pump counts
    # an hour as 60 to 65 minutes, and the test requests one every 5.
    measure("boluses given", therapy(bench).given, at_least=12, at_most=3 * 8 - 1)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.requirement("PCA-2", "PCA-1")
def test_at_the_limit_only_kvo_flows_until_the_limit_allows_a_bolus_again(bench: Bench, measure: Measure) -> None:
    bench.pump.start_regimen(pca(basal_ul_h=5_000, lockout_s=60, max_1h_nl=2_000_000))
    # At the third, 250 µL of basal and 1 mL of boluses are given; one more bolus of 0.5 mL fits.
    begun_s = bench.now()
    for _ in range(3):
        bench.sleep(61)
        measure("bolus refused", bench.pump.request_bolus().why, equal=None)
    bench.sleep(61)
    measure("fourth bolus refused", bench.pump.request_bolus().why, equal="limit")
    bench.sleep(1.5)
    status = bench.pump.status()
    reported = (status.state, status.alarms, status.kvo, status.target_ul_h)
    measure("state, alarms, KVO, rate", reported, equal=("infusing", ("dose_limit",), True, 1_000))
    measure("phase", therapy(bench).phase, equal="held")
    measure("bolus at the limit refused", bench.pump.request_bolus().why, equal="alarm")
    # The first bolus, given at 61 s, leaves the hour 60 to 65 min later; the test checks every 30 s.
    sleep_until(bench, lambda: bench.pump.status().alarms == (), 3900, 30)
    measure("room again", bench.now() - begun_s, unit="s", at_least=3600, at_most=3900 + 61 + 30)
    measure("rate with room again", bench.pump.status().target_ul_h, unit="µL/h", equal=5_000)


@pytest.mark.requirement("PCA-2", "GIP-1.1")
def test_kvo_at_the_limit_is_never_faster_than_the_basal_rate(bench: Bench, measure: Measure) -> None:
    """0.5 mL/h, where the profile's KVO is 1 mL/h. The second bolus would make 1.02 mL; 1 mL is allowed."""
    bench.pump.start_regimen(pca(basal_ul_h=500, lockout_s=60, max_1h_nl=1_000_000))
    bench.sleep(61)
    measure("bolus refused", bench.pump.request_bolus().why, equal=None)
    bench.sleep(61)
    measure("second bolus refused", bench.pump.request_bolus().why, equal="limit")
    bench.sleep(1.5)
    status = bench.pump.status()
    measure("alarms and KVO", (status.alarms, status.kvo), equal=(("dose_limit",), True))
    measure("rate", status.target_ul_h, unit="µL/h", equal=500)


@pytest.mark.requirement("PCA-3", "GIP-1.4")
def test_the_patients_bolus_takes_precedence_and_the_clinicians_resumes(bench: Bench, measure: Measure) -> None:
    begun_s = bench.now()
    bench.pump.start_regimen(pca(basal_ul_h=0, lockout_s=60))
    bench.sleep(61)
    bench.pump.bolus(2_000_000, 20_000)  # 360 s
    bench.sleep(30)
    measure("bolus under way", therapy(bench).bolus, equal="clinician")
    measure("patient's bolus refused", bench.pump.request_bolus().why, equal=None)
    asked_s = bench.now()
    bench.sleep(10)
    measure("bolus under way after the patient's request", therapy(bench).bolus, equal="patient")
    with pytest.raises(PumpError) as refused:  # one square bolus at a time
        bench.pump.bolus(1_000_000, 20_000)
    measure("second square bolus refused", refused.value.data["why"], equal="running")
    bench.sleep(10)
    measure("bolus under way after the patient's", therapy(bench).bolus, equal="clinician")
    bench.sleep(360)
    measure("bolus under way at the end", therapy(bench).bolus, equal=None)
    measure("steps", made(bench, begun_s), equal=int(in_steps(bench, 2_500_000)))
    # The clinician's bolus waited during the patient's.
    during = made(bench, asked_s + LEAD_S, asked_s + BOLUS_S - LEAD_S)
    alone = in_steps(bench, flow_nl(100_000, BOLUS_S - 2 * LEAD_S))
    measure("steps under the patient's bolus", during, near=alone, by=2)


@pytest.mark.requirement("GIP-1.4", "RATE-5")
def test_an_interrupted_bolus_is_not_resumed_and_the_total_volume_is_right(bench: Bench, measure: Measure) -> None:
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
    reported = therapy(bench)
    measure("bolus after the pause", (reported.bolus, reported.bolus_left_nl), equal=(None, 0))
    sleep_until(bench, lambda: bench.pump.status().state == "idle", 600, 5)
    # The part of the bolus before the pause, and the whole basal volume.
    bolus_nl = paused_nl - float(flow_nl(10_000, 106))
    by = flow_nl(110_000, LEAD_S)
    measure("given of the bolus", bolus_nl, unit="nL", near=flow_nl(100_000, 6), by=by)
    total = in_steps(bench, flow_nl(10_000, 600) + Fraction(bolus_nl))
    measure("steps", made(bench, begun_s), near=total, by=5)
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))


@pytest.mark.requirement("GIP-1.4")
def test_an_alarm_ends_a_bolus_and_refuses_another(bench: Bench, measure: Measure) -> None:
    bench.pump.start_regimen(pca(lockout_s=60))
    bench.sleep(61)
    assert bench.pump.request_bolus().given
    bench.sleep(3)
    bench.slow_cpu(60)  # task_overrun, MEDIUM: delivery goes on
    bench.sleep(0.5)
    bench.slow_cpu(0)
    bench.sleep(2)
    status = bench.pump.status()
    reported = (status.state, status.alarms, status.target_ul_h)
    measure("state, alarms, rate", reported, equal=("infusing", ("task_overrun",), 2_000), req="PCA-1")
    measure("bolus under the alarm", therapy(bench).bolus, equal=None)
    bench.sleep(61)
    measure("patient's bolus refused", bench.pump.request_bolus().why, equal="alarm")
    with pytest.raises(PumpError) as refused:
        bench.pump.bolus(1_000_000, 20_000)
    measure("clinician's bolus refused", refused.value.data["why"], equal="alarm")
    bench.pump.clear_alarms()
    measure("refused when the alarm is cleared", bench.pump.request_bolus().why, equal=None)


@pytest.mark.needs("occlude")
@pytest.mark.requirement("GIP-1.4", "PCA-9")
def test_an_occlusion_ends_a_bolus_and_the_volume_drawn_back_is_not_given_again(bench: Bench, measure: Measure) -> None:
    bench.pump.start_regimen(pca(basal_ul_h=10_000, lockout_s=60, volume_nl=3_000_000, rate_ul_h=600_000))
    bench.sleep(61)
    bench.occlude()
    assert bench.pump.request_bolus().given
    sleep_until(bench, lambda: "occlusion" in bench.pump.status().alarms, 60, 0.5)
    measure("bolus under the alarm", therapy(bench).bolus, equal=None)
    sleep_until(bench, lambda: bench.pump.status().recovery is None, 40, 0.5)
    bench.occlude(False)
    bench.sleep(1)
    measure("state", bench.pump.status().state, equal="alarm_stopped")
    # One minute of basal left the syringe, and the line still holds 19 µL at 10 mmHg.
    basal_nl = float(flow_nl(10_000, 75))
    measure("delivered", bench.pump.status().delivered_nl, unit="nL", at_most=basal_nl + 60_000)


@pytest.mark.requirement("GIP-1.4", "RATE-5")
@pytest.mark.parametrize("rate_ul_h", [100_000, 1_000_000])
def test_a_clinicians_bolus_is_exact_to_the_step_at_any_rate(bench: Bench, measure: Measure, rate_ul_h: int) -> None:
    begun_s = bench.now()
    bench.pump.start_regimen({"kind": "pca", "segments": [[0, 0, 0, 0]], "bolus": BOLUS})
    bench.sleep(1)
    bench.pump.bolus(1_234_567, rate_ul_h)
    bench.sleep(1.234567 * 3600 / (rate_ul_h / 1000) + 2)
    measure("steps", made(bench, begun_s), equal=int(in_steps(bench, 1_234_567)))
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.requirement("PCA-2", "LINK-2")
def test_a_bolus_request_without_a_bolus_in_the_regimen_is_refused_with_the_reason(
    bench: Bench, measure: Measure
) -> None:
    measure("idle: refused", bench.pump.request_bolus().why, equal="not_infusing")
    bench.pump.start(5_000)
    measure("regimen without a bolus: refused", bench.pump.request_bolus().why, equal="no_bolus")
    for volume_nl, rate_ul_h, parameter in ((300, 20_000, "volume_nl"), (100_000, 1_199_000, "rate_ul_h")):
        with pytest.raises(PumpError) as refused:
            bench.pump.bolus(volume_nl, rate_ul_h)
        reported = (refused.value.code, refused.value.data["parameter"])
        measure("clinician's bolus refused", reported, equal=("out_of_range", parameter))
    bench.pump.pause()
    with pytest.raises(PumpError) as refused:
        bench.pump.bolus(100_000, 20_000)
    measure("clinician's bolus in a pause refused", refused.value.code, equal="wrong_state")
    measure("patient's bolus in a pause refused", bench.pump.request_bolus().why, equal="not_infusing")
