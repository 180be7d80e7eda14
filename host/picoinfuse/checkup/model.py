"""What the check-up works with: the pump, time, the person beside it, and what each step found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from picoinfuse.client.pump import Pump
from picoinfuse.profile import Profile

PASS, FAIL, SKIPPED = "pass", "fail", "skipped"


@dataclass(frozen=True)
class Row:
    """One finding. `outcome` is None for what is only told."""

    label: str
    value: str
    remark: str = ""
    outcome: str | None = None


@dataclass(frozen=True)
class Step:
    """A step of the check-up with its rows. It fails with any of them, and is skipped when none was judged."""

    title: str
    rows: tuple[Row, ...]

    @property
    def outcome(self) -> str:
        found = {row.outcome for row in self.rows}
        return FAIL if FAIL in found else PASS if PASS in found else SKIPPED


class Person(Protocol):
    """Who stands beside the pump. `key` names the question for a script."""

    def confirms(self, key: str, question: str) -> bool | None:
        """None: nobody is there to see it."""
        ...

    def weighs(self, key: str, request: str) -> float | None:
        """Grams, or None when nothing was weighed."""
        ...


@dataclass(frozen=True)
class Plan:
    """What the check-up is to do. Rates in µL/h, volumes in nL; `ml_per_g` of what is pumped."""

    rates_ul_h: tuple[int, int]
    volumes_nl: tuple[int, int]
    ml_per_g: float


@dataclass(frozen=True)
class Visit:
    """`profile`: as this computer has it, or None when it has none of the pump's name. `sleep`, `now`: in s."""

    pump: Pump
    person: Person
    plan: Plan
    profile: Profile | None
    sleep: Callable[[float], None]
    now: Callable[[], float]
    say: Callable[[str], None]

    def wait(self, over: Callable[[], bool], limit_s: float) -> bool:
        """Lets time pass until it is so; whether it came to be."""
        end_s = self.now() + limit_s
        while not over():
            if self.now() > end_s:
                return False
            self.sleep(0.25)
        return True


def judged(good: bool) -> str:
    return PASS if good else FAIL


def answered(answer: bool | None) -> str:
    return SKIPPED if answer is None else judged(answer)
