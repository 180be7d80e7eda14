"""Shortens a scenario that violates an invariant, while it still violates the same one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from picoinfuse.campaign.scenario import Act, Scenario

SHORT_S = 1.0  # waits longer than this are halved


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], plays: int = 80) -> Scenario:
    """The shortest failing scenario found with at most `plays` calls of `fails`, which plays a scenario and returns
    True when it violates the same invariant.

    Delta debugging (Zeller): leave out a half, a quarter, … one act; then halve the remaining waits.
    """
    budget = [plays]

    def still(acts: tuple[Act, ...]) -> bool:
        if budget[0] <= 0:
            return False
        budget[0] -= 1
        return fails(replace(scenario, acts=acts))

    acts = _leave_out(scenario.acts, still)
    return replace(scenario, acts=_halve_waits(acts, still))


def _leave_out(acts: tuple[Act, ...], still: Callable[[tuple[Act, ...]], bool]) -> tuple[Act, ...]:
    size = len(acts) // 2
    while size:
        at = 0
        while at < len(acts):
            shorter = acts[:at] + acts[at + size :]
            if still(shorter):
                acts = shorter
            else:
                at += size
        size //= 2
    return acts


def _halve_waits(acts: tuple[Act, ...], still: Callable[[tuple[Act, ...]], bool]) -> tuple[Act, ...]:
    for index in range(len(acts)):
        while acts[index].name == "wait" and acts[index].args[0] > SHORT_S:
            half = Act("wait", (round(acts[index].args[0] / 2, 3),))
            shorter = (*acts[:index], half, *acts[index + 1 :])
            if not still(shorter):
                break
            acts = shorter
    return acts
