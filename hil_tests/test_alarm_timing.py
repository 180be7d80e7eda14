"""Edges of sound and light against the pump's own timing table, to the millisecond: on a quiet board, under a busy
CPU, when an alarm starts within another alarm's burst, and when the CPU hangs.

test_alarms.py checks that the table lies in the ranges of IEC 60601-1-8; here nothing may shift its edges.
"""

from __future__ import annotations

import numpy as np
import pytest

from hil_tests.expect import BOOT_S, alarms_reported
from picoinfuse.analysis.alarm_timing import Pulse, bursts, pulses
from picoinfuse.bench import Bench
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("ALM-2"), pytest.mark.needs("capture", "sensor")]

BEND_S = 0.005  # the largest allowed shift of an edge
NOTICED_S = 0.030
MAX_UL_H = 1_200_000

# As in firmware/pump/core/alarms/bursts.py: when each pulse of a burst begins, how long each lasts, the period of
# the bursts.
BEGINS_S = {
    "high": (0, 0.23, 0.46, 0.92, 1.15, 2.09, 2.32, 2.55, 3.01, 3.24),
    "medium": (0, 0.38, 0.76),
    "low": (0, 0.38),
}
PULSE_S = {"high": 0.140, "medium": 0.190, "low": 0.190}
PERIOD_S = {"high": 9.38, "medium": 10.95, "low": 20.57}
# A pulse is whole cycles of its tone, measured from its first rise to its last fall: one cycle of the lowest is 3.8 ms.
CYCLE_S = 0.004


