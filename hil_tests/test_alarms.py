"""An alarm's sound and light on the pins, the length of an audio pause, and what ends an alarm.

The numbers are those of IEC 60601-1-8 as secondary sources report them; picoinfuse.analysis.alarm_limits holds
them, and `check` measures piezo and lamps against every row.
"""

from __future__ import annotations

import pytest

from picoinfuse.analysis.alarm_timing import Row, bursts, check, flashes, pulses
from picoinfuse.bench import Bench
from picoinfuse.client.notifications import AlarmEvent
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("ALM-1", "GIP-3.1"), pytest.mark.needs("capture")]

MAX_UL_H = 1_200_000
# The annunciator runs at least every 20 ms, the loop wakes at least every 10 ms.
NOTICED_S = 0.030
QUIET_S = 3.0  # longer than any rest inside a burst (1.3 s) and than the shortest rest between two (2.5 s)


def failed(rows: list[Row], *left_out: str) -> list[Row]:
    return [row for row in rows if not row.ok and row.name not in left_out]


def edges(bench: Bench, wire: str, start_s: float, end_s: float) -> int:
    return len(bench.trace.transitions(wire, round(start_s * 1e9), round(end_s * 1e9))[0])


def complete_an_infusion(bench: Bench, measure: Measure) -> float:
    """Raises the MEDIUM alarm that takes the least time. Returns when it was raised, bench time in s."""
    # 0.5 mL at 1200 mL/h take 1.5 s, the ramps less than 1 s more.
    bench.pump.start(MAX_UL_H, vtbi_nl=500_000)
    bench.sleep(3.0)
    measure("active alarms", tuple(bench.pump.active_alarms), equal=("infusion_complete",))
    return first_edge(bench, "lamp_yellow", 0.0)


def first_edge(bench: Bench, wire: str, start_s: float) -> float:
    return float(bench.trace.edges(wire, True, round(start_s * 1e9))[0]) / 1e9


# ---- the three priorities ----


@pytest.mark.parametrize("priority", ["high", "medium", "low"])
def test_alarm_test_sounds_one_burst_of_its_priority(bench: Bench, measure: Measure, priority: str):
    began_s = bench.now()
    reported = bench.pump.alarm_test(priority)
    bench.sleep(reported.duration_ms / 1000 + QUIET_S)
    rows = check(bench.trace, priority, began_s, bench.now())
    # One burst has no rest between bursts. The lamp is lit for the burst only; the next test checks it.
    measure(
        "limits of the standard that are not kept",
        failed(rows, "between bursts", *(row.name for row in rows if row.name.startswith("lamp"))),
        equal=[],
    )
    (burst,) = bursts(pulses(bench.trace, began_s))
    lasted_s = burst[-1].end_s - burst[0].start_s
    # A pulse is seen up to half a cycle of the lowest tone short (1 / 262 Hz / 2 = 2 ms), an edge may come one
    # turn of the loop (10 ms) late.
    measure("length of the burst", lasted_s, unit="s", near=reported.duration_ms / 1000, by=0.012)


@pytest.mark.parametrize(
    ("priority", "lit", "dark", "frequency_hz", "duty"),
    [
        ("high", "lamp_red", "lamp_yellow", 2.0, 0.4),
        ("low", "lamp_yellow", "lamp_red", 0.0, 1.0),  # steady: no second rise, always lit
    ],
)
def test_alarm_test_lights_the_lamp_of_its_priority_and_puts_it_out(
    bench: Bench, measure: Measure, priority: str, lit: str, dark: str, frequency_hz: float, duty: float
):
    asked_s = bench.now()
    reported = bench.pump.alarm_test(priority)
    bench.sleep(reported.duration_ms / 1000 + QUIET_S)
    begun_s = first_edge(bench, lit, asked_s)
    measure("time to the lamp", begun_s - asked_s, unit="s", at_most=NOTICED_S)
    end_s = begun_s + reported.duration_ms / 1000 - NOTICED_S
    seen = flashes(bench.trace, lit, begun_s, end_s)
    # A period of 500 ms is held to one turn of the loop: 10 / 500 = 2 %.
    measure("flashing frequency", seen.frequency_hz, unit="Hz", near=frequency_hz, by=0.02 * frequency_hz)
    measure("duty of the lamp", seen.duty, near=duty, by=0.05 * duty)
    measure("edges of the other lamp", edges(bench, dark, asked_s, bench.now()), equal=0)
    measure("edges of the lamp afterwards", edges(bench, lit, end_s + 2 * NOTICED_S, bench.now()), equal=0)
    measure("level of the lamp at the end", bench.trace.level_at(lit, round(bench.now() * 1e9)), equal=0)


