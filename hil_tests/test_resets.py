"""Whatever ends the firmware, the motor stands, and nothing is delivered before a person orders it again."""

from __future__ import annotations

import pytest

from hil_tests.expect import (
    BOOT_S,
    COLLECTION_MS,
    LEAD_S,
    UP_S,
    WATCHDOG_S,
    alarms_reported,
    motor_steps,
    now_ns,
    sleep_until,
)
from picoinfuse.bench import Bench
from picoinfuse.client.notifications import Ready
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("STOP-2", "STOP-4", "GIP-3.5")]

RATE_UL_H = 100_000


def infuse(bench: Bench, measure: Measure) -> int:
    """Starts an infusion; returns the time at which its rate is steady."""
    bench.pump.start(RATE_UL_H)
    bench.sleep(2)
    measure("state", bench.pump.status().state, equal="infusing")
    return now_ns(bench)


def starts(bench: Bench) -> list[Ready]:
    return [event for event in bench.pump.events if isinstance(event, Ready)]


def assert_interrupted(bench: Bench, measure: Measure) -> None:
    """The pump runs, stands still, alarms, and refuses to deliver until the alarm is cleared."""
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=("interrupted",))
    measure("rate", status.rate_ul_h, unit="µL/h", equal=0)
    measure("delivered", status.delivered_nl, unit="nL", equal=0)
    measure("priority reported", alarms_reported(bench, "interrupted")[-1].priority, equal="high")
    with pytest.raises(PumpError, match="start"):
        bench.pump.start(RATE_UL_H)
    cleared = bench.pump.clear_alarms()
    measure("state after the clear", cleared.state, equal="idle")
    measure("alarms after the clear", cleared.alarms, equal=())
    started_ns = now_ns(bench)
    measure("state", bench.pump.start(RATE_UL_H), equal="infusing")
    bench.sleep(0.5)
    measure("steps", len(motor_steps(bench, started_ns)), above=0)


@pytest.mark.needs("capture", "hang")
def test_a_hung_cpu_starves_the_motor(bench: Bench, measure: Measure) -> None:
    hung_ns = infuse(bench, measure)
    bench.hang_cpu()
    bench.sleep(1.5)  # before the watchdog reset
    measure("level of enable", bench.trace.level_at("enable", now_ns(bench)), equal=0)
    steps = motor_steps(bench, hung_ns)
    measure("steps after the hang", len(steps), above=0)
    measure("motion after the hang", steps[-1] - hung_ns, unit="ns", at_most=LEAD_S * 1e9)


@pytest.mark.needs("capture", "pressure", "hang")
def test_a_hung_pump_restarts_with_the_alarm_interrupted(bench: Bench, measure: Measure) -> None:
    hung_ns = infuse(bench, measure)
    bench.hang_cpu()
    sleep_until(bench, lambda: len(starts(bench)) == 2, WATCHDOG_S + UP_S)
    # The reset comes 2 s after the last feed, which is at most one turn of the loop ago, perhaps with a collection.
    safe = bench.trace.edges("enable", True, hung_ns)
    measure(
        "from the hang to the reset",
        (safe[0] - hung_ns) / 1e9,
        unit="s",
        at_least=WATCHDOG_S - 0.02 - COLLECTION_MS / 1000,
        at_most=WATCHDOG_S,
    )
    measure("causes of the starts", [event.reset_cause for event in starts(bench)], equal=["power_on", "watchdog"])
    bench.pump.reconnect(after_reset=True)
    stood_nl = bench.trace.value_at("delivered_nl", int(safe[0]))
    bench.sleep(60)
    measure("volume out of the syringe", bench.trace.value_at("delivered_nl", now_ns(bench)), unit="nL", equal=stood_nl)
    measure("steps after the reset", len(motor_steps(bench, int(safe[0]))), equal=0)
    assert_interrupted(bench, measure)


