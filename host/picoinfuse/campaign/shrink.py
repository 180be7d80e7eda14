"""Makes a history that breaks an invariant shorter, as long as it still breaks the same one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from picoinfuse.campaign.scenario import Act, History

SHORT_S = 1.0  # waits are cut in halves down to this


def shrink(history: History, fails: Callable[[History], bool], plays: int = 80) -> History:
    """The shortest that was found in so many plays. `fails` plays one and says whether the same invariant breaks.

    Delta debugging: leave out a half, a quarter, … one act; then halve the waits that are left.
    """
    budget = [plays]

    def still(acts: tuple[Act, ...]) -> bool:
        if budget[0] <= 0:
            return False
        budget[0] -= 1
        return fails(replace(history, acts=acts))

    acts = _leave_out(history.acts, still)
    return replace(history, acts=_halve_waits(acts, still))


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