@pytest.mark.needs("occlude")
def test_an_occlusion_has_the_sound_and_light_of_a_high_alarm(bench: Bench, measure: Measure):
    bench.occlude()
    began_s = bench.now()
    # 517 mmHg = 68.9 kPa in 1.437 mL/bar are 0.99 mL: 3 s at 333 µL/s; then 500 ms of persistence.
    bench.pump.start(MAX_UL_H)
    bench.sleep(5.0)
    measure("active alarms", tuple(bench.pump.active_alarms), equal=("occlusion",))
    bench.sleep(30.0)  # three bursts: 3 x 3.2 s and two rests of 6 s
    measure(
        "limits of the standard that are not kept", failed(check(bench.trace, "high", began_s, bench.now())), equal=[]
    )
    measure("bursts heard", len(bursts(pulses(bench.trace, began_s))), at_least=3)
    measure("edges of the yellow lamp", edges(bench, "lamp_yellow", began_s, bench.now()), equal=0)


def test_the_end_of_an_infusion_has_the_sound_and_light_of_a_medium_alarm(bench: Bench, measure: Measure):
    began_s = bench.now()
    complete_an_infusion(bench, measure)
    bench.sleep(35.0)  # bursts of 0.95 s every 11 s
    measure(
        "limits of the standard that are not kept", failed(check(bench.trace, "medium", began_s, bench.now())), equal=[]
    )
    measure("bursts heard", len(bursts(pulses(bench.trace, began_s))), at_least=3)
    measure("edges of the red lamp", edges(bench, "lamp_red", began_s, bench.now()), equal=0)


