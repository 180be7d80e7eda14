"""Two deliberate steps: what changes the flow is proposed, shown and confirmed; a token is good once, for 30 s, and for
the pump as it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hil_tests.expect import LEAD_S, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.errors import PumpError
from picoinfuse.messages import Proposal

pytestmark = [pytest.mark.needs("capture", "virtual_time")]

RATE_UL_H = 100_000
EXPIRES_S = 30.0


def refusal(bench: Bench, proposal: Proposal) -> tuple[str, dict[str, Any]]:
    with pytest.raises(PumpError) as refused:
        bench.pump.confirm(proposal)
    return refused.value.code, refused.value.data


def assert_refused(bench: Bench, proposal: Proposal, code: str) -> None:
    assert refusal(bench, proposal) == (code, {"token": proposal.token})


def never_proposed(proposal: Proposal) -> Proposal:
    """24 bits: another token."""
    return Proposal(proposal.token ^ 1 or 2, {}, (), 0)


# ---- a proposal changes nothing ----


def test_start_that_is_not_confirmed_moves_nothing(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H, vtbi_nl=500_000)
    assert proposal.changes == {
        "state": ["idle", "infusing"],
        "rate_ul_h": [0, RATE_UL_H],
        "vtbi_nl": [None, 500_000],
    }
    assert proposal.expires_ms == EXPIRES_S * 1000
    asked_ns = now_ns(bench)
    bench.sleep(EXPIRES_S + 1.0)
    assert len(motor_steps(bench, asked_ns)) == 0
    assert bench.pump.status().state == "idle"


def test_each_change_of_flow_shows_what_is_and_what_will_be(bench: Bench):
    level = bench.pump.propose("occlusion_level", level="low")
    limits_pa = bench.profile.compiled()["occlusion"]
    assert level.changes == {"level": ["medium", "low"], "limit_pa": [limits_pa["medium_pa"], limits_pa["low_pa"]]}
    assert bench.pump.status().occlusion_level == "medium"
    bench.pump.start(RATE_UL_H)
    rate = bench.pump.propose("set_rate", rate_ul_h=50_000)
    assert rate.changes == {"rate_ul_h": [RATE_UL_H, 50_000]}
    bench.sleep(1.0)
    assert bench.pump.status().target_ul_h == RATE_UL_H
    bench.pump.pause()
    resume = bench.pump.propose("resume")
    assert resume.changes == {"state": ["paused", "infusing"], "rate_ul_h": [0, RATE_UL_H]}
    assert bench.pump.status().state == "paused"


def test_confirming_does_it(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.sleep(EXPIRES_S - 1.0)
    assert bench.pump.confirm(proposal) == {"state": "infusing"}
    confirmed_ns = now_ns(bench)
    bench.sleep(1.0)
    # The first step is due after its own volume: 350 nL at 100 mL/h are 12.6 ms, and the task looks within 60 ms.
    assert motor_steps(bench, confirmed_ns)[0] - confirmed_ns < 0.1e9


# ---- a token that is not good ----


def test_token_expires_after_30_s(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.sleep(EXPIRES_S + 0.1)
    assert_refused(bench, proposal, "token_expired")
    assert bench.pump.status().state == "idle"


def test_token_is_used_once(bench: Bench):
    bench.pump.start(RATE_UL_H)
    proposal = bench.pump.propose("set_rate", rate_ul_h=50_000)
    bench.pump.confirm(proposal)
    bench.pump.set_rate(20_000)
    assert_refused(bench, proposal, "token_used")
    assert bench.pump.status().target_ul_h == 20_000


def test_token_of_a_start_does_not_start_a_second_infusion(bench: Bench):
    proposal = bench.pump.propose_start(1_200_000, vtbi_nl=100_000)
    bench.pump.confirm(proposal)
    bench.sleep(5.0)
    bench.pump.clear_alarms()
    over_ns = now_ns(bench)
    assert_refused(bench, proposal, "token_used")
    bench.sleep(1.0)
    assert len(motor_steps(bench, over_ns)) == 0


def test_newer_proposal_takes_the_place_of_the_older(bench: Bench):
    older = bench.pump.propose_start(RATE_UL_H)
    newer = bench.pump.propose_start(50_000)
    assert_refused(bench, older, "token_other")
    assert bench.pump.confirm(newer) == {"state": "infusing"}
    assert bench.pump.status().target_ul_h == 50_000


def test_token_that_was_never_given_is_unknown(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H)
    assert_refused(bench, never_proposed(proposal), "token_unknown")
    assert bench.pump.confirm(proposal) == {"state": "infusing"}  # the refusal has not touched the one that waits


def test_confirmation_without_any_proposal_is_unknown(bench: Bench):
    assert_refused(bench, Proposal(1, {}, (), 0), "token_unknown")


@pytest.mark.parametrize(("token", "code"), [(0, "out_of_range"), (1 << 24, "out_of_range"), ("7", "wrong_type")])
def test_what_is_no_token_is_refused_by_name(bench: Bench, token: Any, code: str):
    with pytest.raises(PumpError) as refused:
        bench.pump.command("confirm", token=token)
    assert (refused.value.code, refused.value.data["parameter"]) == (code, "token")


def test_refused_proposal_leaves_the_one_that_waits(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H)
    with pytest.raises(PumpError) as refused:
        bench.pump.propose_start(9)
    assert refused.value.code == "out_of_range"
    assert bench.pump.confirm(proposal) == {"state": "infusing"}


def test_tokens_differ(bench: Bench):
    tokens = {bench.pump.propose_start(RATE_UL_H).token for _ in range(20)}
    assert len(tokens) == 20
    assert max(tokens) > 1 << 16  # 24 random bits: that 20 of them are all below 2^16 has a chance of 10^-48


# ---- what happens in between ----


def pause_and_resume(bench: Bench) -> None:
    bench.pump.pause()
    bench.pump.resume()


def pause(bench: Bench) -> None:
    bench.pump.pause()


def stop(bench: Bench) -> None:
    bench.pump.stop()


def self_test(bench: Bench) -> None:
    bench.pump.self_test()
    bench.sleep(2.0)


IDLE: dict[str, Callable[[Bench], None]] = {"a stop": stop, "a self-test": self_test}
INFUSING: dict[str, Callable[[Bench], None]] = {"a pause": pause, "a stop": stop}


@pytest.mark.parametrize("between", IDLE)
def test_what_happens_to_an_idle_pump_makes_a_proposal_void(bench: Bench, between: str):
    proposal = bench.pump.propose_start(RATE_UL_H)
    IDLE[between](bench)
    assert_refused(bench, proposal, "token_void")
    assert bench.pump.status().state == "idle"


@pytest.mark.parametrize("between", INFUSING)
def test_what_happens_to_an_infusing_pump_makes_a_proposal_void(bench: Bench, between: str):
    bench.pump.start(RATE_UL_H)
    proposal = bench.pump.propose("set_rate", rate_ul_h=50_000)
    INFUSING[between](bench)
    target_ul_h = bench.pump.status().target_ul_h
    assert_refused(bench, proposal, "token_void")
    assert bench.pump.status().target_ul_h == target_ul_h


@pytest.mark.needs("sensor")
def test_alarm_in_between_makes_a_proposal_void_even_when_it_is_over(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.sensor_fault("open")
    bench.sleep(1.0)
    bench.sensor_fault(None)
    bench.sleep(1.0)
    bench.pump.clear_alarms()
    assert bench.pump.status().state == "idle"
    assert_refused(bench, proposal, "token_void")


def test_end_of_an_infusion_makes_a_proposal_void(bench: Bench):
    bench.pump.start(1_200_000, vtbi_nl=500_000)  # 1.5 s, and the ramps
    proposal = bench.pump.propose("set_rate", rate_ul_h=600_000)
    bench.sleep(3.0 + LEAD_S)
    assert_refused(bench, proposal, "token_void")


def test_reset_in_between_forgets_the_proposal(bench: Bench):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.pump.reset()
    bench.sleep(1.0)
    assert_refused(bench, proposal, "token_unknown")
    assert bench.pump.status().state == "idle"
