"""A measurement: what is measured, in what unit, what is aimed at, and what was found.

A machine that does other work spoils wall times, so each is a median, and CPU time stands beside it where the
board's process has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], None]  # progress, in a few words


@dataclass(frozen=True)
class Aim:
    """A bound that is aimed at: at least, or at most."""

    bound: float
    at_least: bool

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def text(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {number(self.bound)}"


@dataclass(frozen=True)
class Found:
    """`beside` says what else was seen, or why it has to be read with care."""

    value: float
    beside: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the table; `measure` takes as long as it takes and tells its progress."""

    name: str
    unit: str
    aim: Aim | None
    measure: Callable[[Say], Found]


def at_least(bound: float) -> Aim:
    return Aim(bound, True)


def at_most(bound: float) -> Aim:
    return Aim(bound, False)


def number(value: float) -> str:
    """Three digits that matter."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
