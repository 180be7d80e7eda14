"""The pump's firmware on the emulated Pico, with the world around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from picoinfuse.bench.emulator import EmulatorBench
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")
RATE_UL_H = 5000

pytestmark = pytest.mark.timeout(180)  # the first of them deploys


@pytest.fixture
def bench(uf2_file: Path) -> Iterator[EmulatorBench]:
    with EmulatorBench(PROFILE, uf2_file=uf2_file) as opened:
        yield opened


def test_it_comes_up_on_the_real_micropython(bench: EmulatorBench):
    hello = bench.pump.hello()
    assert hello.micropython == "1.25.0"
    assert hello.machine == "Raspberry Pi Pico with RP2040"
    assert bench.pump.status().state == "idle"


def test_it_delivers_what_it_says_in_even_steps(bench: EmulatorBench):
    bench.pump.start(RATE_UL_H)
    bench.sleep(10)
    status = bench.pump.status()
    started_ns = round((bench.now() - 10) * 1e9)
    steps = bench.trace.edges("step", start_ns=started_ns)
    # 5 mL/h are 1.3889 µL/s: 3.969 steps a second
    assert np.abs(np.diff(steps) - 0.34994 * 3.6e12 / RATE_UL_H).max() <= 1000
    assert abs(status.steps_counted - len(bench.trace.edges("step", start_ns=started_ns - 10**8))) <= 1
    assert abs(bench.trace.value_at("delivered_nl", bench.trace.end_ns) - status.delivered_nl) < 400


def test_an_occlusion_stops_it_with_an_alarm(bench: EmulatorBench):
    bench.pump.start(999_000)
    bench.sleep(1)
    bench.occlude()
    bench.sleep(6)
    status = bench.pump.status()
    assert status.state == "alarm_stopped"
    assert "occlusion" in status.alarms


def test_a_hung_cpu_starves_the_motor_and_the_watchdog_brings_it_back(bench: EmulatorBench):
    bench.pump.start(100_000)
    bench.sleep(1)
    bench.hang_cpu()
    hung_ns = round(bench.now() * 1e9)
    bench.board.sleep(1.5)
    # 200 to 300 ms are granted ahead
    assert bench.trace.edges("step")[-1] < hung_ns + 400_000_000
    bench.board.sleep(8)
    bench.pump.reconnect(after_reset=True)
    bench.sleep(1)
    assert "interrupted" in bench.pump.status().alarms


def test_power_comes_back_to_an_idle_pump(bench: EmulatorBench):
    boot = bench.pump.boot
    bench.power_cycle(1.0)
    assert bench.pump.boot != boot
    assert bench.pump.status().state == "idle"
