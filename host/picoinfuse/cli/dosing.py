"""A dose at the command line: its options, and the order made from them with the pump's drug library."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from picoinfuse.cli.common import quantity
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import BadQuantity
from picoinfuse.dosing import dose as doses
from picoinfuse.dosing.dose import Order, Quantity
from picoinfuse.dosing.units import shown
from picoinfuse.library import on_pump

DrugOption = Annotated[
    str | None, typer.Option(help="Drug of the pump's library; RATE is then a dose.", show_default=False)
]
ConcentrationOption = Annotated[
    str | None, typer.Option(help="Concentration, such as 1.6mg/mL, if the library has several.", show_default=False)
]
WeightOption = Annotated[str | None, typer.Option(help="Patient's weight in kg.", show_default=False)]


@dataclass(frozen=True)
class Wanted:
    """The dose as typed, before the library is known."""

    drug: str
    dose: Quantity
    concentration: Quantity | None
    weight_g: int | None

    def order(self, pump: Pump) -> Order:
        """Make the order, and print the dose as dose and as rate on stderr. Raises BadQuantity, PumpError."""
        order = on_pump.order_for(on_pump.drug_of(pump, self.drug), self.dose, self.concentration, self.weight_g)
        typer.echo(f"{self.drug}: {order.dosing.both_ways(self.dose.milli)}", err=True)
        return order


def dosed(text: str, drug: str | None, concentration: str | None, weight: str | None) -> Wanted | None:
    """The dose wanted, or None without --drug, when `text` is a rate. Raises typer.BadParameter."""
    if drug is None:
        if concentration is not None or weight is not None:
            raise typer.BadParameter("--concentration and --weight need --drug")
        return None
    return Wanted(
        drug,
        _parsed(doses.parse_dose, text, "RATE"),
        None if concentration is None else _parsed(doses.parse_concentration, concentration, "--concentration"),
        None if weight is None else quantity(doses.parse_weight_g, weight, "--weight"),
    )


def dose_of_infusion(pump: Pump, text: str) -> tuple[int, Quantity]:
    """(µL/h, dose) for a new dose of the running therapy. Raises BadQuantity."""
    order = pump.order()
    if order is None:
        raise BadQuantity(
            f"{text!r} is a dose, but the therapy has no drug; give a rate in mL/h, such as 5, or start the therapy "
            "with --drug"
        )
    dose = _parsed(doses.parse_dose, text, "RATE")
    if dose.unit != order.unit:
        raise BadQuantity(f"{order.drug} is dosed in {shown(order.unit)}, not in {shown(dose.unit)}")
    dosing = doses.Dosing(order.unit, Quantity(order.concentration, order.amount), order.weight_g)
    typer.echo(f"{order.drug}: {dosing.both_ways(dose.milli)}", err=True)
    return dosing.rate_ul_h(dose.milli), dose


def _parsed(parse: Callable[[str], Quantity], text: str, what: str) -> Quantity:
    try:
        return parse(text)
    except BadQuantity as error:
        raise typer.BadParameter(str(error), param_hint=what) from error
