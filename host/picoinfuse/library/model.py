"""A valid drug library: its drugs and their limits, in thousandths of their units.

    library = load_library("library/example-ward.toml")

A library that exists is valid: `load_library` raises LibraryError with every mistake and its line instead.
"""

from dataclasses import dataclass
from pathlib import Path

from picoinfuse.dosing.dose import Quantity
from picoinfuse.dosing.units import parts


@dataclass(frozen=True)
class Limits:
    """Thousandths; None is no limit. A bolus and an hour have no lower ones."""

    hard_min: int | None = None
    soft_min: int | None = None
    soft_max: int | None = None
    hard_max: int | None = None


@dataclass(frozen=True)
class Drug:
    """Limits of a dose in `unit`; of a bolus and an hour in `amount`, for a kg where the unit is by weight."""

    name: str
    unit: str
    amount: str
    concentrations: tuple[int, ...]  # thousandths of `amount` in a mL
    dose: Limits
    bolus: Limits
    hour: Limits

    def concentration_texts(self) -> list[str]:
        """`0.8 mg/mL`, `1.6 mg/mL`."""
        return [f"{Quantity(milli, self.amount)}/mL" for milli in self.concentrations]

    @property
    def by_weight(self) -> bool:
        """Whether a dose is per kg of the patient."""
        return parts(self.unit)[1]


@dataclass(frozen=True)
class Library:
    """A library and the file that it was read from."""

    name: str
    version: int
    file: Path
    drugs: tuple[Drug, ...]  # in the order of their names

    def drug(self, name: str) -> Drug | None:
        """The drug of that name, or None."""
        return next((drug for drug in self.drugs if drug.name == name), None)
