"""With a feedback wire the self-test checks the lamps; a dark lamp raises an alarm by sound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil_tests.expect import alarms_reported, bench_with, end_self_test
from picoinfuse.analysis.alarm_timing import bursts, pulses
from picoinfuse.bench import Bench
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("ALM-7"), pytest.mark.needs("capture", "reset", "pin")]

LOOK_S = 0.1  # between two polls of the self-test
TURN_S = 0.02  # another task may run before a poll: on a Pico a reply takes 17 ms


@pytest.fixture
def seeing(bench: Bench) -> Iterator[Bench]:
    """A bench whose profile has the feedback wire."""
    with bench_with(bench, wiring={"lamp_feedback": 20}) as opened:
        yield opened


def test_each_lamp_is_lit_alone_for_one_poll_and_working_lamps_pass(measure: Measure, seeing: Bench) -> None:
    asked_ns = round(seeing.now() * 1e9)
    seeing.pump.self_test()
    end_self_test(seeing)
    status = seeing.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=())
    lit = {}
    for lamp in ("lamp_red", "lamp_yellow"):
        (rise,), (fall,) = (seeing.trace.edges(lamp, level, asked_ns) for level in (True, False))
        measure("time for which a lamp is lit", (fall - rise) / 1e9, unit="s", near=LOOK_S, by=TURN_S)
        lit[lamp] = rise
    measure("from lamp to lamp", (lit["lamp_yellow"] - lit["lamp_red"]) / 1e9, unit="s", near=LOOK_S, by=TURN_S)


@pytest.mark.parametrize("lamp", ["lamp_red", "lamp_yellow"])
def test_a_dark_lamp_raises_an_audible_alarm_and_bars_the_start(measure: Measure, seeing: Bench, lamp: str) -> None:
    seeing.drive_pin(lamp, 0)  # burnt out: no current flows
    seeing.reset()
    status = seeing.pump.status()
    measure("state", status.state, equal="fault")
    measure("alarms", status.alarms, equal=("lamp_fault",))
    measure("priority reported", alarms_reported(seeing, "lamp_fault")[-1].priority, equal="high")
    began_s = seeing.now()
    seeing.sleep(25.0)
    # What is left: the piezo.
    measure("whole HIGH bursts", [len(burst) for burst in bursts(pulses(seeing.trace, began_s))].count(10), at_least=1)
    with pytest.raises(PumpError, match="start"):
        seeing.pump.start(5_000)
    seeing.pump.clear_alarms()
    measure("alarms", seeing.pump.status().alarms, equal=("lamp_fault",))
    seeing.drive_pin(lamp, None)
    seeing.reset()
    measure("state", seeing.pump.status().state, equal="idle")
    measure("alarms", seeing.pump.status().alarms, equal=())


@pytest.mark.parametrize("level", [0, 1])
def test_a_stuck_feedback_wire_is_found(measure: Measure, seeing: Bench, level: int) -> None:
    seeing.drive_pin("lamp_feedback", level)
    seeing.pump.self_test()
    end_self_test(seeing)
    measure("alarms", seeing.pump.status().alarms, equal=("lamp_fault",))


@pytest.mark.needs("sensor")
def test_an_alarm_on_the_lamps_is_not_taken_for_a_lamp_fault(measure: Measure, seeing: Bench) -> None:
    seeing.sensor_fault("open")
    seeing.reset()
    seeing.sleep(1.0)
    alarms = seeing.pump.status().alarms
    measure("sensor_open is active", "sensor_open" in alarms, equal=True)
    measure("lamp_fault is active", "lamp_fault" in alarms, equal=False)
