"""Reads a drug library's TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from picoinfuse.common import toml
from picoinfuse.common.errors import LibraryError, LibraryNotFound
from picoinfuse.common.file_kinds import refuse_other_kinds
from picoinfuse.library.model import Drug, Library, Limits

if TYPE_CHECKING:
    from picoinfuse.library.schema import DrugTable


def load_library(file: Path | str) -> Library:
    """Raises LibraryNotFound, or LibraryError with every mistake and its line."""
    from picoinfuse.common.schema import validate
    from picoinfuse.library.schema import LibraryFile

    document = toml.read(Path(file), LibraryError, LibraryNotFound)
    refuse_other_kinds("library", document, LibraryError)
    library = validate(LibraryFile, document, LibraryError)
    drugs = tuple(_drug(name, table) for name, table in sorted(library.drug.items()))
    return Library(library.name, library.version, Path(file), drugs)


def _drug(name: str, table: DrugTable) -> Drug:
    dose = Limits(table.dose_hard_min, table.dose_soft_min, table.dose_soft_max, table.dose_hard_max)
    bolus = Limits(soft_max=table.bolus_soft_max, hard_max=table.bolus_hard_max)
    hour = Limits(soft_max=table.hour_soft_max, hard_max=table.hour_hard_max)
    return Drug(name, table.unit, table.amount, tuple(table.concentrations), dose, bolus, hour)
