"""A person's finger on a button, and the contact under it: closed is low."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Wires(Protocol):
    def drive_pin(self, name: str, level: int | None) -> None: ...
    def sleep(self, seconds: float) -> None: ...


def press(bench: Wires, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
    """As `Bench.press`."""
    _tremble(bench, name, bounce, first=0)
    bench.drive_pin(name, 0)
    bench.sleep(seconds)
    _tremble(bench, name, bounce, first=None)
    bench.drive_pin(name, None)


def _tremble(bench: Wires, name: str, bounce: Sequence[float], first: int | None) -> None:
    other = None if first == 0 else 0
    for number, lasts_s in enumerate(bounce):
        bench.drive_pin(name, other if number % 2 else first)
        bench.sleep(lasts_s)
