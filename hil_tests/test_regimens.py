"""Regimens on the pump: volume, time and reports."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hil_tests.expect import BEGIN_S, LEAD_S, alarms_reported, motor_steps, now_ns, sleep_until, step_pl
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = pytest.mark.needs("capture", "virtual_time")

KVO_UL_H = 1_000  # of the profile
BOLUS = {"volume_nl": 500_000, "rate_ul_h": 100_000, "lockout_s": 300, "max_1h_nl": 5_000_000, "max_4h_nl": 15_000_000}


def steps(*segments: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    return {"kind": "steps", "segments": [list(segment) for segment in segments], **more}


def in_steps(bench: Bench, volume_nl: Fraction | int) -> Fraction:
    """Steps of a volume, with the accumulated part of a step."""
    return Fraction(volume_nl) * 1000 / step_pl(bench.profile)


def flow_nl(rate_ul_h: int, seconds: int) -> Fraction:
    return Fraction(rate_ul_h * seconds * 1000, 3600)


def made(bench: Bench, since_ns: int, begin_s: float = 0, end_s: float | None = None) -> int:
    end_ns = None if end_s is None else since_ns + round(end_s * 1e9)
    return bench.trace.count("step", since_ns + round(begin_s * 1e9), end_ns)


@pytest.mark.requirement("RATE-5")
def test_a_loading_dose_is_followed_by_the_maintenance_rate(bench: Bench, measure: Measure) -> None:
    since_ns = now_ns(bench)
    # 2 mL at 120 mL/h take 60 s, then 12 mL/h for 60 s.
    bench.pump.start_regimen(steps((120_000, 120_000, 0, 2_000_000), (12_000, 12_000, 60, 0)))
    bench.sleep(30)
    therapy = bench.pump.therapy()
    assert therapy is not None
    measure("therapy reported", (therapy.kind, therapy.phase, therapy.segment), equal=("steps", "running", 0))
    # Less the motion granted ahead.
    measure("left of the segment", therapy.segment_left_s, unit="s", one_of=(29, 30))
    measure("left of the regimen", therapy.left_s, unit="s", one_of=(89, 90))
    measure("volume left", therapy.left_nl, unit="nL", near=1_200_000, by=12_000)
    bench.sleep(95)
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))
    due = int(in_steps(bench, 2_000_000 + flow_nl(12_000, 60)))
    measure("steps", len(motor_steps(bench, since_ns)), equal=due)
    # The dose, to one step, in its own time.
    begun_s = (int(motor_steps(bench, since_ns)[0]) - since_ns) / 1e9
    hz = float(in_steps(bench, flow_nl(120_000, 1)))
    of_dose = made(bench, since_ns, 0, begun_s + 60 - 0.9 / hz)
    measure("steps of the loading dose", of_dose, equal=int(in_steps(bench, 2_000_000)))


@pytest.mark.requirement("GIP-1.1", "RATE-5")
def test_doses_come_every_period_with_kvo_in_between(bench: Bench, measure: Measure) -> None:
    since_ns = now_ns(bench)
    # 1 mL at 60 mL/h takes 60 s, then 240 s of KVO; three times.
    bench.pump.start_regimen(
        {
            "kind": "intermittent",
            "segments": [[60_000, 60_000, 0, 1_000_000], [KVO_UL_H, KVO_UL_H, 240, 0]],
            "repeat": 3,
        }
    )
    bench.sleep(910)
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))
    for cycle in range(3):
        at = 300 * cycle
        dose = made(bench, since_ns, at + LEAD_S, at + 60 + LEAD_S)
        measure("steps of a dose", dose, near=in_steps(bench, 1_000_000), by=LEAD_S * 48 + 1)
        between = made(bench, since_ns, at + 61, at + 299)
        measure("steps between two doses", between, near=in_steps(bench, flow_nl(KVO_UL_H, 238)), by=2)
    total = in_steps(bench, 3 * (1_000_000 + flow_nl(KVO_UL_H, 240)))
    measure("steps of all", len(motor_steps(bench, since_ns)), equal=int(total))


@pytest.mark.requirement("RATE-4", "RATE-5")
def test_a_taper_follows_its_line_and_raises_no_alarm(bench: Bench, measure: Measure) -> None:
    since_ns = now_ns(bench)
    # 100 to 10 mL/h in 20 min.
    bench.pump.start_regimen(steps((100_000, 10_000, 1200, 0)))
    for minute in range(1, 21):
        bench.sleep(since_ns / 1e9 + 60 * minute - bench.now())
        t = Fraction(60 * minute)
        due = in_steps(bench, (100_000 * t - 90_000 * t * t / 2400) / 3600 * 1000)
        # A stair lasts 18.75 s, its corner is off the line by 1/8 of slope and stair: 3.3 s of 1 mL/h.
        by = 4 + 100_000 * (BEGIN_S + 0.01) / 3600 * 1e6 / float(step_pl(bench.profile))
        measure(f"steps off the line after {minute} min", float(made(bench, since_ns) - due), near=0, by=by)
    bench.sleep(1)
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))
    measure("steps", made(bench, since_ns), equal=int(in_steps(bench, flow_nl(55_000, 1200))))


@pytest.mark.requirement("RATE-3", "RATE-5")
def test_steps_up_and_down_through_the_ramp_give_their_volume_and_no_alarm(bench: Bench, measure: Measure) -> None:
    since_ns = now_ns(bench)
    regimen = steps(
        (1_200_000, 1_200_000, 6, 0), (1_000, 1_000, 30, 0), (800_000, 1_200_000, 8, 0), (0, 0, 20, 0), repeat=3
    )
    bench.pump.start_regimen(regimen)
    sleep_until(bench, lambda: bench.pump.status().state == "idle", 220)
    due = 3 * (flow_nl(1_200_000, 6) + flow_nl(1_000, 30) + flow_nl(1_000_000, 8))
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))
    measure("steps", made(bench, since_ns), equal=int(in_steps(bench, due)))


@pytest.mark.requirement("GIP-1.1")
@pytest.mark.parametrize(("rate_ul_h", "kvo_ul_h"), [(60_000, KVO_UL_H), (600, 600)])
def test_kvo_at_the_end_is_never_faster_than_the_regimen(
    bench: Bench, measure: Measure, rate_ul_h: int, kvo_ul_h: int
) -> None:
    since_ns = now_ns(bench)
    bench.pump.start_regimen(steps((rate_ul_h, rate_ul_h, 60, 0), kvo=1))
    bench.sleep(63)
    status = bench.pump.status()
    reported = (status.state, status.kvo, status.alarms)
    measure("state, KVO, alarms", reported, equal=("infusing", True, ("infusion_complete",)))
    measure("rate that keeps the vein open", status.target_ul_h, unit="µL/h", equal=kvo_ul_h)
    priorities = [event.priority for event in alarms_reported(bench, "infusion_complete")]
    measure("priority of the alarm", priorities, equal=["medium"])
    bench.pump.clear_alarms()
    bench.sleep(600)
    kept = made(bench, since_ns, 61, 661)
    measure("steps in 10 min", kept, near=in_steps(bench, flow_nl(kvo_ul_h, 600)), by=1)
    therapy = bench.pump.therapy()
    assert therapy is not None
    measure("phase and volume left", (therapy.phase, therapy.left_nl), equal=("complete", 0))
    bench.pump.stop()
    bench.sleep(0.5)
    measure("state after a stop", bench.pump.status().state, equal="idle")


@pytest.mark.requirement("RATE-5")
def test_a_pause_suspends_the_regimen(bench: Bench, measure: Measure) -> None:
    since_ns = now_ns(bench)
    bench.pump.start_regimen(steps((60_000, 60_000, 60, 0), (6_000, 6_000, 60, 0)))
    bench.sleep(57)
    bench.pump.pause()
    bench.sleep(100)
    bench.pump.resume()
    bench.sleep(70)
    measure("state", bench.pump.status().state, equal="idle")
    measure("steps", made(bench, since_ns), equal=int(in_steps(bench, flow_nl(66_000, 60))))


@pytest.mark.requirement("LINK-2")
def test_set_rate_is_refused_during_a_regimen(bench: Bench, measure: Measure) -> None:
    bench.pump.start_regimen(steps((60_000, 60_000, 60, 0)))
    with pytest.raises(PumpError) as refused:
        bench.pump.set_rate(70_000)
    measure("refused as", refused.value.code, equal="wrong_state")
    measure("rate", bench.pump.status().target_ul_h, unit="µL/h", equal=60_000)


BAD: list[tuple[dict[str, Any], str, str, Any]] = [
    (steps((5, 5, 60, 0)), "out_of_range", "segments[0]", 10),
    (steps((60_000, 60_000, 60, 0), (1_300_000, 1_300_000, 60, 0)), "out_of_range", "segments[1]", 1_200_000),
    (steps((60_000, 60_000, 60, 1_000_000)), "out_of_range", "segments[0]", None),
    (steps((60_000, 60_000, 0, 0), (1_000, 1_000, 60, 0)), "out_of_range", "segments[0]", None),
    (steps((60_000, 60_000, 0, 0), repeat=2), "out_of_range", "segments[0]", None),
    (steps((60_000, 1_000, 0, 0)), "out_of_range", "segments[0]", None),
    (steps((60_000, 60_000, 0, 300)), "out_of_range", "segments[0]", None),
    (steps((60_000, 60_000, 60, 0), vtbi_nl=300), "out_of_range", "vtbi_nl", None),
    (steps((0, 0, 60, 0)), "out_of_range", "segments", None),
    (steps(), "out_of_range", "segments", 12),
    (steps(*[(60_000, 60_000, 60, 0)] * 13), "out_of_range", "segments", 12),
    (steps((60_000, 60_000, 60, 0), repeat=0), "out_of_range", "repeat", 1),
    (steps((60_000, 60_000, 60, 0), repeat_from=1), "out_of_range", "repeat_from", 0),
    (steps((60_000, 60_000, 60, 0), speed=1), "extra_parameter", "speed", None),
    ({"kind": "steps", "segments": [[1, 2, 3]]}, "wrong_type", "segments[0]", None),
    ({"kind": "magic", "segments": [[60_000, 60_000, 60, 0]]}, "out_of_range", "kind", None),
    (
        {"kind": "pca", "segments": [[0, 0, 0, 0]], "bolus": {**BOLUS, "max_1h_nl": 1}},
        "out_of_range",
        "max_1h_nl",
        500_000,
    ),
    ({"kind": "pca", "segments": [[0, 0, 0, 0]], "bolus": {**BOLUS, "lockout_s": 59}}, "out_of_range", "lockout_s", 60),
    (
        {"kind": "pca", "segments": [[1_150_000, 1_150_000, 0, 0]], "bolus": BOLUS},
        "out_of_range",
        "rate_ul_h",
        1_200_000,
    ),
]


@pytest.mark.requirement("LINK-2")
def test_an_impossible_regimen_is_refused_by_name_and_changes_nothing(bench: Bench, measure: Measure) -> None:
    for regimen, code, parameter, limit in BAD:
        with pytest.raises(PumpError) as refused:
            bench.pump.start_regimen(regimen)
        data = refused.value.data
        reported = (refused.value.code, data.get("parameter"), data.get("limit"))
        measure(f"refusal of {regimen}"[:100], reported, equal=(code, parameter, limit))
    measure("state", bench.pump.status().state, equal="idle")
    bench.sleep(1)
    measure("steps of a pump that was never started", bench.trace.count("step", 1_500_000_000), equal=0)


@pytest.mark.profile("peristaltic")
@pytest.mark.requirement("RATE-3", "LINK-2")
def test_a_resonant_rate_is_refused_in_a_segment_a_ramp_and_with_a_bolus(bench: Bench, measure: Measure) -> None:
    # 31.25 nL a step, resonance from 1600 to 3200 Hz: 180 to 360 mL/h.
    for regimen, limit in (
        (steps((200_000, 200_000, 60, 0)), 179_999),
        (steps((100_000, 400_000, 60, 0)), None),
        ({"kind": "pca", "segments": [[100_000, 100_000, 0, 0]], "bolus": BOLUS}, 179_999),
    ):
        with pytest.raises(PumpError) as refused:
            bench.pump.start_regimen(regimen)
        measure("refused as", refused.value.code, equal="out_of_range")
        if limit is not None:
            measure("limit reported", refused.value.data["limit"], unit="µL/h", equal=limit)


def test_a_regimen_of_twelve_segments_fits_into_a_line(bench: Bench, measure: Measure) -> None:
    bench.pump.start_regimen(steps(*[(100_000 + k, 100_000 + k, 3600, 0) for k in range(12)], repeat=2))
    therapy = bench.pump.therapy()
    assert therapy is not None
    measure("left", therapy.left_s, unit="s", near=24 * 3600, by=1)
    measure("volume left", therapy.left_nl, unit="nL", near=24 * 100_005_500, by=240_000)