@pytest.mark.needs("capture", "pressure", "power")
def test_a_power_cut_stops_at_once_and_nothing_starts_by_itself(bench: Bench, measure: Measure) -> None:
    cut_ns = infuse(bench, measure)
    bench.power_cycle(2.0)
    bench.sleep(60)
    safe = bench.trace.edges("enable", True, cut_ns)
    measure("rising edges of enable", len(safe), equal=1)
    # The pull-up disables the motor while the chip does not.
    measure("enable is released at", safe[0], unit="ns", equal=cut_ns)
    measure("steps after the cut", len(motor_steps(bench, cut_ns)), equal=0)
    delivered = [bench.trace.value_at("delivered_nl", t_ns) for t_ns in (cut_ns, now_ns(bench))]
    measure("volume given after the cut", delivered[1] - delivered[0], unit="nL", equal=0)
    assert_interrupted(bench, measure)


@pytest.mark.needs("capture", "reset")
@pytest.mark.parametrize("paused", [False, True])
def test_a_reset_during_an_infusion_alarms(bench: Bench, measure: Measure, paused: bool) -> None:
    reset_ns = infuse(bench, measure)
    if paused:
        bench.pump.pause()
        bench.sleep(1)
        reset_ns = now_ns(bench)
    bench.reset()
    bench.sleep(2)
    measure("enable is released at", bench.trace.edges("enable", True, reset_ns)[0], unit="ns", equal=reset_ns)
    measure("steps after the reset", len(motor_steps(bench, reset_ns)), equal=0)
    assert_interrupted(bench, measure)


@pytest.mark.needs("reset")
def test_an_uncleared_interruption_survives_another_reset(bench: Bench, measure: Measure) -> None:
    infuse(bench, measure)
    bench.reset()
    bench.sleep(1)
    bench.reset()
    bench.sleep(1)
    measure("alarms", bench.pump.status().alarms, equal=("interrupted",))
    bench.pump.clear_alarms()
    bench.sleep(0.3)  # by then the entry is in the flash
    bench.reset()
    bench.sleep(1)
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.needs("sensor", "reset")
def test_an_infusion_stopped_by_an_alarm_survives_a_reset_as_interrupted(bench: Bench, measure: Measure) -> None:
    infuse(bench, measure)
    bench.sensor_fault("open")
    bench.sleep(1)
    bench.sensor_fault(None)
    measure("alarms", bench.pump.status().alarms, equal=("sensor_open",))
    bench.reset()
    bench.sleep(1)
    assert_interrupted(bench, measure)


@pytest.mark.needs("reset")
def test_a_reset_of_an_idle_pump_raises_no_alarm(bench: Bench, measure: Measure) -> None:
    infuse(bench, measure)
    bench.pump.stop()
    bench.sleep(1)
    boot = bench.pump.boot
    bench.reset()
    bench.sleep(1)
    assert bench.pump.boot != boot
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=())


def assert_told(bench: Bench, measure: Measure, cause: str) -> None:
    """The alarm `restarted` is active until a person clears it."""
    measure("cause of the start", starts(bench)[-1].reset_cause, equal=cause)
    measure("state", bench.pump.status().state, equal="idle")
    measure("alarms", bench.pump.status().alarms, equal=("restarted",))
    measure("priority reported", alarms_reported(bench, "restarted")[-1].priority, equal="medium")
    measure("alarms after the clear", bench.pump.clear_alarms().alarms, equal=())
    bench.reset()
    bench.sleep(1)
    measure("alarms after a reset by hand", bench.pump.status().alarms, equal=())


@pytest.mark.needs("hang", "reset")
@pytest.mark.parametrize("before", ["nothing", "an infusion"])
def test_an_idle_pump_reports_a_hang_after_its_restart(bench: Bench, measure: Measure, before: str) -> None:
    if before == "an infusion":
        infuse(bench, measure)
        bench.pump.stop()
        bench.sleep(1)
    bench.hang_cpu()
    bench.sleep(WATCHDOG_S + UP_S)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1)
    assert_told(bench, measure, "watchdog")


