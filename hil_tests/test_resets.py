"""Whatever ends the firmware: the motor stands, and nothing is delivered that a person has not ordered anew."""

from __future__ import annotations

import pytest

from hil_tests.expect import BOOT_S, LEAD_S, WATCHDOG_S, alarms_told, motor_steps, now_ns, sleep_until
from picoinfuse.bench import Bench
from picoinfuse.errors import PumpError
from picoinfuse.messages import Ready

RATE_UL_H = 100_000


def infuse(bench: Bench) -> int:
    """Returns the time at which an infusion was well under way."""
    bench.pump.start(RATE_UL_H)
    bench.sleep(2)
    assert bench.pump.status().state == "infusing"
    return now_ns(bench)


def assert_interrupted(bench: Bench) -> None:
    """The pump is up, stands, alarms, and refuses to deliver until the alarm is cleared."""
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("alarm_stopped", ("interrupted",))
    assert (status.rate_ul_h, status.delivered_nl) == (0, 0)
    assert alarms_told(bench, "interrupted")[-1].priority == "high"
    with pytest.raises(PumpError, match="start"):
        bench.pump.start(RATE_UL_H)
    cleared = bench.pump.clear_alarms()
    assert (cleared.state, cleared.alarms) == ("idle", ())
    started_ns = now_ns(bench)
    assert bench.pump.start(RATE_UL_H) == "infusing"
    bench.sleep(0.5)
    assert len(motor_steps(bench, started_ns)) > 0


@pytest.mark.needs("capture", "hang")
def test_a_hung_cpu_starves_the_motor(bench: Bench) -> None:
    hung_ns = infuse(bench)
    bench.hang_cpu()
    bench.sleep(1.5)  # the watchdog has not bitten yet
    assert bench.trace.level_at("enable", now_ns(bench)) == 0
    steps = motor_steps(bench, hung_ns)
    assert len(steps) > 0
    assert steps[-1] - hung_ns <= LEAD_S * 1e9


@pytest.mark.needs("capture", "pressure", "hang")
def test_a_hung_pump_reboots_into_the_alarm_interrupted(bench: Bench) -> None:
    hung_ns = infuse(bench)
    bench.hang_cpu()
    bench.sleep(WATCHDOG_S + BOOT_S + 0.2)
    # The reset comes 2 s after the last feed, which is a turn of the loop ago at most.
    safe = bench.trace.edges("enable", True, hung_ns)
    assert WATCHDOG_S - 0.02 <= (safe[0] - hung_ns) / 1e9 <= WATCHDOG_S
    ready = [event for event in bench.pump.events if isinstance(event, Ready)]
    assert [event.reset_cause for event in ready] == ["power_on", "watchdog"]
    bench.pump.reconnect(after_reset=True)
    stood_nl = bench.trace.value_at("delivered_nl", int(safe[0]))
    bench.sleep(60)
    assert bench.trace.value_at("delivered_nl", now_ns(bench)) == stood_nl
    assert len(motor_steps(bench, int(safe[0]))) == 0
    assert_interrupted(bench)


@pytest.mark.needs("capture", "pressure", "power")
def test_a_power_cut_stops_at_once_and_nothing_starts_by_itself(bench: Bench) -> None:
    cut_ns = infuse(bench)
    bench.power_cycle(2.0)
    bench.sleep(60)
    safe = bench.trace.edges("enable", True, cut_ns)
    assert len(safe) == 1
    assert safe[0] == cut_ns  # the pull-up holds it off when the chip does not
    assert len(motor_steps(bench, cut_ns)) == 0
    delivered = [bench.trace.value_at("delivered_nl", t_ns) for t_ns in (cut_ns, now_ns(bench))]
    assert delivered[0] == delivered[1]
    status = bench.pump.status()
    assert (status.state, status.alarms, status.delivered_nl) == ("idle", (), 0)


@pytest.mark.needs("capture", "reset")
@pytest.mark.parametrize("paused", [False, True])
def test_a_reset_in_the_midst_of_an_infusion_is_an_alarm(bench: Bench, paused: bool) -> None:
    reset_ns = infuse(bench)
    if paused:
        bench.pump.pause()
        bench.sleep(1)
        reset_ns = now_ns(bench)
    bench.reset()
    bench.sleep(2)
    assert bench.trace.edges("enable", True, reset_ns)[0] == reset_ns
    assert len(motor_steps(bench, reset_ns)) == 0
    assert_interrupted(bench)


