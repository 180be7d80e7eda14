"""A scenario that breaks something becomes the shortest that still does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picoinfuse.campaign.scenario import Act, Scenario
from picoinfuse.campaign.shrink import SHORT_S, shrink

ACTS = ("start", "stop", "pause", "silence")


def scenario(acts: list[Act]) -> Scenario:
    return Scenario(1, "syringe-50ml", tuple(acts))


@given(st.lists(st.sampled_from(ACTS), max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_only_what_is_needed_is_left(names: list[str], first: int, second: int) -> None:
    """The fault needs a `break` and later a `clear`, whatever else there is."""
    acts = [Act(name) for name in names]
    acts.insert(min(first, len(acts)), Act("break"))
    acts.insert(max(min(second, len(acts)), min(first, len(acts) - 1) + 1), Act("clear"))

    def fails(shorter: Scenario) -> bool:
        left = [act.name for act in shorter.acts]
        return "break" in left and "clear" in left[left.index("break") :]

    assert shrink(scenario(acts), fails, plays=500).acts == (Act("break"), Act("clear"))


def test_waits_become_as_short_as_they_may() -> None:
    """It needs 100 s: 900 are halved to 450, 225, 112.5, and the next half is too short."""
    acts = [Act("start"), Act("wait", (900.0,)), Act("stop"), Act("wait", (900.0,))]

    def fails(shorter: Scenario) -> bool:
        return bool(shorter.acts) and shorter.acts[0].name == "start" and shorter.seconds >= 100

    assert shrink(scenario(acts), fails).acts == (Act("start"), Act("wait", (112.5,)))


def test_a_wait_is_not_cut_below_a_second() -> None:
    short = shrink(scenario([Act("wait", (800.0,))]), lambda shorter: bool(shorter.acts))
    assert SHORT_S / 2 < short.seconds <= SHORT_S


def test_it_ends_when_its_plays_are_used_up() -> None:
    plays = []

    def fails(shorter: Scenario) -> bool:
        plays.append(shorter)
        return False

    shrink(scenario([Act("wait", (900.0,)) for _ in range(50)]), fails, plays=7)
    assert len(plays) == 7
