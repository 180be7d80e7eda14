"""The check-up's model: the pump, time, the person beside it, and what each step found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from picoinfuse.client.pump import Pump
from picoinfuse.profile import Profile

PASS, FAIL, SKIPPED = "pass", "fail", "skipped"


@dataclass(frozen=True)
class Row:
    """One finding. `outcome` is None for a row that only informs."""

    label: str
    value: str
    remark: str = ""
    outcome: str | None = None


@dataclass(frozen=True)
class Step:
    """A step of the check-up. It fails if one of its rows does, and is skipped if no row was judged."""

    title: str
    rows: tuple[Row, ...]

    @property
    def is_complete(self) -> bool:
        """Whether no row was skipped."""
        return all(row.outcome != SKIPPED for row in self.rows)

    @property
    def outcome(self) -> str:
        """PASS, FAIL or SKIPPED."""
        found = {row.outcome for row in self.rows}
        return FAIL if FAIL in found else PASS if PASS in found else SKIPPED


class Person(Protocol):
    """The person beside the pump. `key` names the question for a script."""

    def confirms(self, key: str, question: str) -> bool | None:
        """The answer, or None when the question was not asked."""
        ...

    def weighs(self, key: str, request: str) -> float | None:
        """Grams, or None when nothing was weighed."""
        ...


@dataclass(frozen=True)
class Plan:
    """The two deliveries. Rates in µL/h, volumes in nL; `ml_per_g`: volume of a gram of the liquid."""

    rates_ul_h: tuple[int, int]
    volumes_nl: tuple[int, int]
    ml_per_g: float


@dataclass(frozen=True)
class Visit:
    """`profile`: this computer's copy of the pump's profile, or None without one. `sleep` and `now` are in seconds."""

    pump: Pump
    person: Person
    plan: Plan
    profile: Profile | None
    sleep: Callable[[float], None]
    now: Callable[[], float]
    say: Callable[[str], None]

    def wait(self, over: Callable[[], bool], limit_s: float) -> bool:
        """Wait until `over()` is true, at most `limit_s` seconds. Returns whether it became true."""
        end_s = self.now() + limit_s
        while not over():
            if self.now() > end_s:
                return False
            self.sleep(0.25)
        return True


def judged(good: bool) -> str:
    """PASS or FAIL."""
    return PASS if good else FAIL


def answered(answer: bool | None) -> str:
    """PASS or FAIL for an answer, SKIPPED for a question that was not asked."""
    return SKIPPED if answer is None else judged(answer)
