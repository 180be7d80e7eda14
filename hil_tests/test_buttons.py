"""Buttons, where the profile has them: a press, a press that is too short, a stuck button."""

from __future__ import annotations

import pytest

from hil_tests.expect import COLLECTION_MS, LEAD_S, alarms_reported, infuse, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("GIP-2", "PCA-4"),
    pytest.mark.needs("buttons", "capture"),
    pytest.mark.profile("ambulatory-10ml"),
]

BOUNCE = (0.004, 0.011, 0.007, 0.02, 0.009, 0.003)
LOOK_S = 0.02  # a poll every 10 ms, and a turn of the loop


def test_the_stop_button_held_for_a_second_stops(bench: Bench, measure: Measure) -> None:
    infuse(bench, 100_000)
    pressed_ns = now_ns(bench)
    bench.press("button_stop", 1.5, BOUNCE)
    bench.sleep(0.5)
    measure("state", bench.pump.status().state, equal="idle")
    # The contact bounces for 54 ms first. Motion granted ahead, at most 300 ms, is finished. On a Pico a garbage
    # collection may delay the poll.
    measure(
        "motion after the press",
        motor_steps(bench, pressed_ns)[-1] - pressed_ns,
        unit="ns",
        at_most=(sum(BOUNCE) + 1.0 + LOOK_S + LEAD_S + COLLECTION_MS / 1000) * 1e9,
    )


@pytest.mark.parametrize("seconds", [0.01, 0.2, 0.9])
def test_a_press_under_a_second_does_not_affect_the_infusion(bench: Bench, measure: Measure, seconds: float) -> None:
    infuse(bench, 100_000)
    bench.press("button_stop", seconds, BOUNCE)
    bench.sleep(2.0)
    measure("state", bench.pump.status().state, equal="infusing")


def test_the_stop_button_silences_and_a_second_press_ends_the_pause(bench: Bench, measure: Measure) -> None:
    bench.pump.start(500_000, vtbi_nl=100_000)
    bench.sleep(3.0)
    measure("alarms", bench.pump.status().alarms, equal=("infusion_complete",))
    bench.press("button_stop", 0.3, BOUNCE)
    bench.sleep(0.5)
    measure("pause left", bench.pump.status().silenced_ms, unit="ms", above=119_000, at_most=120_000)
    bench.press("button_stop", 0.3, BOUNCE)
    bench.sleep(0.5)
    status = bench.pump.status()
    measure("pause left", status.silenced_ms, unit="ms", equal=0)
    measure("alarms", status.alarms, equal=("infusion_complete",))


def test_without_an_alarm_there_is_nothing_to_silence(bench: Bench, measure: Measure) -> None:
    infuse(bench, 100_000)
    bench.press("button_stop", 0.3)
    bench.sleep(0.5)
    measure("pause left", bench.pump.status().silenced_ms, unit="ms", equal=0)


@pytest.mark.parametrize("name", ["button_request", "button_stop"])
def test_a_stuck_button_alarms_at_one_minute_until_it_opens(bench: Bench, measure: Measure, name: str) -> None:
    bench.drive_pin(name, 0)
    bench.sleep(59.5)
    measure("alarms", bench.pump.status().alarms, equal=())
    bench.sleep(1.0)
    measure("alarms", bench.pump.status().alarms, equal=("button_stuck",))
    measure("priority reported", alarms_reported(bench, "button_stuck")[-1].priority, equal="medium")
    bench.drive_pin(name, None)
    bench.sleep(0.5)
    measure("alarms", bench.pump.status().alarms, equal=())


def test_a_stuck_request_button_does_not_affect_the_infusion(bench: Bench, measure: Measure) -> None:
    infuse(bench, 100_000)
    bench.drive_pin("button_request", 0)
    bench.sleep(70.0)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("alarms", status.alarms, equal=("button_stuck",))
    measure("rate", status.rate_ul_h, unit="µL/h", equal=100_000)
    measure("target rate", status.target_ul_h, unit="µL/h", equal=100_000)
