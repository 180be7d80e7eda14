"""The self-test: every part of it fails when what it looks at is broken, in FAULT, with an alarm, and by its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil_tests.expect import alarms_told
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.errors import PumpError
from picoinfuse.messages import Ready

pytestmark = [
    pytest.mark.requirement("GIP-3.3", "GIP-3.4", "GIP-3.5"),
    pytest.mark.needs("reset"),
    pytest.mark.profile("ambulatory-10ml"),
]

PARTS = (
    "memory", "firmware", "settings", "step_generator", "pressure_sensor", "piezo", "lamp", "battery", "buttons",
    "watchdog",
)  # fmt: skip


def results(bench: Bench) -> dict[str, str]:
    return {part.name: part.result for part in bench.pump.test_report().parts}


@pytest.mark.needs("power")
def test_after_power_on_every_part_is_tested_within_five_seconds(bench: Bench) -> None:
    # The pump was switched on 1.1 s ago. This profile has no feedback of piezo and lamps.
    assert bench.pump.status().state == "idle"
    assert bench.now() < 5
    report = bench.pump.test_report()
    assert report.failed is None
    assert results(bench) == {**dict.fromkeys(PARTS, "passed"), "piezo": "absent", "lamp": "absent"}


@pytest.mark.needs("power", "capture")
def test_the_watchdog_is_left_to_bite_once_after_each_power_on(bench: Bench) -> None:
    ready = [event for event in bench.pump.events if isinstance(event, Ready)]
    assert [event.reset_cause for event in ready] == ["power_on"]
    bench.reset()
    assert results(bench)["watchdog"] == "not_run"
    bench.power_cycle()
    ready = [event for event in bench.pump.events if isinstance(event, Ready)]
    assert [event.reset_cause for event in ready] == ["power_on", "reset", "power_on"]
    assert results(bench)["watchdog"] == "passed"
    assert len(bench.trace.edges("enable", False)) == 0


def damage_a_file(bench: Bench) -> None:
    """A bit in a docstring: nothing but the test can find it."""
    enter_repl(bench)
    change = "d = bytearray(open('/main.py', 'rb').read()); d[3] ^= 1"  # a letter of its first line
    run_in_repl(bench, change + "; f = open('/main.py', 'wb'); f.write(d); f.close()")
    leave_repl(bench)


def lose_the_list(bench: Bench) -> None:
    enter_repl(bench)
    run_in_repl(bench, "f = open('/pump/files.crc', 'rb'); d = f.read(); f = open('/pump/files.crc', 'wb'); "
                "f.write(d[:-40]); f.close()")  # fmt: skip
    leave_repl(bench)


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


@pytest.mark.needs("pin", "sensor", "battery", "watchdog", "power", "deploy")
@pytest.mark.parametrize("what", BROKEN)
def test_the_first_part_that_fails_ends_it_in_an_alarm(bench: Bench, what: str) -> None:
    part, broken, _ = BROKEN[what]
    broken(bench)
    bench.sleep(1.0)
    status = bench.pump.status()
    assert status.state == "fault"
    assert "system_fault" in status.alarms
    assert alarms_told(bench, "system_fault")[-1].priority == "high"
    assert bench.pump.test_report().failed == part
    place = PARTS.index(part)
    told = results(bench)
    assert all(told[name] in ("passed", "absent") for name in PARTS[:place])
    assert told[part] == "failed"
    assert all(told[name] == "not_run" for name in PARTS[place + 1 :])
    with pytest.raises(PumpError):
        bench.pump.start(5_000)


@pytest.mark.needs("pin")
def test_a_test_that_is_asked_for_forgets_the_one_before(bench: Bench) -> None:
    bench.drive_pin("button_stop", 0)
    bench.pump.self_test()
    bench.sleep(1.0)
    assert bench.pump.test_report().failed == "buttons"
    bench.drive_pin("button_stop", None)
    bench.reset()
    assert bench.pump.test_report().failed is None


@pytest.mark.needs("virtual_time", "capture")
@pytest.mark.timeout(300)
def test_every_hour_of_infusion_the_readable_parts_are_repeated_without_effect_on_it(bench: Bench) -> None:
    bench.pump.start(20_000)
    bench.sleep(3_590.0)
    assert bench.pump.test_report().periodic == 0
    before = bench.pump.status()
    bench.sleep(60.0)
    assert bench.pump.test_report().periodic == 1
    after = bench.pump.status()
    assert (after.state, after.alarms, after.overruns) == ("infusing", (), 0)
    # 20 mL/h for 60 s and the turn of a request: 333.3 µL; a step is 0.103 µL.
    assert after.delivered_nl - before.delivered_nl == pytest.approx(333_333, abs=400)
