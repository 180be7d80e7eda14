"""An exception that reaches the top: outputs safe, a reset, an alarm; three in a row, and the board gives up aloud."""

from __future__ import annotations

import pytest

from picoinfuse.analysis.alarm_timing import pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, leave_repl, run_in_repl
from picoinfuse.messages import Ready

pytestmark = [pytest.mark.needs("capture", "reset")]

RATE_UL_H = 100_000
CRASH_AT_STEPS = 100
# Put at the end of a module of the application. The steps are those that the pump counts itself.
BOMB = f"""
_run = MonitorTask.run
def _bomb(self, now_ms):
    if self._delivery.counted_steps() >= {CRASH_AT_STEPS}:
        raise RuntimeError('broken by a test')
    return _run(self, now_ms)
MonitorTask.run = _bomb
"""
TONE_HZ = 784  # G5, of no alarm's melody


def append_to_monitor(bench: Bench, text: str) -> None:
    """In effect: the module is bytecode, so source that imports it all takes its place."""
    enter_repl(bench)
    text = f"from pump.whole_monitor import *\n{text}"
    move = "import os; os.rename('/pump/monitor_task.mpy', '/pump/whole_monitor.mpy')"
    code = f"{move}; f = open('/pump/monitor_task.py', 'w'); n = f.write({text!r}); f.close(); print(n)"
    assert run_in_repl(bench, code) == str(len(text))


def with_bomb(bench: Bench) -> None:
    append_to_monitor(bench, BOMB)
    bench.reset()
    assert bench.pump.status().state == "idle"


def crash_once(bench: Bench) -> float:
    """Infuses until the exception; returns when the motor's enable was taken away."""
    began_s = bench.now()
    bench.pump.start(RATE_UL_H)
    bench.sleep(4.0)  # 100 steps at 79 a second, then the reset
    return float(bench.trace.edges("enable", True, round(began_s * 1e9))[0]) / 1e9


def test_exception_makes_outputs_safe_and_the_pump_comes_back_with_an_alarm(bench: Bench):
    with_bomb(bench)
    began_s = bench.now()
    crashed_s = crash_once(bench)
    bench.pump.reconnect(after_reset=True)
    steps = bench.trace.count("step", round(began_s * 1e9), round(crashed_s * 1e9))
    # The monitor looks every 100 ms: 8 steps at 79 a second.
    assert CRASH_AT_STEPS <= steps <= CRASH_AT_STEPS + 9
    # Nothing moved after it, but for the self-test's 10 steps without enable.
    assert bench.trace.count("step", round(crashed_s * 1e9), round(bench.now() * 1e9)) == 10
    assert len(bench.trace.edges("enable", False, round(crashed_s * 1e9))) == 0
    ready = [event for event in bench.pump.events if isinstance(event, Ready)][-1]
    assert ready.reset_cause == "crash"
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("alarm_stopped", ("interrupted",))
    # It sounds: the HIGH burst began within the boot and the self-test of 0.4 s.
    assert pulses(bench.trace, crashed_s)[0].start_s - crashed_s < 1.0


def test_no_pulse_follows_a_crash_by_more_than_the_one_in_progress(bench: Bench):
    with_bomb(bench)
    crashed_s = crash_once(bench)
    edges_ns = bench.trace.edges("step", True)
    later_s = edges_ns[edges_ns > crashed_s * 1e9] / 1e9 - crashed_s
    # A reset stops PIO with everything else. The self-test begins when the pump runs again.
    assert bench.trace.level_at("step", round(crashed_s * 1e9) + 1_000_000) == 0
    assert bench.trace.level_at("enable", round((crashed_s + float(later_s[0])) * 1e9)) == 1


def test_pump_can_infuse_again_after_a_crash(bench: Bench):
    with_bomb(bench)
    crash_once(bench)
    bench.pump.reconnect(after_reset=True)
    assert bench.pump.clear_alarms().state == "idle"
    bench.pump.start(RATE_UL_H)
    bench.sleep(0.5)
    assert bench.pump.status().steps_counted == pytest.approx(0.5 * 79, abs=4)


def test_three_crashes_in_a_row_end_in_a_steady_tone_the_red_lamp_and_the_repl(bench: Bench):
    with_bomb(bench)
    for crash in range(3):
        if crash:
            bench.pump.reconnect(after_reset=True)
            assert bench.pump.clear_alarms().state == "idle"
        crash_once(bench)
    assert_cries(bench)


def test_application_that_cannot_be_loaded_ends_the_same_way(bench: Bench):
    append_to_monitor(bench, "def broken(:\n")
    leave_repl(bench)
    assert_cries(bench)


@pytest.mark.needs("power")
def test_power_off_forgets_the_crashes(bench: Bench):
    with_bomb(bench)
    for _ in range(2):
        crash_once(bench)
        bench.power_cycle()
        assert bench.pump.status().state == "idle"
    crash_once(bench)
    bench.pump.reconnect(after_reset=True)  # the third crash, but the first since the power came on
    assert bench.pump.status().state == "alarm_stopped"


def assert_cries(bench: Bench) -> None:
    """Hardware alone, with a prompt at the serial port."""
    bench.sleep(2.0)
    (tone,) = pulses(bench.trace, bench.now() - 1.5, bench.now() - 0.001)
    assert tone.duration_s == pytest.approx(1.5, abs=0.01)
    # 784 Hz of a PWM whose period is a whole number of its clock's ticks.
    assert tone.frequency_hz == pytest.approx(TONE_HZ, rel=0.001)
    now_ns = round(bench.now() * 1e9)
    levels = {wire: bench.trace.level_at(wire, now_ns) for wire in ("enable", "step", "lamp_red", "lamp_yellow")}
    assert levels == {"enable": 1, "step": 0, "lamp_red": 1, "lamp_yellow": 0}
    assert run_in_repl(bench, "print(6 * 7)") == "42"
    bench.sleep(10.0)
    # It stays so: no watchdog ends it, and none of the wires changes.
    for wire in levels:
        assert len(bench.trace.transitions(wire, now_ns, round(bench.now() * 1e9))[0]) == 0, wire