@pytest.mark.needs("reset")
def test_an_interruption_that_nobody_saw_survives_another_reset(bench: Bench) -> None:
    infuse(bench)
    bench.reset()
    bench.sleep(1)
    bench.reset()
    bench.sleep(1)
    assert bench.pump.status().alarms == ("interrupted",)
    bench.pump.clear_alarms()
    bench.reset()
    bench.sleep(1)
    assert (bench.pump.status().state, bench.pump.status().alarms) == ("idle", ())


@pytest.mark.needs("sensor", "reset")
def test_an_infusion_that_an_alarm_stopped_is_not_forgotten_in_a_reset(bench: Bench) -> None:
    infuse(bench)
    bench.sensor_fault("open")
    bench.sleep(1)
    bench.sensor_fault(None)
    assert bench.pump.status().alarms == ("sensor_open",)
    bench.reset()
    bench.sleep(1)
    assert_interrupted(bench)


@pytest.mark.needs("reset")
def test_a_reset_of_an_idle_pump_is_no_alarm(bench: Bench) -> None:
    infuse(bench)
    bench.pump.stop()
    bench.sleep(1)
    boot = bench.pump.boot
    bench.reset()
    bench.sleep(1)
    assert bench.pump.boot != boot
    assert (bench.pump.status().state, bench.pump.status().alarms) == ("idle", ())


@pytest.mark.needs("capture", "slow")
def test_a_loop_that_is_a_little_late_is_counted_and_told_and_goes_on(bench: Bench) -> None:
    """Turns of 26 to 35 ms for half of the watchdog's 2 s: late by 25; pressure can bear 20, the annunciator 10."""
    slow_ns = infuse(bench)
    bench.slow_cpu(25)
    bench.sleep(1)
    bench.slow_cpu(0)
    bench.sleep(1)
    (event,) = alarms_told(bench, "task_overrun")
    assert (event.priority, event.active) == ("medium", True)
    status = bench.pump.status()
    assert status.state == "infusing"
    assert status.overruns > 0
    tasks = {task.name: task for task in bench.pump.tasks().tasks}
    assert sum(task.overruns for task in tasks.values()) == status.overruns
    assert 20 < tasks["pressure"].late_ms <= 25
    assert tasks["pressure"].overruns <= 1000 / 26 + 1
    assert tasks["delivery"].overruns == 0
    # Delivery did not suffer: 2 s at 79.4 Hz.
    assert len(motor_steps(bench, slow_ns)) >= 2 * 79.3 - 1
    # It is heard once, and over after a clear.
    assert bench.pump.clear_alarms().alarms == ()


@pytest.mark.needs("capture", "slow")
@pytest.mark.parametrize("delay_ms", [60, 300])
def test_a_loop_that_stays_late_does_not_feed_the_watchdog(bench: Bench, delay_ms: int) -> None:
    slow_ns = infuse(bench)
    boot = bench.pump.boot
    bench.slow_cpu(delay_ms)
    bench.sleep(WATCHDOG_S + BOOT_S + 0.5)
    bench.slow_cpu(0)
    assert [event.active for event in alarms_told(bench, "task_overrun")] == [True]
    # Some turns may still have met their deadlines: a task that looks every 50 ms is late by less than it can bear.
    safe = bench.trace.edges("enable", True, slow_ns)
    assert (safe[0] - slow_ns) / 1e9 <= WATCHDOG_S + delay_ms / 1000
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1)
    assert bench.pump.boot != boot
    assert len(motor_steps(bench, int(safe[0]))) == 0
    assert_interrupted(bench)


@pytest.mark.needs("capture", "slow")
def test_a_pressure_that_is_not_read_in_time_stops_delivery(bench: Bench) -> None:
    """150 ms between two samples; 100 are borne."""
    slow_ns = infuse(bench)
    bench.slow_cpu(150)
    sleep_until(bench, lambda: "sensor_stale" in bench.pump.active_alarms, 0.5, step_s=0.05)
    bench.slow_cpu(0)
    stopped = bench.trace.edges("enable", True, slow_ns)
    assert (stopped[0] - slow_ns) / 1e9 <= 0.2
    bench.sleep(0.5)
    assert bench.pump.status().state == "alarm_stopped"
    assert bench.pump.clear_alarms().state == "idle"