@pytest.mark.needs("damage", "reset")
def test_an_idle_pump_reports_a_crash_after_its_restart(bench: Bench, measure: Measure) -> None:
    bench.break_task("pump.tasks.garbage_collection.GarbageCollection")
    bench.sleep(6.0)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1)
    assert_told(bench, measure, "crash")


@pytest.mark.needs("power")
@pytest.mark.parametrize("how", ["by command", "power"])
def test_an_intended_reset_of_an_idle_pump_raises_no_alarm(bench: Bench, measure: Measure, how: str) -> None:
    if how == "power":
        bench.power_cycle(2.0)
    else:
        bench.pump.reset()
    bench.sleep(1)
    measure("alarms", bench.pump.status().alarms, equal=())


@pytest.mark.needs("capture", "slow")
def test_a_slightly_late_loop_is_counted_and_reported_and_delivery_goes_on(bench: Bench, measure: Measure) -> None:
    """Turns of 56 to 65 ms for half of the watchdog's 2 s: 55 ms late. The pressure task allows 50, delivery 100."""
    slow_ns = infuse(bench, measure)
    bench.slow_cpu(55)
    bench.sleep(1)
    bench.slow_cpu(0)
    bench.sleep(1)
    (event,) = alarms_reported(bench, "task_overrun")
    measure("priority reported", event.priority, equal="medium")
    measure("reported as active", event.active, equal=True)
    status = bench.pump.status()
    measure("state", status.state, equal="infusing")
    measure("overruns", status.overruns, above=0)
    tasks = {task.name: task for task in bench.pump.tasks().tasks}
    measure("overruns of all tasks", sum(task.overruns for task in tasks.values()), equal=status.overruns)
    measure("lateness of the pressure task", tasks["pressure"].late_ms, unit="ms", above=50, at_most=55)
    measure("overruns of the pressure task", tasks["pressure"].overruns, at_most=1000 / 56 + 1)
    measure("overruns of the delivery task", tasks["delivery"].overruns, equal=0)
    # Delivery is unaffected: 2 s at 79.4 Hz.
    measure("steps", len(motor_steps(bench, slow_ns)), at_least=2 * 79.3 - 1)
    # The alarm sounds once, and a clear ends it.
    measure("alarms after the clear", bench.pump.clear_alarms().alarms, equal=())


@pytest.mark.needs("capture", "slow")
@pytest.mark.parametrize("delay_ms", [60, 300])
def test_a_loop_that_stays_late_does_not_feed_the_watchdog(bench: Bench, measure: Measure, delay_ms: int) -> None:
    slow_ns = infuse(bench, measure)
    boot = bench.pump.boot
    bench.slow_cpu(delay_ms)
    bench.sleep(WATCHDOG_S + BOOT_S + 0.5)
    bench.slow_cpu(0)
    measure(
        "what was reported of the alarm",
        [event.active for event in alarms_reported(bench, "task_overrun")],
        equal=[True],
    )
    # Some turns may still meet their deadlines: a task that runs every 50 ms may be late by less than its limit.
    safe = bench.trace.edges("enable", True, slow_ns)
    measure("from the slowness to the reset", (safe[0] - slow_ns) / 1e9, unit="s", at_most=WATCHDOG_S + delay_ms / 1000)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1)
    assert bench.pump.boot != boot
    measure("steps after the reset", len(motor_steps(bench, int(safe[0]))), equal=0)
    assert_interrupted(bench, measure)


@pytest.mark.needs("capture", "slow")
def test_a_stale_pressure_reading_stops_delivery(bench: Bench, measure: Measure) -> None:
    """150 ms between two samples; 100 are allowed."""
    slow_ns = infuse(bench, measure)
    bench.slow_cpu(150)
    sleep_until(bench, lambda: "sensor_stale" in bench.pump.active_alarms, 0.5, step_s=0.05)
    bench.slow_cpu(0)
    stopped = bench.trace.edges("enable", True, slow_ns)
    measure("time to the release of enable", (stopped[0] - slow_ns) / 1e9, unit="s", at_most=0.2)
    bench.sleep(0.5)
    measure("state", bench.pump.status().state, equal="alarm_stopped")
    measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")
