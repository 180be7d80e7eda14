"""A flash without a valid profile: the pump alarms, answers, never moves, and never guesses a profile."""

from __future__ import annotations

import json

import pytest

from picoinfuse.analysis.alarm_timing import bursts, pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.client.frame import encode
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import Profile

pytestmark = [pytest.mark.requirement("KEEP-1"), pytest.mark.needs("reset")]


def other_wiring(profile: Profile) -> bytes:
    """The same profile with a valid CRC for a pump whose DIR is wired to another pin."""
    made_for = json.loads(profile.frame().rpartition(b"#")[0])
    made_for["wiring"]["dir"] = 5
    return encode(made_for, limit_bytes=2048)


BROKEN = {
    "no profile": lambda profile: None,
    "empty file": lambda profile: b"",
    "half a file": lambda profile: profile.frame()[:200],
    "one flipped bit": lambda profile: profile.frame().replace(b'"min_rate_ul_h":10', b'"min_rate_ul_h":11'),
    "no CRC": lambda profile: profile.frame()[:-10] + b"\n",
    "another wiring": other_wiring,
}


def put_profile(bench: Bench, measure: Measure, data: bytes | None) -> None:
    """Writes these bytes as the profile to the flash, and resets."""
    enter_repl(bench)
    if data is None:
        run_in_repl(bench, "import os; os.remove('/profile.json')")
    else:
        code = f"f = open('/profile.json', 'wb'); n = f.write({data!r}); f.close(); print(n)"
        measure("bytes written", run_in_repl(bench, code), equal=str(len(data)))
    bench.reset()


@pytest.mark.parametrize("name", BROKEN)
def test_pump_without_a_valid_profile_is_in_fault_and_refuses_to_start(bench: Bench, measure: Measure, name: str):
    put_profile(bench, measure, BROKEN[name](bench.profile))
    status = bench.pump.status()
    measure("state", status.state, equal="fault")
    measure("alarms", status.alarms, equal=("profile_fault",))
    measure("profile reported", bench.pump.hello().profile, equal=None)  # not a default one
    measure("limit", status.limit_pa, unit="Pa", equal=None)
    measure("occlusion level", status.occlusion_level, equal=None)
    measure("pressure", status.pressure_pa, unit="Pa", equal=None)
    for method, params in (("start", {"rate_ul_h": 5000}), ("resume", {}), ("self_test", {})):
        with pytest.raises(PumpError) as refused:
            bench.pump.call(method, **params)
        measure("refused with", refused.value.code, equal="wrong_state")
        measure("refused with", refused.value.data["state"], equal="fault")


@pytest.mark.needs("capture")
def test_pump_without_a_profile_sounds_and_does_not_move(bench: Bench, measure: Measure):
    put_profile(bench, measure, None)
    began_ns = round(bench.now() * 1e9)
    bench.sleep(12.0)
    # A HIGH burst every 9.2 s, 3.2 s long: at least one is complete in 12 s.
    measure(
        "whole HIGH bursts", [len(burst) for burst in bursts(pulses(bench.trace, began_ns / 1e9))].count(10), at_least=1
    )
    measure("red flashes in 12 s", bench.trace.count("lamp_red", began_ns), near=24, by=1)  # 2 Hz
    measure("steps", bench.trace.count("step", began_ns), equal=0)
    measure("level of enable", bench.trace.level_at("enable", began_ns), equal=1)


def test_profile_fault_cannot_be_cleared(bench: Bench, measure: Measure):
    put_profile(bench, measure, None)
    cleared = bench.pump.clear_alarms()
    measure("state after the clear", cleared.state, equal="fault")
    measure("alarms after the clear", cleared.alarms, equal=("profile_fault",))


def test_the_pump_works_again_with_its_profile_restored(bench: Bench, measure: Measure):
    put_profile(bench, measure, None)
    put_profile(bench, measure, bench.profile.frame())  # service is the way out of this fault
    status = bench.pump.status()
    measure("state", status.state, equal="idle")
    measure("alarms", status.alarms, equal=())
    measure("profile reported", bench.pump.hello().profile, equal=bench.profile.name)
