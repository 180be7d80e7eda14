"""Two deliberate steps: a change of the flow is proposed, shown and confirmed; a token is valid once, for 30 s, and for
the pump's state as it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hil_tests.expect import LEAD_S, end_self_test, motor_steps, now_ns
from picoinfuse.bench import Bench
from picoinfuse.client.caller import Proposal
from picoinfuse.client.methods import flow
from picoinfuse.common.errors import PumpError
from picoinfuse.evidence.measuring import Measure

pytestmark = [pytest.mark.requirement("GIP-2"), pytest.mark.needs("capture")]

RATE_UL_H = 100_000
EXPIRES_S = 30.0


def refusal(bench: Bench, proposal: Proposal) -> tuple[str, dict[str, Any]]:
    with pytest.raises(PumpError) as refused:
        bench.pump.confirm(proposal)
    return refused.value.code, refused.value.data


def assert_refused(bench: Bench, measure: Measure, proposal: Proposal, code: str) -> None:
    measure("refused with", refusal(bench, proposal), equal=(code, {"token": proposal.token}))


def never_proposed(proposal: Proposal) -> Proposal:
    """A token that differs in its 24 bits."""
    return replace(proposal, token=proposal.token ^ 1 or 2)


# ---- a proposal changes nothing ----


def test_start_that_is_not_confirmed_moves_nothing(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H, vtbi_nl=500_000)
    measure(
        "changes proposed",
        proposal.changes,
        equal={
            "state": ["idle", "infusing"],
            "rate_ul_h": [0, RATE_UL_H],
            "vtbi_nl": [None, 500_000],
        },
    )
    measure("time to confirm", proposal.expires_ms, unit="ms", equal=EXPIRES_S * 1000)
    asked_ns = now_ns(bench)
    bench.sleep(EXPIRES_S + 1.0)
    measure("steps", len(motor_steps(bench, asked_ns)), equal=0)
    measure("state", bench.pump.status().state, equal="idle")


def test_each_change_of_flow_shows_the_old_and_the_new_value(bench: Bench, measure: Measure):
    level = bench.pump.call("occlusion_level", level="low")
    limits_pa = bench.profile.compiled()["occlusion"]
    measure(
        "changes proposed",
        level.changes,
        equal={"level": ["medium", "low"], "limit_pa": [limits_pa["medium_pa"], limits_pa["low_pa"]]},
    )
    measure("occlusion level", bench.pump.status().occlusion_level, equal="medium")
    bench.pump.start(RATE_UL_H)
    rate = bench.pump.call("set_rate", rate_ul_h=50_000)
    measure("changes proposed", rate.changes, equal={"rate_ul_h": [RATE_UL_H, 50_000]})
    bench.sleep(1.0)
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=RATE_UL_H)
    bench.pump.pause()
    resume = bench.pump.call("resume")
    measure("changes proposed", resume.changes, equal={"state": ["paused", "infusing"], "rate_ul_h": [0, RATE_UL_H]})
    measure("state", bench.pump.status().state, equal="paused")


def test_confirming_executes_the_proposal(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.sleep(EXPIRES_S - 1.0)
    measure("result of the confirm", bench.pump.confirm(proposal).state, equal="infusing")
    confirmed_ns = now_ns(bench)
    bench.sleep(1.0)
    # The first step is due after its own volume: 350 nL at 100 mL/h are 12.6 ms, and the task runs within 60 ms.
    measure(
        "from the confirm to the first step", motor_steps(bench, confirmed_ns)[0] - confirmed_ns, unit="ns", below=0.1e9
    )


# ---- an invalid token ----


def test_token_expires_after_30_s(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.sleep(EXPIRES_S + 0.1)
    assert_refused(bench, measure, proposal, "token_expired")
    measure("state", bench.pump.status().state, equal="idle")


def test_a_token_is_valid_once(bench: Bench, measure: Measure):
    bench.pump.start(RATE_UL_H)
    proposal = bench.pump.call("set_rate", rate_ul_h=50_000)
    bench.pump.confirm(proposal)
    bench.pump.set_rate(20_000)
    assert_refused(bench, measure, proposal, "token_used")
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=20_000)


def test_token_of_a_start_does_not_start_a_second_infusion(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(1_200_000, vtbi_nl=100_000)
    bench.pump.confirm(proposal)
    bench.sleep(5.0)
    bench.pump.clear_alarms()
    over_ns = now_ns(bench)
    assert_refused(bench, measure, proposal, "token_used")
    bench.sleep(1.0)
    measure("steps", len(motor_steps(bench, over_ns)), equal=0)


def test_a_newer_proposal_replaces_the_older(bench: Bench, measure: Measure):
    older = bench.pump.propose_start(RATE_UL_H)
    newer = bench.pump.propose_start(50_000)
    assert_refused(bench, measure, older, "token_other")
    measure("result of the confirm", bench.pump.confirm(newer).state, equal="infusing")
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=50_000)


def test_a_token_that_was_never_issued_is_unknown(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H)
    assert_refused(bench, measure, never_proposed(proposal), "token_unknown")
    # The refusal leaves the pending proposal valid.
    measure("result of the confirm", bench.pump.confirm(proposal).state, equal="infusing")


def test_confirmation_without_any_proposal_is_unknown(bench: Bench, measure: Measure):
    assert_refused(bench, measure, Proposal(flow.START, 1, {}, (), 0), "token_unknown")


@pytest.mark.parametrize(("token", "code"), [(0, "out_of_range"), (1 << 24, "out_of_range"), ("7", "wrong_type")])
def test_a_malformed_token_is_refused_by_name(bench: Bench, measure: Measure, token: Any, code: str):
    with pytest.raises(PumpError) as refused:
        bench.pump.call("confirm", token=token)
    measure("refused with", refused.value.code, equal=code)
    measure("refused with", refused.value.data["parameter"], equal="token")


def test_a_refused_proposal_keeps_the_pending_one(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H)
    with pytest.raises(PumpError) as refused:
        bench.pump.propose_start(9)
    measure("refused with", refused.value.code, equal="out_of_range")
    measure("result of the confirm", bench.pump.confirm(proposal).state, equal="infusing")


def test_tokens_differ(bench: Bench, measure: Measure):
    tokens = {bench.pump.propose_start(RATE_UL_H).token for _ in range(20)}
    measure("different tokens", len(tokens), equal=20)
    # 24 random bits: that 20 of them are all below 2^16 has a chance of 10^-48.
    measure("greatest token", max(tokens), above=1 << 16)


# ---- events between proposal and confirmation ----


def pause_and_resume(bench: Bench) -> None:
    bench.pump.pause()
    bench.pump.resume()


def pause(bench: Bench) -> None:
    bench.pump.pause()


def stop(bench: Bench) -> None:
    bench.pump.stop()


def self_test(bench: Bench) -> None:
    bench.pump.self_test()
    end_self_test(bench)


IDLE: dict[str, Callable[[Bench], None]] = {"a stop": stop, "a self-test": self_test}
INFUSING: dict[str, Callable[[Bench], None]] = {"a pause": pause, "a stop": stop}


@pytest.mark.parametrize("between", IDLE)
def test_an_event_on_an_idle_pump_voids_a_proposal(bench: Bench, measure: Measure, between: str):
    proposal = bench.pump.propose_start(RATE_UL_H)
    IDLE[between](bench)
    assert_refused(bench, measure, proposal, "token_void")
    measure("state", bench.pump.status().state, equal="idle")


@pytest.mark.parametrize("between", INFUSING)
def test_an_event_on_an_infusing_pump_voids_a_proposal(bench: Bench, measure: Measure, between: str):
    bench.pump.start(RATE_UL_H)
    proposal = bench.pump.call("set_rate", rate_ul_h=50_000)
    INFUSING[between](bench)
    target_ul_h = bench.pump.status().target_ul_h
    assert_refused(bench, measure, proposal, "token_void")
    measure("target rate", bench.pump.status().target_ul_h, unit="µL/h", equal=target_ul_h)


@pytest.mark.needs("sensor")
def test_an_alarm_voids_a_proposal_even_when_it_has_ended(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.sensor_fault("open")
    bench.sleep(1.0)
    bench.sensor_fault(None)
    bench.sleep(1.0)
    bench.pump.clear_alarms()
    measure("state", bench.pump.status().state, equal="idle")
    assert_refused(bench, measure, proposal, "token_void")


def test_the_end_of_an_infusion_voids_a_proposal(bench: Bench, measure: Measure):
    bench.pump.start(1_200_000, vtbi_nl=500_000)  # 1.5 s, and the ramps
    proposal = bench.pump.call("set_rate", rate_ul_h=600_000)
    bench.sleep(3.0 + LEAD_S)
    assert_refused(bench, measure, proposal, "token_void")


def test_a_reset_discards_the_proposal(bench: Bench, measure: Measure):
    proposal = bench.pump.propose_start(RATE_UL_H)
    bench.pump.reset()
    end_self_test(bench)
    assert_refused(bench, measure, proposal, "token_unknown")
    measure("state", bench.pump.status().state, equal="idle")
