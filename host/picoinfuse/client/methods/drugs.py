"""Drugs: the library on the pump, the order of the infusion, the reservoir."""

from dataclasses import dataclass
from typing import Annotated

from picoinfuse.client.caller import Caller, Proposal
from picoinfuse.client.method import Command, Query, TwoStep
from picoinfuse.client.wire import (
    Amount,
    DoseUnit,
    DrugName,
    FreeText,
    Length,
    LibraryId,
    Milli,
    Range,
    TotalS,
    VolumeNl,
    WeightG,
)
from picoinfuse.common.errors import BadReply

Concentration = Annotated[int, Range(1, 10**12)]
_Limits = Annotated[tuple[Milli | None, ...], Length(2, 2)]
DrugRow = tuple[
    DrugName,
    DoseUnit,
    Amount,
    Annotated[tuple[Concentration, ...], Length(1, 8)],
    Annotated[tuple[Milli | None, ...], Length(4, 4)],
    _Limits,
    _Limits,
]
"""Name, unit of the dose, unit of amounts, concentrations; limits of the dose, of a bolus, of an hour."""


@dataclass(frozen=True)
class LibraryReply:
    """The drug library in force."""

    library: LibraryId | None
    """Name, version and CRC; null when there is none."""
    fault: FreeText | None
    """Why there is none; null when there is one."""
    drug: DrugRow | None = None
    """Row of the drug that was asked for; see [library.md](library.md)."""


@dataclass(frozen=True)
class LibraryLines:
    """The library that is being sent."""

    lines: Annotated[int, Range(0, 201)]
    """How many lines the pump has."""


@dataclass(frozen=True)
class LibraryChanged:
    """The drug library in force after the change."""

    library: LibraryId
    """Name, version and CRC."""


@dataclass(frozen=True)
class DrugOrder:
    """What the infusion is of. Numbers are in thousandths of the units."""

    drug: DrugName
    """Drug."""
    unit: DoseUnit
    """Unit of the dose."""
    amount: Amount
    """Unit of amounts."""
    concentration: Concentration
    """Amount in a mL."""
    weight_g: WeightG | None
    """The patient's weight; null when the dose is not by weight."""
    dose: Milli
    """Dose that flows now."""


@dataclass(frozen=True)
class OrderReply:
    """The order of the infusion."""

    order: DrugOrder | None
    """Null when there is no therapy, or it was started without a drug."""


@dataclass(frozen=True)
class Reservoir:
    """The reservoir; see [reservoir.md](reservoir.md)."""

    left_nl: VolumeNl | None
    """Volume left; null when no refill was reported."""
    empty_s: TotalS | None
    """Time until the reservoir is empty; null when unknown, or when the therapy ends before."""
    drug: DrugName | None
    """Drug in it, where a refill named one."""
    capacity_nl: VolumeNl
    """What fits in."""


@dataclass(frozen=True)
class Refilled:
    """The reservoir after the refill."""

    reservoir_nl: VolumeNl
    """Volume in it."""


ORDER = Query("order", OrderReply)
LIBRARY = Query("library", LibraryReply, {"drug": "Drug whose row to report"})
LIBRARY_LINE = Command("library_line", LibraryLines, {"at": "Number of the line, from 0", "line": "The line"})
LIBRARY_CHANGE = TwoStep("library_change", LibraryChanged, {"crc": "CRC of the new library, eight hex digits"})
RESERVOIR = Query("reservoir", Reservoir)
REFILL = TwoStep(
    "refill", Refilled, {"volume_nl": "Volume now in the reservoir", "drug": "Drug in it, a name of the library"}
)


class DrugMethods(Caller):
    """Drug library, order, reservoir."""

    def order(self) -> DrugOrder | None:
        """Reports the drug and the dose of the infusion."""
        return self.query(ORDER).order

    def library(self) -> LibraryReply:
        """Reports the drug library in force, and a drug's row when one is named."""
        return self.query(LIBRARY)

    def library_drug(self, name: str) -> DrugRow:
        """The row of a drug, as picoinfuse.library.on_pump reads it. Raises PumpError when the library lacks it."""
        row = self.query(LIBRARY, drug=name).drug
        if row is None:
            raise BadReply("library", "drug", "the drug's row", "null")
        return row

    def library_line(self, at: int, line: bytes) -> int:
        """Sends a line of a new drug library. Refused unless the pump is idle.

        Returns how many lines the pump has.
        """
        return self.command(LIBRARY_LINE, at=at, line=line.decode("ascii")).lines

    def library_change(self, crc: str) -> str:
        """Puts the drug library that was sent in force. Refused unless the pump is idle.

        Returns its name, version and CRC.
        """
        return self.confirm(self.propose_library_change(crc)).library

    def propose_library_change(self, crc: str) -> Proposal[LibraryChanged]:
        """The first step of `library_change`."""
        return self.propose(LIBRARY_CHANGE, crc=crc)

    def reservoir(self) -> Reservoir:
        """Reports what is left in the reservoir."""
        return self.query(RESERVOIR)

    def refill(self, volume_nl: int, drug: str | None = None) -> int:
        """Sets the volume, and the drug, now in the reservoir. Another drug stops the infusion.

        Returns the volume.
        """
        return self.confirm(self.propose_refill(volume_nl, drug)).reservoir_nl

    def propose_refill(self, volume_nl: int, drug: str | None = None) -> Proposal[Refilled]:
        """The first step of `refill`."""
        more = {} if drug is None else {"drug": drug}
        return self.propose(REFILL, volume_nl=volume_nl, **more)
