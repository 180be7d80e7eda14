"""The self-test sounds; and where a wire tells of the piezo, the pump hears whether it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hil_tests.expect import alarms_told
from picoinfuse.analysis.alarm_timing import flashes, pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.errors import PumpError

pytestmark = [pytest.mark.needs("capture", "reset", "pin")]


@pytest.fixture
def hearing(bench: Bench) -> Iterator[Bench]:
    """A bench whose profile has the feedback wire."""
    wiring = {**bench.profile.values["wiring"], "piezo_feedback": 21}
    profile = replace(bench.profile, values={**bench.profile.values, "wiring": wiring})
    with bench_kind(bench.name).open(profile, bench.seed) as opened:
        yield opened


def tone(bench: Bench, since_s: float) -> None:
    (pulse,) = pulses(bench.trace, since_s)
    # 22 cycles of A4, in whole ticks; seen to the last fall.
    assert pulse.frequency_hz == pytest.approx(440, rel=0.003)
    assert pulse.duration_s == pytest.approx(0.050, abs=0.0025)


def test_power_on_sounds_a_short_tone_that_is_no_alarm(bench: Bench):
    bench.sleep(5.0)
    tone(bench, 0.0)


def test_a_self_test_that_is_asked_for_sounds_too(bench: Bench):
    asked_s = bench.now()
    bench.pump.self_test()
    bench.sleep(5.0)
    tone(bench, asked_s)
    assert bench.pump.status().state == "idle"


def test_a_piezo_that_is_heard_passes(hearing: Bench):
    assert hearing.pump.status().state == "idle"
    hearing.pump.self_test()
    hearing.sleep(1.0)
    assert (hearing.pump.status().state, hearing.pump.status().alarms) == ("idle", ())


def test_a_piezo_that_is_not_heard_is_an_alarm_on_what_is_left_and_bars_the_start(hearing: Bench):
    hearing.drive_pin("piezo_feedback", 0)
    hearing.reset()
    status = hearing.pump.status()
    assert (status.state, status.alarms) == ("fault", ("piezo_fault",))
    assert alarms_told(hearing, "piezo_fault")[-1].priority == "high"
    began_s = hearing.now()
    hearing.sleep(5.0)
    assert flashes(hearing.trace, "lamp_red", began_s, hearing.now()).frequency_hz == pytest.approx(2.0, rel=0.02)
    with pytest.raises(PumpError, match="start"):
        hearing.pump.start(5_000)
    hearing.pump.clear_alarms()
    assert hearing.pump.status().alarms == ("piezo_fault",)
    hearing.drive_pin("piezo_feedback", None)
    hearing.reset()
    assert (hearing.pump.status().state, hearing.pump.status().alarms) == ("idle", ())


@pytest.mark.parametrize("level", [0, 1])
def test_a_piezo_that_stops_working_is_found_by_the_next_self_test(hearing: Bench, level: int):
    hearing.drive_pin("piezo_feedback", level)
    hearing.pump.self_test()
    hearing.sleep(1.0)
    assert hearing.pump.status().alarms == ("piezo_fault",)


@pytest.mark.needs("sensor")
def test_an_alarm_during_the_self_test_is_no_false_failure_of_the_piezo(hearing: Bench):
    hearing.sensor_fault("open")
    hearing.reset()
    hearing.sleep(1.0)
    assert "piezo_fault" not in hearing.pump.status().alarms
