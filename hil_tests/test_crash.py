"""An uncaught exception makes the outputs safe, resets and alarms; after three in a row the board stays in a fatal
alarm.
"""

from __future__ import annotations

import pytest

from hil_tests.expect import end_self_test
from picoinfuse.analysis.alarm_timing import pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.client.notifications import Ready
from picoinfuse.deploy.files_list import REWRITE
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("STOP-3", "STOP-5"), pytest.mark.needs("capture", "reset")]

RATE_UL_H = 100_000
CRASH_AT_STEPS = 100
# Appended to a module of the application. The steps are the pump's own count.
BOMB = f"""
_run = DeliveryMonitorTask.run
def _bomb(self, now_ms):
    if self._delivery.counted_steps() >= {CRASH_AT_STEPS}:
        raise RuntimeError('broken by a test')
    return _run(self, now_ms)
DeliveryMonitorTask.run = _bomb
"""
TONE_HZ = 784  # G5, which no alarm's melody contains


def append_to_monitor(bench: Bench, measure: Measure, text: str) -> None:
    """The module is bytecode, so a source file that imports all of it takes its place."""
    enter_repl(bench)
    text = f"from pump.tasks.whole_monitor import *\n{text}"
    move = "import os; os.rename('/pump/tasks/delivery_monitor.mpy', '/pump/tasks/whole_monitor.mpy')"
    code = f"{move}; f = open('/pump/tasks/delivery_monitor.py', 'w'); n = f.write({text!r}); f.close(); print(n)"
    measure("bytes written", run_in_repl(bench, code), equal=str(len(text)))
    run_in_repl(bench, REWRITE)  # or the self-test would find it


def with_bomb(bench: Bench, measure: Measure) -> None:
    append_to_monitor(bench, measure, BOMB)
    bench.reset()
    measure("state", bench.pump.status().state, equal="idle")


def crash_once(bench: Bench) -> float:
    """Infuses until the exception; returns when the motor's enable was released."""
    began_s = bench.now()
    bench.pump.start(RATE_UL_H)
    bench.sleep(2.0)  # 100 steps at 79 a second, then the reset
    return float(bench.trace.edges("enable", True, round(began_s * 1e9))[0]) / 1e9


def come_back(bench: Bench) -> None:
    bench.pump.reconnect(after_reset=True)
    end_self_test(bench)


def test_exception_makes_outputs_safe_and_the_pump_comes_back_with_an_alarm(bench: Bench, measure: Measure):
    with_bomb(bench, measure)
    began_s = bench.now()
    crashed_s = crash_once(bench)
    come_back(bench)
    steps = bench.trace.count("step", round(began_s * 1e9), round(crashed_s * 1e9))
    # The monitor runs every 100 ms: 8 steps at 79 a second.
    measure("steps", steps, at_least=CRASH_AT_STEPS, at_most=CRASH_AT_STEPS + 9)
    # Nothing moved afterwards except the self-test's 10 steps without enable.
    measure(
        "steps after the crash", bench.trace.count("step", round(crashed_s * 1e9), round(bench.now() * 1e9)), equal=10
    )
    measure("falling edges of enable", len(bench.trace.edges("enable", False, round(crashed_s * 1e9))), equal=0)
    ready = [event for event in bench.pump.events if isinstance(event, Ready)][-1]
    measure("cause of the start", ready.reset_cause, equal="crash")
    status = bench.pump.status()
    measure("state", status.state, equal="alarm_stopped")
    measure("alarms", status.alarms, equal=("interrupted",))
    # The HIGH burst starts with the loop. The boot comes first, 3.2 s on a Pico from files, 0.3 s frozen.
    measure(
        "from the crash to the alarm's sound",
        pulses(bench.trace, crashed_s)[0].start_s - crashed_s,
        unit="s",
        below=5.0,
    )


def test_after_a_crash_only_the_pulse_in_progress_is_finished(bench: Bench, measure: Measure):
    with_bomb(bench, measure)
    crashed_s = crash_once(bench)
    come_back(bench)
    edges_ns = bench.trace.edges("step", True)
    later_s = edges_ns[edges_ns > crashed_s * 1e9] / 1e9 - crashed_s
    # A reset stops PIO with everything else. The self-test begins when the pump runs again.
    measure("level of step 1 ms later", bench.trace.level_at("step", round(crashed_s * 1e9) + 1_000_000), equal=0)
    measure(
        "level of enable later", bench.trace.level_at("enable", round((crashed_s + float(later_s[0])) * 1e9)), equal=1
    )


def test_pump_can_infuse_again_after_a_crash(bench: Bench, measure: Measure):
    with_bomb(bench, measure)
    crash_once(bench)
    come_back(bench)
    measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")
    bench.pump.start(RATE_UL_H)
    bench.sleep(0.5)
    measure("steps counted", bench.pump.status().steps_counted, near=0.5 * 79, by=4)


def test_three_crashes_in_a_row_end_in_a_steady_tone_the_red_lamp_and_the_repl(bench: Bench, measure: Measure):
    with_bomb(bench, measure)
    for crash in range(3):
        if crash:
            come_back(bench)
            measure("state after the clear", bench.pump.clear_alarms().state, equal="idle")
        crash_once(bench)
    assert_fatal_alarm(bench, measure)


def test_application_that_cannot_be_loaded_ends_the_same_way(bench: Bench, measure: Measure):
    append_to_monitor(bench, measure, "def broken(:\n")
    leave_repl(bench)
    assert_fatal_alarm(bench, measure)


@pytest.mark.needs("power")
def test_power_off_resets_the_count_of_crashes(bench: Bench, measure: Measure):
    with_bomb(bench, measure)
    for _ in range(2):
        crash_once(bench)
        bench.power_cycle()
        measure("alarms", bench.pump.status().alarms, equal=("interrupted",))
        bench.pump.clear_alarms()
    crash_once(bench)
    come_back(bench)  # the third crash, but the first since power-on
    measure("state", bench.pump.status().state, equal="alarm_stopped")


def assert_fatal_alarm(bench: Bench, measure: Measure) -> None:
    """Hardware alone, with a prompt at the serial port."""
    bench.sleep(8.0)  # three starts, which take 1.5 s each on a Pico
    (tone,) = pulses(bench.trace, bench.now() - 1.5, bench.now() - 0.001)
    measure("length of the tone", tone.duration_s, unit="s", near=1.5, by=0.01)
    # 784 Hz of a PWM whose period is a whole number of its clock's ticks.
    measure("frequency of the tone", tone.frequency_hz, unit="Hz", near=TONE_HZ, by=0.001 * TONE_HZ)
    now_ns = round(bench.now() * 1e9)
    levels = {wire: bench.trace.level_at(wire, now_ns) for wire in ("enable", "step", "lamp_red", "lamp_yellow")}
    measure("levels", levels, equal={"enable": 1, "step": 0, "lamp_red": 1, "lamp_yellow": 0})
    measure("the REPL answers", run_in_repl(bench, "print(6 * 7)"), equal="42")
    bench.sleep(10.0)
    # No watchdog reset ends it, and no wire changes.
    for wire in levels:
        measure(
            "edges of a wire in 2 s", len(bench.trace.transitions(wire, now_ns, round(bench.now() * 1e9))[0]), equal=0
        )
