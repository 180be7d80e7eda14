"""A rig file that is being read: its values, the lines of its keys, and the mistakes found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from picoinfuse.common.errors import Mistake
from picoinfuse.common.toml import KeyLines


@dataclass
class Reading:
    values: dict[str, Any]
    places: KeyLines
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, name: str, table: str, key: str, message: str) -> None:
        self.mistakes.append(Mistake(name, self.places.of(table, key), message))

    def table(self, name: str) -> dict[str, Any]:
        value = self.values.get(name, {})
        return value if isinstance(value, dict) else {}
