"""Regimens on the pump: what is given, when, and what is told of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hil_tests.expect import BEGIN_S, LEAD_S, alarms_told, motor_steps, now_ns, sleep_until, step_pl
from picoinfuse.bench import Bench
from picoinfuse.errors import PumpError

pytestmark = pytest.mark.needs("capture", "virtual_time")

KVO_UL_H = 1_000  # of the profile
BOLUS = {"volume_nl": 500_000, "rate_ul_h": 100_000, "lockout_s": 300, "max_1h_nl": 5_000_000, "max_4h_nl": 15_000_000}


def steps(*segments: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    return {"kind": "steps", "segments": [list(segment) for segment in segments], **more}


def in_steps(bench: Bench, volume_nl: Fraction | int) -> Fraction:
    """With the part of a step that is paid for."""
    return Fraction(volume_nl) * 1000 / step_pl(bench.profile)


def flow_nl(rate_ul_h: int, seconds: int) -> Fraction:
    return Fraction(rate_ul_h * seconds * 1000, 3600)


def made(bench: Bench, since_ns: int, begin_s: float = 0, end_s: float | None = None) -> int:
    end_ns = None if end_s is None else since_ns + round(end_s * 1e9)
    return bench.trace.count("step", since_ns + round(begin_s * 1e9), end_ns)


def test_a_loading_dose_is_followed_by_the_rate_that_holds_it(bench: Bench) -> None:
    since_ns = now_ns(bench)
    # 2 mL at 120 mL/h take 60 s, then 12 mL/h for 60 s.
    bench.pump.start_regimen(steps((120_000, 120_000, 0, 2_000_000), (12_000, 12_000, 60, 0)))
    bench.sleep(30)
    therapy = bench.pump.therapy()
    assert therapy is not None
    assert (therapy.kind, therapy.phase, therapy.segment) == ("steps", "running", 0)
    assert therapy.segment_left_s in (29, 30)  # less what is granted ahead
    assert therapy.left_s in (89, 90)
    assert therapy.left_nl == pytest.approx(1_200_000, abs=12_000)
    bench.sleep(95)
    assert bench.pump.status().state == "idle"
    assert bench.pump.status().alarms == ("infusion_complete",)
    assert len(motor_steps(bench, since_ns)) == int(in_steps(bench, 2_000_000 + flow_nl(12_000, 60)))
    # The dose, but for the part of a step, in its own time.
    begun_s = (int(motor_steps(bench, since_ns)[0]) - since_ns) / 1e9
    hz = float(in_steps(bench, flow_nl(120_000, 1)))
    assert made(bench, since_ns, 0, begun_s + 60 - 0.9 / hz) == int(in_steps(bench, 2_000_000))


def test_doses_come_every_period_and_the_vein_is_kept_open_between(bench: Bench) -> None:
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
    assert bench.pump.status().alarms == ("infusion_complete",)
    for cycle in range(3):
        at = 300 * cycle
        assert made(bench, since_ns, at + LEAD_S, at + 60 + LEAD_S) == pytest.approx(
            float(in_steps(bench, 1_000_000)), abs=LEAD_S * 48 + 1
        )
        between = made(bench, since_ns, at + 61, at + 299)
        assert between == pytest.approx(float(in_steps(bench, flow_nl(KVO_UL_H, 238))), abs=2)
    total = in_steps(bench, 3 * (1_000_000 + flow_nl(KVO_UL_H, 240)))
    assert len(motor_steps(bench, since_ns)) == int(total)


def test_a_taper_falls_along_its_line_and_raises_no_alarm(bench: Bench) -> None:
    since_ns = now_ns(bench)
    # 100 to 10 mL/h in 20 min.
    bench.pump.start_regimen(steps((100_000, 10_000, 1200, 0)))
    for minute in range(1, 21):
        bench.sleep(since_ns / 1e9 + 60 * minute - bench.now())
        t = Fraction(60 * minute)
        due = in_steps(bench, (100_000 * t - 90_000 * t * t / 2400) / 3600 * 1000)
        # A stair lasts 18.75 s, its corner is off the line by 1/8 of slope and stair: 3.3 s of 1 mL/h.
        assert abs(made(bench, since_ns) - due) <= 4 + 100_000 * (BEGIN_S + 0.01) / 3600 * 1e6 / step_pl(bench.profile)
    bench.sleep(1)
    assert bench.pump.status().alarms == ("infusion_complete",)
    assert made(bench, since_ns) == int(in_steps(bench, flow_nl(55_000, 1200)))


def test_steps_up_and_down_through_the_ramp_give_their_volume_and_no_alarm(bench: Bench) -> None:
    since_ns = now_ns(bench)
    regimen = steps(
        (1_200_000, 1_200_000, 6, 0), (1_000, 1_000, 30, 0), (800_000, 1_200_000, 8, 0), (0, 0, 20, 0), repeat=3
    )
    bench.pump.start_regimen(regimen)
    sleep_until(bench, lambda: bench.pump.status().state == "idle", 220)
    due = 3 * (flow_nl(1_200_000, 6) + flow_nl(1_000, 30) + flow_nl(1_000_000, 8))
    assert bench.pump.status().alarms == ("infusion_complete",)
    assert made(bench, since_ns) == int(in_steps(bench, due))


@pytest.mark.parametrize(("rate_ul_h", "kvo_ul_h"), [(60_000, KVO_UL_H), (600, 600)])
def test_at_the_end_the_vein_is_kept_open_and_never_faster_than_the_regimen(
    bench: Bench, rate_ul_h: int, kvo_ul_h: int
) -> None:
    since_ns = now_ns(bench)
    bench.pump.start_regimen(steps((rate_ul_h, rate_ul_h, 60, 0), kvo=1))
    bench.sleep(63)
    status = bench.pump.status()
    assert (status.state, status.kvo, status.alarms) == ("infusing", True, ("infusion_complete",))
    assert status.target_ul_h == kvo_ul_h
    assert [event.priority for event in alarms_told(bench, "infusion_complete")] == ["medium"]
    bench.pump.clear_alarms()
    bench.sleep(600)
    assert made(bench, since_ns, 61, 661) == pytest.approx(float(in_steps(bench, flow_nl(kvo_ul_h, 600))), abs=1)
    therapy = bench.pump.therapy()
    assert therapy is not None
    assert (therapy.phase, therapy.left_nl) == ("complete", 0)
    bench.pump.stop()
    bench.sleep(0.5)
    assert bench.pump.status().state == "idle"


def test_a_pause_stands_still_in_the_regimen(bench: Bench) -> None:
    since_ns = now_ns(bench)
    bench.pump.start_regimen(steps((60_000, 60_000, 60, 0), (6_000, 6_000, 60, 0)))
    bench.sleep(57)
    bench.pump.pause()
    bench.sleep(100)
    bench.pump.resume()
    bench.sleep(70)
    assert bench.pump.status().state == "idle"
    assert made(bench, since_ns) == int(in_steps(bench, flow_nl(66_000, 60)))


def test_a_regimens_rate_is_not_changed_by_hand(bench: Bench) -> None:
    bench.pump.start_regimen(steps((60_000, 60_000, 60, 0)))
    with pytest.raises(PumpError) as refused:
        bench.pump.set_rate(70_000)
    assert refused.value.code == "wrong_state"


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


def test_what_cannot_be_done_is_refused_by_name_and_changes_nothing(bench: Bench) -> None:
    for regimen, code, parameter, limit in BAD:
        with pytest.raises(PumpError) as refused:
            bench.pump.start_regimen(regimen)
        data = refused.value.data
        assert (refused.value.code, data.get("parameter"), data.get("limit")) == (code, parameter, limit), regimen
    assert bench.pump.status().state == "idle"
    bench.sleep(1)
    assert bench.trace.count("step", 1_500_000_000) == 0


@pytest.mark.profile("peristaltic")
def test_a_rate_that_would_resonate_is_refused_in_a_segment_in_a_ramp_and_under_a_bolus(bench: Bench) -> None:
    # 31.25 nL a step, resonance from 1600 to 3200 Hz: 180 to 360 mL/h.
    for regimen, limit in (
        (steps((200_000, 200_000, 60, 0)), 179_999),
        (steps((100_000, 400_000, 60, 0)), None),
        ({"kind": "pca", "segments": [[100_000, 100_000, 0, 0]], "bolus": BOLUS}, 179_999),
    ):
        with pytest.raises(PumpError) as refused:
            bench.pump.start_regimen(regimen)
        assert refused.value.code == "out_of_range"
        assert limit in (None, refused.value.data["limit"])


def test_a_regimen_of_twelve_segments_fits_into_a_line(bench: Bench) -> None:
    bench.pump.start_regimen(steps(*[(100_000 + k, 100_000 + k, 3600, 0) for k in range(12)], repeat=2))
    therapy = bench.pump.therapy()
    assert therapy is not None
    assert therapy.left_s == pytest.approx(24 * 3600, abs=1)
    assert therapy.left_nl == pytest.approx(24 * 100_005_500, rel=1e-4)
