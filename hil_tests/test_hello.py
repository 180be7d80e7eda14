"""The pump identifies itself, and each boot has a number of its own."""

from __future__ import annotations

import re

import pytest

from hil_tests.expect import end_self_test
from picoinfuse.bench import Bench
from picoinfuse.client.notifications import Ready
from picoinfuse.common.errors import PumpError
from picoinfuse.deploy.staging import commit
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("GIP-3.3")]

STEP_TESTED = 10  # steps of the self-test, with the motor disabled


@pytest.mark.smoke
def test_hello_reports_firmware_and_board(bench: Bench, measure: Measure):
    hello = bench.pump.hello()
    measure("name reported", hello.name, equal="picoinfuse")
    measure("protocol reported", hello.protocol, equal=1)
    measure("profile reported", hello.profile, equal=bench.profile.name)
    measure("version has three numbers", bool(re.fullmatch(r"\d+\.\d+\.\d+", hello.version)), equal=True)
    measure("MicroPython is a 1.x", bool(re.fullmatch(r"1\.\d+\.\d+", hello.micropython)), equal=True)
    # The flash chip's 8 bytes.
    measure("unique id has 16 hex digits", bool(re.fullmatch(r"[0-9a-f]{16}", hello.unique_id)), equal=True)
    measure("the machine is a Pico", "Pico" in hello.machine, equal=True)


def test_hello_reports_the_deployed_commit(bench: Bench, measure: Measure):
    # A suite that runs against another firmware than the one in this clone proves nothing.
    measure("commit reported", bench.pump.hello().commit, equal=commit())


@pytest.mark.needs("reset")
def test_each_reset_has_another_boot_number_and_the_same_id(bench: Bench, measure: Measure):
    hellos = [bench.pump.hello()]
    for _ in range(3):
        bench.reset()
        hellos.append(bench.pump.hello())
    measure("different boot numbers", len({hello.boot for hello in hellos}), equal=4)
    measure("least boot number", min(hello.boot for hello in hellos), at_least=1)
    measure("greatest boot number", max(hello.boot for hello in hellos), below=1 << 24)
    measure("different unique ids", len({hello.unique_id for hello in hellos}), equal=1)


def test_ready_reports_the_boot_number_and_the_reset_cause(bench: Bench, measure: Measure):
    bench.pump.reset()
    bench.sleep(1.0)
    ready = [event for event in bench.pump.events if isinstance(event, Ready)][-1]
    hello = bench.pump.hello()
    measure("boot reported", ready.boot, equal=hello.boot)
    measure("version reported", ready.version, equal=hello.version)
    measure("cause of the start", ready.reset_cause, equal="reset")


def test_status_of_an_idle_pump(bench: Bench, measure: Measure):
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=())
    measure("pause left", status.silenced_ms, unit="ms", equal=0)
    measure("rate", status.rate_ul_h, unit="µL/h", equal=0)
    measure("target rate", status.target_ul_h, unit="µL/h", equal=0)
    measure("delivered", status.delivered_nl, unit="nL", equal=0)
    measure("vtbi", status.vtbi_nl, unit="nL", equal=None)
    measure("occlusion level", status.occlusion_level, equal="medium")
    measure("limit", status.limit_pa, unit="Pa", near=517 * 133.322, by=1)  # mmHg; the profile has whole pascals
    # The sensor has a noise of 1.5 mV, 60 Pa a mV, before the filter: 5 sigma of it are 450 Pa.
    measure("pressure", status.pressure_pa, unit="Pa", near=0, by=450)
    measure("overruns", status.overruns, equal=0)
    measure("telemetry dropped", status.telemetry_dropped, equal=0)
    measure("heap free", status.heap_free, at_least=10_000)  # the self-test's limit


def test_uptime_counts_the_bench_s_time(bench: Bench, measure: Measure):
    first_ms, began_s = bench.pump.status().uptime_ms, bench.now()
    bench.sleep(10.0)
    lasted_ms = (bench.now() - began_s) * 1000
    # Each of the two requests may wait for a turn of 10 ms, and on a Pico for a collection of garbage.
    measure("uptime that has passed", bench.pump.status().uptime_ms - first_ms, unit="ms", near=lasted_ms, by=60)


@pytest.mark.smoke
@pytest.mark.needs("capture")
def test_self_test_moves_no_motor_and_ends_idle(bench: Bench, measure: Measure):
    began_s = bench.now()
    reported = bench.pump.self_test()
    measure("state reported", reported.state, equal="self_test")
    measure("failed in the test before", reported.failed, equal=None)
    with pytest.raises(PumpError) as refused:
        bench.pump.start(5000)
    measure("data of the refusal", refused.value.data, equal={"state": "self_test"})
    end_self_test(bench)
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=())
    measure("delivered", status.delivered_nl, unit="nL", equal=0)
    window_ns = round(began_s * 1e9), round(bench.now() * 1e9)
    measure("steps on the pin", bench.trace.count("step", *window_ns), equal=STEP_TESTED)
    # Active low: it never fell.
    measure("falling edges of enable", len(bench.trace.edges("enable", False, *window_ns)), equal=0)
    measure("level of enable", bench.trace.level_at("enable", window_ns[0]), equal=1)


@pytest.mark.needs("sensor", "reset")
def test_self_test_at_boot_finds_a_broken_sensor(bench: Bench, measure: Measure):
    bench.sensor_fault("open")
    bench.reset()
    status = bench.pump.status()
    measure("state", status.state, equal="fault")
    measure("alarms", set(status.alarms), equal={"system_fault", "sensor_open"})
    measure("pressure", status.pressure_pa, equal=None)
    with pytest.raises(PumpError) as refused:
        bench.pump.start(5000)
    measure("refused with", refused.value.code, equal="wrong_state")
