"""Every alarm of the table: raised, reported on the link, measured on the pins, and cleared.

WAYS has one way to raise each alarm; ELSEWHERE names the alarms that this bench's profile cannot raise, with the test
that raises them. A test fails when an alarm of the table is in neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hil_tests.expect import UP_S, WATCHDOG_S, alarms_reported, cut_off_ends, sleep_until
from picoinfuse.alarms.table import AlarmRow, alarm_rows
from picoinfuse.analysis.alarm_timing import bursts, pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.common import paths
from picoinfuse.evidence.measuring import Measure
from picoinfuse.library import on_pump
from picoinfuse.library.read import load_library

pytestmark = [
    pytest.mark.requirement("ALM-6"),
    pytest.mark.needs("capture", "sensor", "occlude", "motor", "pin", "slow", "hang", "reset", "virtual_time"),
    pytest.mark.timeout(120),
]

MAX_UL_H = 1_200_000
LAMP = {"high": "lamp_red", "medium": "lamp_yellow", "low": "lamp_yellow"}
PULSES = {"high": 10, "medium": 3, "low": 2}


@dataclass(frozen=True)
class Way:
    """How to raise an alarm and how to end its cause; which alarms may be active beside it."""

    come: Callable[[Bench], None]
    go: Callable[[Bench], None] = lambda bench: None
    beside: tuple[str, ...] = ()


def close_the_line(bench: Bench) -> None:
    bench.occlude()
    bench.pump.start(MAX_UL_H)
    bench.sleep(5.0)


def open_the_line(bench: Bench) -> None:
    bench.occlude(False)
    bench.sleep(10.0)  # the plunger is drawn back, the pressure falls


def close_the_line_at_a_low_rate(bench: Bench) -> None:
    bench.pump.start(20_000)
    bench.sleep(60.0)
    bench.occlude()
    sleep_until(bench, lambda: bool(bench.pump.active_alarms), 120.0, 1.0)


def three_stops(bench: Bench) -> None:
    for _ in range(3):
        bench.pump.clear_alarms()
        bench.pump.start(100_000)
        bench.sleep(2.0)
        bench.sensor_fault("open")
        bench.sleep(1.0)
        bench.sensor_fault(None)
        bench.sleep(1.0)
    bench.pump.clear_alarms()


def sensor(kind: str) -> Way:
    def come(bench: Bench) -> None:
        bench.sensor_fault(kind)
        bench.sleep(3.0)

    def go(bench: Bench) -> None:
        bench.sensor_fault(None)
        bench.sleep(3.0)

    return Way(come, go)


def lose_the_step_wire(bench: Bench) -> None:
    bench.pump.start(100_000)
    bench.sleep(2.0)
    bench.drive_pin("step", 0)
    bench.sleep(2.0)


def mend_the_step_wire(bench: Bench) -> None:
    bench.drive_pin("step", None)
    bench.sleep(0.5)


def add_steps(bench: Bench) -> None:
    """At 1 mL/h a step comes every 1.26 s; a quarter as many unordered ones are added, for the 15 min of the window."""
    bench.pump.start(1_000)
    for _ in range(220):
        bench.sleep(5.0)
        bench.drive_pin("step", 1)
        bench.sleep(0.01)
        bench.drive_pin("step", None)
        if bench.pump.active_alarms:
            return


def be_busy(delay_ms: int, for_s: float) -> Callable[[Bench], None]:
    def busy(bench: Bench) -> None:
        bench.pump.start(100_000)
        bench.sleep(2.0)
        bench.slow_cpu(delay_ms)
        bench.sleep(for_s)
        bench.slow_cpu(0)
        bench.sleep(0.2)

    return busy


def stop_and_rest(bench: Bench) -> None:
    bench.pump.stop()
    bench.sleep(1.0)


def boot_without_a_sensor(bench: Bench) -> None:
    bench.sensor_fault("open")
    bench.reset()
    bench.sleep(1.0)


def break_the_profile(bench: Bench) -> None:
    cut_off_ends(bench, "/profile.json")


def mend_the_profile(bench: Bench) -> None:
    enter_repl(bench)
    run_in_repl(bench, f"f = open('/profile.json', 'wb'); f.write({bench.profile.frame()!r}); f.close()")


def break_copies(*folders: str) -> Callable[[Bench], None]:
    """Damages the copies of the calibration record."""

    def come(bench: Bench) -> None:
        bench.pump.calibrate(103, 100, "2026-11-22", "tester")
        cut_off_ends(bench, *(f"/{folder}/calibration" for folder in folders))

    return come


def calibrate_anew(bench: Bench) -> None:
    bench.pump.calibrate(1, 1, "2026-11-23", "tester")


def break_the_library(bench: Bench) -> None:
    send_the_library(bench)
    cut_off_ends(bench, "/keep_a/library.0", "/keep_b/library.0")


def send_the_library(bench: Bench) -> None:
    on_pump.send(bench.pump, load_library(paths.root() / "library" / "example-ward.toml"))


def run_down(bench: Bench, volume_nl: int, rate_ul_h: int, for_s: float) -> None:
    bench.pump.refill(volume_nl)
    bench.pump.start(rate_ul_h)
    bench.sleep(for_s)


def fill_up(bench: Bench) -> None:
    bench.pump.refill(50_000_000)
    bench.sleep(1.5)


def cut_an_infusion_short(bench: Bench) -> None:
    bench.pump.start(100_000)
    bench.sleep(1.0)
    bench.reset()


def hang_while_idle(bench: Bench) -> None:
    bench.hang_cpu()
    bench.sleep(WATCHDOG_S + UP_S)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1.0)


def complete_an_infusion(bench: Bench) -> None:
    bench.pump.start(MAX_UL_H, vtbi_nl=500_000)
    bench.sleep(3.0)


def ask_too_often(bench: Bench) -> None:
    """The limit is 2 mL an hour in boluses of 0.4 mL: the sixth is refused."""
    bolus = {"volume_nl": 400_000, "rate_ul_h": 200_000, "lockout_s": 60}
    bolus.update(max_1h_nl=2_000_000, max_4h_nl=4_000_000)
    bench.pump.start_regimen({"kind": "pca", "segments": [[0, 0, 0, 0]], "bolus": bolus})
    for _ in range(6):
        bench.sleep(61.0)
        bench.pump.request_bolus()
    bench.sleep(1.0)


def forget_a_pause(bench: Bench) -> None:
    bench.pump.start(100_000)
    bench.sleep(1.0)
    bench.pump.pause()
    bench.sleep(902.0)


def remember_it(bench: Bench) -> None:
    bench.pump.stop()
    bench.sleep(0.1)


WAYS = {
    "occlusion": Way(close_the_line, open_the_line),
    "occlusion_early": Way(close_the_line_at_a_low_rate, open_the_line),
    "repeated_alarm": Way(three_stops),
    "sensor_open": sensor("open"),
    "sensor_short": sensor("short"),
    "sensor_frozen": sensor("frozen"),
    "sensor_jump": sensor("jump"),
    "adc_stuck": sensor("stuck"),
    "reference_fault": sensor("reference"),
    "sensor_stale": Way(be_busy(250, 0.6), beside=("task_overrun",)),
    "motor_fault": Way(lose_the_step_wire, mend_the_step_wire),
    "over_infusion": Way(add_steps),
    "system_fault": Way(boot_without_a_sensor, lambda bench: bench.sensor_fault(None), beside=("sensor_open",)),
    "profile_fault": Way(break_the_profile, mend_the_profile),
    "calibration_fault": Way(break_copies("keep_a", "keep_b"), calibrate_anew),
    "record_restored": Way(break_copies("keep_a")),
    "reservoir_near_empty": Way(lambda bench: run_down(bench, 10_000_000, 30_000, 2.0), fill_up),
    "reservoir_low": Way(
        lambda bench: run_down(bench, 900_000, 10_000, 2.0), fill_up, beside=("reservoir_near_empty",)
    ),
    # The infusion lasts 1.5 s and the task runs every second: the warning by time may come first.
    "reservoir_empty": Way(
        lambda bench: run_down(bench, 1_000_000, MAX_UL_H, 3.0), fill_up, beside=("reservoir_near_empty",)
    ),
    "library_fault": Way(break_the_library, send_the_library),
    "restarted": Way(hang_while_idle),
    "interrupted": Way(cut_an_infusion_short),
    "dose_limit": Way(ask_too_often, stop_and_rest),
    "infusion_complete": Way(complete_an_infusion),
    "task_overrun": Way(be_busy(60, 0.5), stop_and_rest),
    "suspended_reminder": Way(forget_a_pause, remember_it),
}

ELSEWHERE = {
    "under_infusion": "a generator whose clock is slow by 10 to 50 %, for a step that the wire loses is a motor_fault "
    "at once: firmware/tests/test_monitor.py",
    "delivery_late": "a loop so late has not read the sensor either: sensor_stale comes first, and stops; "
    "firmware/tests/test_delivery.py",
    "pressure_not_following": "the line opens while the plunger is drawn back: test_pressure_relief.py",
    "storage_fault": "a flash that takes no writes: test_journal.py",
    "upstream_occlusion": "a profile with an upstream sensor",
    "upstream_sensor_fault": "a profile with an upstream sensor",
    "air_in_line": "a profile with an air sensor",
    "battery_low": "a profile with a battery: test_battery.py",
    "battery_depleted": "a profile with a battery: test_battery.py",
    "battery_fault": "a profile with a battery: test_battery.py",
    "button_stuck": "a profile with buttons: test_buttons.py",
    "reservoir_urgent": "a regimen whose interruption would harm: test_reservoir.py",
    "piezo_fault": "a profile with feedback of the piezo: test_sound_check.py",
    "lamp_fault": "a profile with feedback of the lamps: test_lamp_check.py",
}

ROWS = {row.name: row for row in alarm_rows()}


def test_every_alarm_is_raised_here_or_in_a_named_test(measure: Measure) -> None:
    measure("alarms without a way or a reason", sorted(set(ROWS) - set(WAYS) - set(ELSEWHERE)), equal=[])
    measure("alarms with both", sorted(set(WAYS) & set(ELSEWHERE)), equal=[])


def heard(bench: Bench, measure: Measure, row: AlarmRow, since_s: float) -> None:
    """Measures a whole burst of the alarm's priority, and its lamp."""
    bench.sleep(25.0)
    whole = [len(burst) for burst in bursts(pulses(bench.trace, since_s))]
    measure("bursts of the alarm's pulses", whole.count(PULSES[row.priority]), at_least=1)
    lit = bench.trace.edges(LAMP[row.priority], True, round(since_s * 1e9))
    steady = bench.trace.level_at(LAMP[row.priority], round(bench.now() * 1e9))
    measure("flashes of its lamp, or its light", max(len(lit), steady), above=0)


