"""Presses a button of the pump, including the bounce of its contact. A closed contact is low."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ButtonContacts(Protocol):
    """The methods of a Bench that operate a button."""

    def drive_pin(self, name: str, level: int | None) -> None: ...
    def sleep(self, seconds: float) -> None: ...


def press(bench: ButtonContacts, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
    """Implements `Bench.press` with `drive_pin` and `sleep`."""
    _bounce(bench, name, bounce, first=0)
    bench.drive_pin(name, 0)
    bench.sleep(seconds)
    _bounce(bench, name, bounce, first=None)
    bench.drive_pin(name, None)


def _bounce(bench: ButtonContacts, name: str, bounce: Sequence[float], first: int | None) -> None:
    other = None if first == 0 else 0
    for number, lasts_s in enumerate(bounce):
        bench.drive_pin(name, other if number % 2 else first)
        bench.sleep(lasts_s)
