"""The self-test: each part fails when the hardware it checks is broken, ends in FAULT with an alarm, and is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil_tests.expect import UP_S, alarms_reported, end_self_test
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.client.frame import encode
from picoinfuse.client.notifications import Ready
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [
    pytest.mark.requirement("GIP-3.3"),
    pytest.mark.needs("reset"),
    pytest.mark.profile("ambulatory-10ml"),
]

PARTS = (
    "memory", "firmware", "settings", "step_generator", "pressure_sensor", "piezo", "lamp", "battery", "buttons",
    "watchdog",
)  # fmt: skip


def results(bench: Bench) -> dict[str, str]:
    return {part.name: part.result for part in bench.pump.test_report().parts}


def causes(bench: Bench) -> list[str | int]:
    return [event.reset_cause for event in bench.pump.events if isinstance(event, Ready)]


@pytest.mark.needs("power")
def test_after_power_on_every_part_is_tested_within_five_seconds(bench: Bench, measure: Measure) -> None:
    # This profile has no feedback of piezo and lamps.
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("since the pump's loop began", status.uptime_ms / 1000, unit="s", below=5)
    measure("since power-on", bench.now(), unit="s", below=UP_S)  # a Pico takes 3.7 s to load the firmware from files
    measure("part that failed", bench.pump.test_report().failed, equal=None)
    expected = {**dict.fromkeys(PARTS, "passed"), "piezo": "absent", "lamp": "absent"}
    measure("parts", results(bench), equal=expected)


@pytest.mark.requirement("GIP-3.5")
@pytest.mark.needs("power", "capture")
def test_the_watchdog_is_tested_once_after_each_power_on(bench: Bench, measure: Measure) -> None:
    measure("causes of boots", causes(bench), equal=["power_on"])
    bench.pump.reset()
    end_self_test(bench)
    measure("watchdog after a reset", results(bench)["watchdog"], equal="not_run")
    bench.power_cycle()
    measure("causes of boots", causes(bench), equal=["power_on", "reset", "power_on"])
    measure("watchdog after a power cycle", results(bench)["watchdog"], equal="passed")
    measure("motor enabled, times", len(bench.trace.edges("enable", False)), equal=0)


def damage_a_file(bench: Bench) -> None:
    """Flips a bit in a docstring: only the self-test can find it."""
    enter_repl(bench)
    change = "d = bytearray(open('/main.py', 'rb').read()); d[3] ^= 1"  # a letter of the first line
    run_in_repl(bench, change + "; f = open('/main.py', 'wb'); f.write(d); f.close()")
    leave(bench)


def lose_the_list(bench: Bench) -> None:
    enter_repl(bench)
    run_in_repl(bench, "f = open('/pump/files.crc', 'rb'); d = f.read(); f = open('/pump/files.crc', 'wb'); "
                "f.write(d[:-40]); f.close()")  # fmt: skip
    leave(bench)


def leave(bench: Bench) -> None:
    leave_repl(bench)
    bench.sleep(1.0)
    bench.pump.reconnect(after_reset=True)


def hold(name: str, level: int) -> Callable[[Bench], None]:
    def broken(bench: Bench) -> None:
        bench.drive_pin(name, level)
        bench.reset()

    return broken


def open_the_sensor(bench: Bench) -> None:
    bench.sensor_fault("open")
    bench.reset()


def empty_the_battery(bench: Bench) -> None:
    bench.battery(permille=20)
    bench.reset()


def lose_the_battery(bench: Bench) -> None:
    bench.battery_fault("open")
    bench.reset()


def kill_the_watchdog(bench: Bench) -> None:
    bench.watchdog_fault("dead")
    bench.power_cycle()


BROKEN = {
    "file": ("firmware", damage_a_file, "deploy"),
    "list": ("firmware", lose_the_list, "deploy"),
    "step wire": ("step_generator", hold("step", 0), "pin"),
    "sensor": ("pressure_sensor", open_the_sensor, "sensor"),
    "battery empty": ("battery", empty_the_battery, "battery"),
    "battery wire": ("battery", lose_the_battery, "battery"),
    "request button": ("buttons", hold("button_request", 0), "pin"),
    "stop button": ("buttons", hold("button_stop", 0), "pin"),
    "watchdog": ("watchdog", kill_the_watchdog, "watchdog"),
}


@pytest.mark.needs("power")
@pytest.mark.parametrize("what", [pytest.param(name, marks=pytest.mark.needs(BROKEN[name][2])) for name in BROKEN])
def test_the_first_part_that_fails_ends_it_in_an_alarm(bench: Bench, measure: Measure, what: str) -> None:
    part, broken, _ = BROKEN[what]
    broken(bench)
    end_self_test(bench)
    status = bench.pump.status()
    measure("state", status.state, equal="fault")
    measure("system_fault among the alarms", status.alarms.count("system_fault"), equal=1)
    measure("its priority", alarms_reported(bench, "system_fault")[-1].priority, equal="high")
    measure("part that failed", bench.pump.test_report().failed, equal=part)
    place = PARTS.index(part)
    reported = results(bench)
    measure("parts before it that did not pass", not_as(reported, PARTS[:place], "passed", "absent"), equal={})
    measure("its own result", reported[part], equal="failed")
    measure("parts behind it that were run", not_as(reported, PARTS[place + 1 :], "not_run"), equal={})
    with pytest.raises(PumpError) as refused:
        bench.pump.start(5_000)
    measure("a start is refused", refused.value.code, equal="wrong_state")


def not_as(reported: dict[str, str], parts: tuple[str, ...], *results: str) -> dict[str, str]:
    return {name: reported[name] for name in parts if reported[name] not in results}


@pytest.mark.needs("pin")
def test_a_requested_self_test_discards_the_previous_result(bench: Bench, measure: Measure) -> None:
    bench.drive_pin("button_stop", 0)
    bench.pump.self_test()
    end_self_test(bench)
    measure("part that failed", bench.pump.test_report().failed, equal="buttons")
    bench.drive_pin("button_stop", None)
    bench.reset()
    measure("part that failed, the next time", bench.pump.test_report().failed, equal=None)


@pytest.mark.requirement("GIP-3.4")
@pytest.mark.needs("virtual_time", "capture")
@pytest.mark.timeout(300)
def test_memory_firmware_and_settings_are_checked_every_hour_without_effect_on_delivery(
    bench: Bench, measure: Measure
) -> None:
    bench.pump.start(20_000)
    bench.sleep(3_590.0)
    measure("repetitions before an hour", bench.pump.test_report().periodic, equal=0)
    before = bench.pump.status()
    bench.sleep(60.0)
    measure("repetitions after an hour", bench.pump.test_report().periodic, equal=1)
    after = bench.pump.status()
    measure("state, alarms, late tasks", (after.state, after.alarms, after.overruns), equal=("infusing", (), 0))
    # 20 mL/h for 60 s and the turn of a request: 333.3 µL; a step is 0.103 µL.
    measure("given meanwhile", after.delivered_nl - before.delivered_nl, unit="nL", near=333_333, by=400)
    assert after.delivered_nl - before.delivered_nl == pytest.approx(333_333, abs=400)


@pytest.mark.needs("reset", "virtual_time")
@pytest.mark.parametrize("requests", [1, 3, 8])
def test_requests_during_the_start_do_not_fail_the_memory_test(bench: Bench, measure: Measure, requests: int) -> None:
    """The garbage of replies does not count as memory in use."""
    bench.board.reset()  # pyright: ignore[reportAttributeAccessIssue]  # without waiting until the pump runs
    for number in range(1, requests + 1):
        bench.write_raw(encode({"id": number, "method": "status"}))
        bench.sleep(0.005)
    bench.sleep(2.0)
    bench.pump.reconnect()
    measure("part that failed", bench.pump.test_report().failed, equal=None)
    measure("state", bench.pump.status().state, equal="idle")
