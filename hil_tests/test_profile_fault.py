"""A flash without a valid profile: the pump says so, sounds, answers, and never moves; it never guesses one."""

from __future__ import annotations

import json

import pytest

from picoinfuse.analysis.alarm_timing import bursts, pulses
from picoinfuse.bench import Bench
from picoinfuse.bench.repl import enter_repl, run_in_repl
from picoinfuse.errors import PumpError
from picoinfuse.frame import encode
from picoinfuse.profile import Profile

pytestmark = [pytest.mark.needs("reset")]


def other_wiring(profile: Profile) -> bytes:
    """The same profile, whole and with its CRC, of a pump whose DIR is soldered elsewhere."""
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


def put_profile(bench: Bench, data: bytes | None) -> None:
    """Leaves these bytes as the profile on the flash, and resets."""
    enter_repl(bench)
    if data is None:
        run_in_repl(bench, "import os; os.remove('/profile.json')")
    else:
        code = f"f = open('/profile.json', 'wb'); n = f.write({data!r}); f.close(); print(n)"
        assert run_in_repl(bench, code) == str(len(data))
    bench.reset()


@pytest.mark.parametrize("name", BROKEN)
def test_pump_without_a_valid_profile_is_in_fault_and_refuses_to_start(bench: Bench, name: str):
    put_profile(bench, BROKEN[name](bench.profile))
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("fault", ("profile_fault",))
    assert bench.pump.hello().profile is None  # not a default one
    assert (status.limit_pa, status.occlusion_level, status.pressure_pa) == (None, None, None)
    for method, params in (("start", {"rate_ul_h": 5000}), ("resume", {}), ("self_test", {})):
        with pytest.raises(PumpError) as refused:
            bench.pump.command(method, **params)
        assert (refused.value.code, refused.value.data["state"]) == ("wrong_state", "fault")


@pytest.mark.needs("capture")
def test_pump_without_a_profile_sounds_and_does_not_move(bench: Bench):
    put_profile(bench, None)
    began_ns = round(bench.now() * 1e9)
    bench.sleep(12.0)
    # A HIGH burst every 9.2 s, 3.2 s long: one at least is whole in 12 s.
    assert 10 in [len(burst) for burst in bursts(pulses(bench.trace, began_ns / 1e9))]
    assert bench.trace.count("lamp_red", began_ns) == pytest.approx(24, abs=1)  # 2 Hz
    assert bench.trace.count("step", began_ns) == 0
    assert bench.trace.level_at("enable", began_ns) == 1


def test_profile_fault_cannot_be_cleared(bench: Bench):
    put_profile(bench, None)
    cleared = bench.pump.clear_alarms()
    assert (cleared.state, cleared.alarms) == ("fault", ("profile_fault",))


def test_pump_is_back_when_its_profile_is(bench: Bench):
    put_profile(bench, None)
    put_profile(bench, bench.profile.frame())  # service is the way out of this fault
    status = bench.pump.status()
    assert (status.state, status.alarms) == ("idle", ())
    assert bench.pump.hello().profile == bench.profile.name