def beat(priority: str, count: int) -> list[float]:
    """The start of each pulse, seconds after the first."""
    notes = BEGINS_S[priority]
    return [PERIOD_S[priority] * (k // len(notes)) + notes[k % len(notes)] for k in range(count)]


def assert_on_the_beat(measure: Measure, heard: list[Pulse], priority: str) -> None:
    begins = np.array([pulse.start_s for pulse in heard]) - heard[0].start_s
    bent = np.abs(begins - np.array(beat(priority, len(heard))))
    measure("bend of a pulse's beginning", bent.max(), unit="s", at_most=BEND_S)
    lengths = [pulse.duration_s for pulse in heard]
    measure(
        "bend of a pulse's length",
        max(abs(length - PULSE_S[priority]) for length in lengths),
        unit="s",
        at_most=CYCLE_S,
    )


def raise_high(bench: Bench) -> None:
    bench.sensor_fault("open")


def raise_medium(bench: Bench) -> None:
    """0.5 mL at 1200 mL/h take 1.5 s, the ramps less than 1 s more."""
    bench.pump.start(MAX_UL_H, vtbi_nl=500_000)
    bench.sleep(3.0)


def sounding(bench: Bench, start_s: float) -> list[Pulse]:
    """The pulses since `start_s`, without the one in progress."""
    now_s = bench.now()
    return [pulse for pulse in pulses(bench.trace, start_s) if now_s - pulse.end_s > 0.05]


# ---- a busy CPU ----


@pytest.mark.needs("slow", "virtual_time")
@pytest.mark.parametrize("delay_ms", [0, 5, 20, 300])
def test_a_busy_loop_shifts_no_edge_of_a_high_alarm(bench: Bench, measure: Measure, delay_ms: int):
    """Each sleep of the loop takes `delay_ms` longer during the second half of a burst. With 300 ms the watchdog is not
    fed, so the delay lasts less than its 2 s.
    """
    began_s = bench.now()
    raise_high(bench)
    bench.sleep(1.5)
    bench.slow_cpu(delay_ms)
    bench.sleep(1.7)
    bench.slow_cpu(0)
    bench.sleep(9.0)
    heard = sounding(bench, began_s)
    measure("pulses heard", len(heard), at_least=15)
    assert_on_the_beat(measure, heard, "high")


@pytest.mark.needs("slow", "virtual_time")
@pytest.mark.parametrize("delay_ms", [0, 20])
def test_a_busy_loop_shifts_no_edge_of_a_medium_alarm(bench: Bench, measure: Measure, delay_ms: int):
    raise_medium(bench)
    bench.slow_cpu(delay_ms)
    bench.sleep(30.0)
    heard = sounding(bench, BOOT_S)
    measure("pulses heard", len(heard), at_least=6)
    assert_on_the_beat(measure, heard, "medium")


@pytest.mark.needs("slow", "virtual_time")
def test_a_busy_loop_shifts_no_lamp_flash(bench: Bench, measure: Measure):
    raise_high(bench)
    bench.sleep(1.0)
    began_ns = round(bench.now() * 1e9)
    bench.slow_cpu(20)
    bench.sleep(20.0)
    times, levels = bench.trace.transitions("lamp_red", began_ns)
    rises = times[levels == 1]
    measure("flashes", len(rises), at_least=39)
    measure("bend of the flashing period", np.abs(np.diff(rises) - 500e6).max(), unit="ns", at_most=BEND_S * 1e9)
    falls = times[levels == 0]
    lit = falls[falls > rises[0]][: len(rises) - 1] - rises[:-1]
    measure("bend of a flash's length", np.abs(lit - 200e6).max(), unit="ns", at_most=BEND_S * 1e9)


@pytest.mark.needs("slow", "virtual_time")
@pytest.mark.parametrize("priority", ["high", "medium", "low"])
def test_a_busy_loop_shifts_no_edge_of_an_alarm_test(bench: Bench, measure: Measure, priority: str):
    bench.slow_cpu(20)
    began_s = bench.now()
    bench.pump.alarm_test(priority)
    bench.sleep(PERIOD_S[priority])
    heard = pulses(bench.trace, began_s)[: len(BEGINS_S[priority])]
    measure("pulses heard", len(heard), equal=len(BEGINS_S[priority]))
    assert_on_the_beat(measure, heard, priority)


@pytest.mark.needs("hang", "virtual_time")
def test_a_burst_sounds_through_a_cpu_hang_and_the_alarm_returns_after_the_watchdog_reset(
    bench: Bench, measure: Measure
):
    bench.pump.start(100_000)
    bench.sleep(1.0)
    began_s = bench.now()
    raise_high(bench)
    bench.sleep(0.5)
    hung_s = bench.now()
    bench.hang_cpu()
    bench.sleep(1.5)
    assert_on_the_beat(measure, sounding(bench, began_s), "high")
    bench.sleep(10.0)
    bench.pump.reconnect(after_reset=True)
    assert alarms_reported(bench, "interrupted")[-1].active
    later = [pulse.start_s for pulse in pulses(bench.trace, hung_s + 2.1)]
    assert later
    # The watchdog, boot and self-test.
    measure("from the hang to the new alarm", later[0] - hung_s, unit="s", at_most=2.0 + 1.0)


# ---- one alarm within another's burst ----


@pytest.mark.requirement("ALM-3")
@pytest.mark.parametrize("after_s", [0.1, 0.25, 0.5])
def test_a_higher_alarm_interrupts_a_burst_at_once_and_plays_its_own_whole(
    bench: Bench, measure: Measure, after_s: float
):
    asked_s = bench.now()
    bench.pump.alarm_test("medium")
    bench.sleep(after_s)
    fault_s = bench.now()
    raise_high(bench)
    bench.sleep(8.0)
    red_s = float(bench.trace.edges("lamp_red", True, round(fault_s * 1e9))[0]) / 1e9
    # From here on: the C5 of MEDIUM continues as the C5 of HIGH without a gap. The lamp lights 1 ms after the piezo
    # starts.
    high = pulses(bench.trace, red_s - 0.001)
    measure("pulses of the higher alarm", len(high), equal=10)
    measure("from the red lamp to the sound", high[0].start_s - red_s, unit="s", at_most=NOTICED_S)
    measure("pulses of the lower alarm", len(pulses(bench.trace, asked_s, red_s - 0.001)), at_least=1)
    assert_on_the_beat(measure, high, "high")
    measure(
        "yellow flashes afterwards", len(bench.trace.edges("lamp_yellow", True, round((red_s + 0.001) * 1e9))), equal=0
    )


@pytest.mark.requirement("ALM-3")
@pytest.mark.needs("occlude")
def test_an_equal_alarm_changes_nothing_in_the_burst(bench: Bench, measure: Measure):
    bench.occlude()
    began_s = bench.now()
    bench.pump.start(MAX_UL_H)
    while not bench.pump.active_alarms:
        bench.sleep(0.1)
    raise_high(bench)
    bench.sleep(20.0)
    measure("the second alarm is active", "sensor_open" in bench.pump.active_alarms, equal=True)
    measure("active alarms", len(bench.pump.active_alarms), at_least=2)
    heard = sounding(bench, began_s)
    measure("pulses heard", len(heard), at_least=20)
    assert_on_the_beat(measure, heard, "high")


def test_a_lower_alarm_waits_and_sounds_when_the_higher_one_is_cleared(bench: Bench, measure: Measure):
    """The MEDIUM alarm is active; a HIGH one starts and is cleared within its own burst."""
    raise_medium(bench)
    bench.sleep(1.0)
    fault_s = bench.now()
    raise_high(bench)
    bench.sleep(1.0)
    bench.sensor_fault(None)
    bench.sleep(0.5)
    # infusion_complete is cleared too: only its latch held it.
    measure("alarms after the clear", bench.pump.clear_alarms().alarms, equal=())
    bench.sleep(8.0)
    # The burst in progress is finished, and nothing follows.
    measure("pulses of each burst", [len(burst) for burst in bursts(pulses(bench.trace, fault_s))], equal=[10])


@pytest.mark.requirement("ALM-3")
@pytest.mark.needs("virtual_time")
def test_a_lower_alarm_during_a_high_burst_is_heard_after_its_end(bench: Bench, measure: Measure):
    asked_s = bench.now()
    # The infusion ends within the burst of a HIGH test, which takes 3.4 s.
    bench.pump.start(MAX_UL_H, vtbi_nl=500_000)
    bench.sleep(0.5)
    bench.pump.alarm_test("high")
    bench.sleep(8.0)
    measure("active alarms", tuple(bench.pump.active_alarms), equal=("infusion_complete",))
    heard = pulses(bench.trace, asked_s)
    assert_on_the_beat(measure, heard[:10], "high")
    assert_on_the_beat(measure, heard[10:13], "medium")
    measure("rest between the two bursts", heard[10].start_s - heard[9].end_s, unit="s", at_least=2.5)