def test_alarm_test_is_refused_during_a_real_alarm(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    for priority in ("low", "medium"):
        with pytest.raises(PumpError) as refused:
            bench.pump.alarm_test(priority)
        measure("refused with", refused.value.code, equal="wrong_state")
    # A test of a higher priority is allowed.
    measure("length of the tested burst", bench.pump.alarm_test("high").duration_ms, unit="ms", above=0)


# ---- who owns sound and light ----


@pytest.mark.requirement("ALM-3")
@pytest.mark.needs("sensor")
def test_higher_priority_takes_over_sound_and_light_at_once(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    bench.sleep(1.0)
    bench.sensor_fault("open")
    bench.sleep(0.2)  # the pump reports an open sensor after 40 ms
    red_s = first_edge(bench, "lamp_red", 0.0)
    bench.sleep(25.0)
    heard = bursts(pulses(bench.trace, red_s - 0.001))
    measure("from the red lamp to the sound", heard[0][0].start_s - red_s, unit="s", at_most=NOTICED_S)
    # The last burst may still be in progress
    measure("pulses of each burst", {len(burst) for burst in heard[:-1]}, equal={10})
    measure("edges of the yellow lamp", edges(bench, "lamp_yellow", red_s + NOTICED_S, bench.now()), equal=0)
    names = [alarm.name for alarm in bench.pump.alarms().active]
    measure("active alarms", names, equal=["sensor_open", "infusion_complete"])  # highest first


# ---- pause of the sound ----


@pytest.mark.requirement("ALM-4")
@pytest.mark.needs("sensor", "virtual_time")
def test_silence_lasts_two_minutes_and_the_alarm_returns_by_itself(bench: Bench, measure: Measure):
    bench.sensor_fault("open")
    bench.sleep(5.0)  # the burst of 3.2 s is over, the next one comes 6 s after its end
    silenced_s = bench.now()
    measure("pause", bench.pump.silence(), unit="ms", equal=120_000)
    bench.sleep(119.5)
    measure("edges of the piezo in the pause", edges(bench, "piezo", silenced_s, bench.now()), equal=0)
    # 120 s less the 119.5 s that were slept; the request took up to a turn of the loop.
    measure("pause left", bench.pump.status().silenced_ms, unit="ms", near=500, by=20)
    # The red lamp goes on: 2 Hz.
    measure(
        "flashing frequency in the pause",
        flashes(bench.trace, "lamp_red", silenced_s, bench.now()).frequency_hz,
        unit="Hz",
        near=2.0,
        by=0.02 * 2.0,
    )
    bench.sleep(5.0)
    returned_s = first_edge(bench, "piezo", silenced_s)
    measure("length of the pause", returned_s - silenced_s, unit="s", near=120.0, by=2 * NOTICED_S)


@pytest.mark.requirement("ALM-3")
@pytest.mark.needs("sensor")
def test_a_burst_in_progress_is_finished_when_it_is_silenced(bench: Bench, measure: Measure):
    began_s = bench.now()
    bench.sensor_fault("open")
    bench.sleep(1.0)  # during the burst of 3.2 s
    bench.pump.silence()
    bench.sleep(12.0)
    measure("pulses of each burst", [len(burst) for burst in bursts(pulses(bench.trace, began_s))], equal=[10])


@pytest.mark.requirement("ALM-4")
@pytest.mark.needs("sensor")
def test_higher_priority_breaks_through_the_pause(bench: Bench, measure: Measure):
    complete_an_infusion(bench, measure)
    bench.sleep(2.0)
    bench.pump.silence()
    bench.sleep(10.0)
    fault_s = bench.now()
    bench.sensor_fault("open")
    bench.sleep(4.0)
    # Four samples of 10 ms until the pump reports an open sensor, then the annunciator.
    measure("time to the sound", first_edge(bench, "piezo", fault_s) - fault_s, unit="s", at_most=0.050 + NOTICED_S)
    measure("pause left", bench.pump.status().silenced_ms, unit="ms", equal=0)


@pytest.mark.requirement("ALM-4")
@pytest.mark.needs("sensor", "occlude")
def test_equal_priority_does_not_break_through_the_pause(bench: Bench, measure: Measure):
    bench.occlude()
    bench.pump.start(MAX_UL_H)
    bench.sleep(9.0)  # 3.5 s to the alarm, 3.2 s of burst
    bench.pump.silence()
    bench.sleep(1.0)
    quiet_s = bench.now()
    bench.sensor_fault("open")
    bench.sleep(20.0)
    measure("the second alarm is active", "sensor_open" in bench.pump.active_alarms, equal=True)
    measure("edges of the piezo in the pause", edges(bench, "piezo", quiet_s, bench.now()), equal=0)
    # The pause has 120 - 1 - 20 s left; each request costs up to a turn of the loop.
    measure("pause left", bench.pump.status().silenced_ms, unit="ms", near=99_000, by=50)


@pytest.mark.requirement("ALM-4")
def test_silence_without_an_alarm_does_not_pause_a_later_alarm(bench: Bench, measure: Measure):
    measure("pause", bench.pump.silence(), unit="ms", equal=0)
    asked_s = bench.now()
    complete_an_infusion(bench, measure)
    measure("edges of the piezo", edges(bench, "piezo", asked_s, bench.now()), above=0)


# ---- the end ----


@pytest.mark.needs("sensor")
def test_clear_leaves_outputs_quiet_and_safe(bench: Bench, measure: Measure):
    bench.sensor_fault("open")
    bench.sleep(5.0)
    bench.sensor_fault(None)
    bench.sleep(0.5)
    cleared = bench.pump.clear_alarms()
    measure("state after the clear", cleared.state, equal="idle")
    measure("alarms after the clear", cleared.alarms, equal=())
    bench.sleep(NOTICED_S)
    quiet_s = bench.now()
    bench.sleep(30.0)
    for wire, level in (("piezo", 0), ("lamp_red", 0), ("lamp_yellow", 0), ("enable", 1), ("step", 0)):
        measure("edges afterwards", edges(bench, wire, quiet_s, bench.now()), equal=0)
        measure("level afterwards", bench.trace.level_at(wire, round(quiet_s * 1e9)), equal=level)


@pytest.mark.needs("sensor")
def test_alarm_whose_cause_remains_cannot_be_cleared(bench: Bench, measure: Measure):
    bench.sensor_fault("open")
    bench.sleep(5.0)
    cleared = bench.pump.clear_alarms()
    measure("state after the clear", cleared.state, equal="alarm_stopped")
    measure("alarms after the clear", cleared.alarms, equal=("sensor_open",))
    cleared_s = bench.now()
    bench.sleep(6.0)
    measure("edges of the piezo", edges(bench, "piezo", cleared_s, bench.now()), above=0)


@pytest.mark.needs("sensor")
def test_an_alarm_is_reported_once_when_raised_and_once_when_cleared(bench: Bench, measure: Measure):
    bench.sensor_fault("open")
    bench.sleep(2.0)
    bench.sensor_fault(None)
    bench.sleep(2.0)
    bench.pump.clear_alarms()
    bench.sleep(0.1)
    reported = [event for event in bench.pump.events if isinstance(event, AlarmEvent)]
    measure(
        "what was reported of the alarm",
        [(event.name, event.priority, event.active, event.seq) for event in reported],
        equal=[
            ("sensor_open", "high", True, 1),
            ("sensor_open", "high", False, 2),
        ],
    )