@pytest.mark.parametrize("name", WAYS)
def test_each_alarm_is_reported_sounds_lights_and_clears(bench: Bench, measure: Measure, name: str) -> None:
    row, way = ROWS[name], WAYS[name]
    since_s = bench.now()
    way.come(bench)
    measure("name", name, one_of=bench.pump.status().alarms)
    measure("other alarms", sorted(set(bench.pump.status().alarms) - {name, *way.beside}), equal=[])
    event = next(event for event in alarms_reported(bench, name) if event.active)
    measure("priority reported", event.priority, equal=row.priority)
    state = bench.pump.status().state
    if row.effect == "stop":
        measure("state", state, one_of=("alarm_stopped", "fault"))
        enable = bench.trace.level_at("enable", round(bench.now() * 1e9))
        drawn_back = bench.pump.status().recovery is not None
        measure("the motor is free, or draws back", enable == 1 or drawn_back, equal=True, req=("ALM-6", "PCA-1"))
    heard(bench, measure, row, since_s)
    clear(bench, measure, row, way)
    quiet_s = bench.now() + 4.0  # a burst that has begun is finished
    bench.sleep(30.0)
    measure("alarms", bench.pump.status().alarms, equal=())
    for wire in ("piezo", "lamp_red", "lamp_yellow"):
        measure("edges after the clear", bench.trace.count(wire, round(quiet_s * 1e9)), equal=0)
        measure("level after the clear", bench.trace.level_at(wire, round(bench.now() * 1e9)), equal=0)


def clear(bench: Bench, measure: Measure, row: AlarmRow, way: Way) -> None:
    """Ends the alarm as its row says: by itself, by a person once its cause is gone, or by a reset."""
    way.go(bench)
    if row.latching == "until_reset":
        bench.reset()
        bench.sleep(1.0)
        if "interrupted" in bench.pump.status().alarms:  # the fault stopped an infusion
            bench.pump.clear_alarms()
    elif row.latching == "latches":
        measure("the alarm waits for a person", row.name, one_of=bench.pump.status().alarms)
        bench.pump.clear_alarms()
        if bench.pump.status().state == "infusing":
            stop_and_rest(bench)
        bench.sleep(0.1)
        measure("state", bench.pump.status().state, equal="idle")
    measure("the alarm is still active", row.name in bench.pump.status().alarms, equal=False)
