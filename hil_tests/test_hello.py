"""Who answers, what it says of itself, and that each boot is another."""

from __future__ import annotations

import re

import pytest

from picoinfuse.bench import Bench
from picoinfuse.errors import PumpError
from picoinfuse.messages import Ready
from picoinfuse.staging import commit

STEP_TESTED = 10  # steps of the self-test, with the motor's enable away


def test_hello_tells_what_runs_and_on_what(bench: Bench):
    hello = bench.pump.hello()
    assert hello.name == "picoinfuse"
    assert hello.protocol == 1
    assert hello.profile == bench.profile.name
    assert re.fullmatch(r"\d+\.\d+\.\d+", hello.version)
    assert re.fullmatch(r"1\.\d+\.\d+", hello.micropython)
    assert re.fullmatch(r"[0-9a-f]{16}", hello.unique_id)  # the flash chip's 8 bytes
    assert "Pico" in hello.machine


def test_hello_tells_the_commit_that_was_deployed(bench: Bench):
    # A suite that runs against another firmware than the one beside it proves nothing about either.
    assert bench.pump.hello().commit == commit()


@pytest.mark.needs("reset")
def test_each_reset_has_another_boot_number_and_the_same_id(bench: Bench):
    hellos = [bench.pump.hello()]
    for _ in range(3):
        bench.reset()
        hellos.append(bench.pump.hello())
    assert len({hello.boot for hello in hellos}) == 4
    assert all(1 <= hello.boot < 1 << 24 for hello in hellos)
    assert len({hello.unique_id for hello in hellos}) == 1


def test_ready_tells_the_boot_and_why_the_last_one_ended(bench: Bench):
    bench.pump.reset()
    bench.sleep(1.0)
    ready = [event for event in bench.pump.events if isinstance(event, Ready)][-1]
    hello = bench.pump.hello()
    assert (ready.boot, ready.version, ready.reset_cause) == (hello.boot, hello.version, "reset")


def test_status_of_an_idle_pump(bench: Bench):
    status = bench.pump.status()
    assert (status.state, status.alarms, status.silenced_ms) == ("idle", (), 0)
    assert (status.rate_ul_h, status.target_ul_h, status.delivered_nl, status.vtbi_nl) == (0, 0, 0, None)
    assert status.occlusion_level == "medium"
    assert status.limit_pa == pytest.approx(517 * 133.322, abs=1)  # mmHg; the profile has whole pascals
    # The sensor has a noise of 1.5 mV, 60 Pa a mV, before the filter: 5 sigma of it are 450 Pa.
    assert status.pressure_pa == pytest.approx(0, abs=450)
    assert (status.overruns, status.telemetry_dropped) == (0, 0)
    assert status.heap_free > 20_000  # what the self-test demands


def test_uptime_counts_the_bench_s_time(bench: Bench):
    first_ms, began_s = bench.pump.status().uptime_ms, bench.now()
    bench.sleep(10.0)
    lasted_ms = (bench.now() - began_s) * 1000
    # Each of the two requests may wait for a turn of 10 ms.
    assert bench.pump.status().uptime_ms - first_ms == pytest.approx(lasted_ms, abs=20)


@pytest.mark.needs("capture")
def test_self_test_moves_no_motor_and_ends_idle(bench: Bench):
    began_s = bench.now()
    told = bench.pump.self_test()
    assert (told.state, told.failed) == ("self_test", None)
    with pytest.raises(PumpError) as refused:
        bench.pump.start(5000)
    assert refused.value.data == {"state": "self_test"}
    bench.sleep(1.0)
    status = bench.pump.status()
    assert (status.state, status.alarms, status.delivered_nl) == ("idle", (), 0)
    window_ns = round(began_s * 1e9), round(bench.now() * 1e9)
    assert bench.trace.count("step", *window_ns) == STEP_TESTED
    assert len(bench.trace.edges("enable", False, *window_ns)) == 0  # active low: it never fell
    assert bench.trace.level_at("enable", window_ns[0]) == 1


@pytest.mark.needs("sensor", "reset")
def test_self_test_at_boot_finds_a_broken_sensor(bench: Bench):
    bench.sensor_fault("open")
    bench.reset()
    status = bench.pump.status()
    assert status.state == "fault"
    assert set(status.alarms) == {"system_fault", "sensor_open"}
    assert status.pressure_pa is None
    with pytest.raises(PumpError) as refused:
        bench.pump.start(5000)
    assert refused.value.code == "wrong_state"
