"""The engines of the stub are equal: the same seed and commands give the same trace, byte for byte.

The flash takes no time in these runs. With its times, a start on the VM lasts longer, because only littlefs writes to
the flash for every file; the rest of the run is then shifted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.common import paths
from picoinfuse.profile import load_profile
from picoinfuse.regimen import load_regimen
from picoinfuse.stub.engine import EngineMissing, find_engine
from picoinfuse.trace.vcd import write_vcd

pytestmark = pytest.mark.timeout(280)

Scenario = Callable[[StubBench], None]


def _flows(bench: StubBench) -> None:
    """Rate, bolus, pause, another rate, volume to be infused with KVO, telemetry."""
    pump = bench.pump
    pump.telemetry(1)
    pump.start(rate_ul_h=30_000, vtbi_nl=1_500_000)
    bench.sleep(20)
    pump.bolus(200_000, 100_000)
    bench.sleep(20)
    pump.pause()
    bench.sleep(5)
    pump.resume()
    pump.set_rate(80_000)
    bench.sleep(70)  # the volume is infused: an alarm, and KVO
    pump.silence()
    bench.sleep(30)


def _regimen(name: str, seconds: float) -> Scenario:
    def run(bench: StubBench) -> None:
        bench.pump.start_regimen(load_regimen(paths.root() / "regimens" / f"{name}.toml", bench.profile).compiled)
        bench.sleep(seconds)
        bench.pump.stop()
        bench.sleep(2)

    return run


def _on_demand(bench: StubBench) -> None:
    bolus = {"volume_nl": 500_000, "rate_ul_h": 100_000, "lockout_s": 60, "max_1h_nl": 900_000, "max_4h_nl": 2_000_000}
    bench.pump.start_regimen({"kind": "pca", "segments": [[5_000, 5_000, 3600, 0]], "bolus": bolus})
    for _ in range(4):  # one during the lockout, one above the hourly limit
        bench.pump.request_bolus()
        bench.sleep(40)


def _occlusion(bench: StubBench) -> None:
    bench.pump.occlusion_level("low")
    bench.pump.start(100_000)
    bench.sleep(20)
    bench.occlude()
    bench.sleep(60)  # alarm, retraction, escalation
    bench.pump.acknowledge()
    bench.occlude(False)
    bench.sleep(10)
    bench.pump.clear_alarms()
    bench.pump.start(20_000)
    bench.sleep(10)


def _faults(bench: StubBench) -> None:
    """Sensor, motor and step wire: each stops the pump, is cleared, and the pump infuses again."""
    for begin, end in (
        (lambda: bench.sensor_fault("open"), lambda: bench.sensor_fault(None)),
        (lambda: bench.sensor_fault("frozen"), lambda: bench.sensor_fault(None)),
        (lambda: bench.sensor_fault("jump"), lambda: bench.sensor_fault(None)),
        (lambda: bench.drive_pin("step", 0), lambda: bench.drive_pin("step", None)),
        (lambda: bench.motor_fault("slip 500"), lambda: bench.motor_fault(None)),
    ):
        bench.pump.start(100_000)
        bench.sleep(3)
        begin()
        bench.sleep(4)
        end()
        bench.sleep(3)
        bench.pump.stop()
        bench.sleep(1)
        bench.pump.clear_alarms()


def _resets(bench: StubBench) -> None:
    bench.pump.start(200_000)
    bench.sleep(5)
    bench.reset()
    bench.pump.clear_alarms()
    bench.pump.start(200_000)
    bench.sleep(5)
    bench.hang_cpu()
    bench.sleep(10)
    bench.pump.reconnect(after_reset=True)
    bench.power_cycle()
    bench.sleep(5)


SCENARIOS: dict[str, Scenario] = {
    "flows": _flows,
    "continuous": _regimen("chemotherapy", 120),
    "intermittent": _regimen("antibiotic", 120),
    "steps": _regimen("taper", 120),
    "pca": _on_demand,
    "occlusion": _occlusion,
    "faults": _faults,
    "resets": _resets,
}


def _trace(engine: str, scenario: Scenario, file: Path) -> bytes:
    with StubBench(load_profile("syringe-50ml"), engine=find_engine(engine), flash_takes_time=False, seed=7) as bench:
        bench.pump.timeout_s = 60  # wall time: a retry would buy the pump another turn
        scenario(bench)
        write_vcd(bench.trace, file)
    return file.read_bytes()


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("engine", ["cpython", "pypy"])
def test_the_trace_is_that_of_the_vm(engine: str, name: str, tmp_path: Path) -> None:
    try:
        find_engine(engine)
        find_engine("vm")
    except EngineMissing as missing:
        pytest.skip(str(missing))
    expected = _trace("vm", SCENARIOS[name], tmp_path / "vm.vcd")
    assert len(expected) > 10_000  # the scenario did something
    found = _trace(engine, SCENARIOS[name], tmp_path / f"{engine}.vcd")
    if found != expected:
        pytest.fail(_difference(found, expected))


def _difference(found: bytes, expected: bytes) -> str:
    """The first lines that differ: a diff of megabytes would take minutes."""
    pairs = zip(found.splitlines(), expected.splitlines(), strict=False)
    for number, (line, wanted) in enumerate(pairs, start=1):
        if line != wanted:
            return f"line {number} is {line!r}, on the VM {wanted!r}"
    return f"{len(found)} bytes, on the VM {len(expected)}"
