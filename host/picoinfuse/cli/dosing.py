"""A dose at the command line: the options, and the order that the pump's own library makes of them."""

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

DrugOption = Annotated[str | None, typer.Option(help="of the pump's library; RATE is then a dose", show_default=False)]
ConcentrationOption = Annotated[
    str | None, typer.Option(help="such as 1.6mg/mL; needed where the library has several", show_default=False)
]
WeightOption = Annotated[str | None, typer.Option(help="the patient's, in kg", show_default=False)]


@dataclass(frozen=True)
class Wanted:
    """What was typed, before the library is known."""

    drug: str
    dose: Quantity
    concentration: Quantity | None
    weight_g: int | None

    def order(self, pump: Pump) -> Order:
        """Shows the dose both ways on stderr."""
        order = on_pump.order_for(on_pump.drug_of(pump, self.drug), self.dose, self.concentration, self.weight_g)
        typer.echo(f"{self.drug}: {order.dosing.both_ways(self.dose.milli)}", err=True)
        return order


def dosed(text: str, drug: str | None, concentration: str | None, weight: str | None) -> Wanted | None:
    """None without --drug: `text` is a rate."""
    if drug is None:
        if concentration is not None or weight is not None:
            raise typer.BadParameter("--concentration and --weight belong to a --drug")
        return None
    return Wanted(
        drug,
        _parsed(doses.parse_dose, text, "RATE"),
        None if concentration is None else _parsed(doses.parse_concentration, concentration, "--concentration"),
        None if weight is None else quantity(doses.parse_weight_g, weight, "--weight"),
    )


def dose_of_infusion(pump: Pump, text: str) -> tuple[int, Quantity]:
    """(µL/h, dose) for another dose of the infusion that runs."""
    told = pump.order()
    if told is None:
        raise BadQuantity(f"{text!r} is no rate in mL/h, and the infusion has no drug whose dose it could be")
    dose = _parsed(doses.parse_dose, text, "RATE")
    if dose.unit != told.unit:
        raise BadQuantity(f"{told.drug} is dosed in {shown(told.unit)}, not in {shown(dose.unit)}")
    dosing = doses.Dosing(told.unit, Quantity(told.concentration, told.amount), told.weight_g)
    typer.echo(f"{told.drug}: {dosing.both_ways(dose.milli)}", err=True)
    return dosing.rate_ul_h(dose.milli), dose


def _parsed(parse: Callable[[str], Quantity], text: str, what: str) -> Quantity:
    try:
        return parse(text)
    except BadQuantity as error:
        raise typer.BadParameter(str(error), param_hint=what) from error
