"""The self-test sounds a tone; with a feedback wire the pump checks that the piezo sounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil_tests.expect import alarms_reported, bench_with, end_self_test
from picoinfuse.analysis.alarm_timing import flashes, pulses
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("ALM-7"), pytest.mark.needs("capture", "reset", "pin")]


@pytest.fixture
def hearing(bench: Bench) -> Iterator[Bench]:
    """A bench whose profile has the feedback wire."""
    with bench_with(bench, wiring={"piezo_feedback": 21}) as opened:
        yield opened


def tone(bench: Bench, measure: Measure, since_s: float) -> None:
    (pulse,) = pulses(bench.trace, since_s)
    # 22 cycles of A4, in whole ticks, measured to the last fall.
    measure("frequency of the pulse", pulse.frequency_hz, unit="Hz", near=440, by=0.003 * 440)
    measure("length of the pulse", pulse.duration_s, unit="s", near=0.050, by=0.0025)


def test_power_on_sounds_a_short_tone_unlike_any_alarm(bench: Bench, measure: Measure):
    bench.sleep(5.0)
    tone(bench, measure, 0.0)


def test_a_requested_self_test_sounds_too(bench: Bench, measure: Measure):
    asked_s = bench.now()
    bench.pump.self_test()
    bench.sleep(5.0)
    tone(bench, measure, asked_s)
    measure("state", bench.pump.status().state, equal="idle")


def test_a_working_piezo_passes(measure: Measure, hearing: Bench):
    measure("state", hearing.pump.status().state, equal="idle")
    hearing.pump.self_test()
    end_self_test(hearing)
    measure("state", hearing.pump.status().state, equal="idle")
    measure("alarms", hearing.pump.status().alarms, equal=())


def test_a_silent_piezo_alarms_on_the_lamp_and_link_and_bars_the_start(measure: Measure, hearing: Bench):
    hearing.drive_pin("piezo_feedback", 0)
    hearing.reset()
    status = hearing.pump.status()
    measure("state", status.state, equal="fault")
    measure("alarms", status.alarms, equal=("piezo_fault",))
    measure("priority reported", alarms_reported(hearing, "piezo_fault")[-1].priority, equal="high")
    began_s = hearing.now()
    hearing.sleep(5.0)
    measure(
        "flashing frequency",
        flashes(hearing.trace, "lamp_red", began_s, hearing.now()).frequency_hz,
        unit="Hz",
        near=2.0,
        by=0.02 * 2.0,
    )
    with pytest.raises(PumpError, match="start"):
        hearing.pump.start(5_000)
    hearing.pump.clear_alarms()
    measure("alarms", hearing.pump.status().alarms, equal=("piezo_fault",))
    hearing.drive_pin("piezo_feedback", None)
    hearing.reset()
    measure("state", hearing.pump.status().state, equal="idle")
    measure("alarms", hearing.pump.status().alarms, equal=())


@pytest.mark.parametrize("level", [0, 1])
def test_a_piezo_that_stops_working_is_found_by_the_next_self_test(measure: Measure, hearing: Bench, level: int):
    hearing.drive_pin("piezo_feedback", level)
    hearing.pump.self_test()
    end_self_test(hearing)
    measure("alarms", hearing.pump.status().alarms, equal=("piezo_fault",))


@pytest.mark.needs("sensor")
def test_an_alarm_during_the_self_test_is_no_false_failure_of_the_piezo(measure: Measure, hearing: Bench):
    hearing.sensor_fault("open")
    hearing.reset()
    hearing.sleep(1.0)
    measure("piezo_fault is active", "piezo_fault" in hearing.pump.status().alarms, equal=False)
