"""The library of a pump: send a new one, look up a drug, make an order for it."""

from collections.abc import Callable

from picoinfuse.client.messages import Proposal
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import BadAnswer, BadQuantity
from picoinfuse.dosing.dose import Dosing, Order, Quantity
from picoinfuse.dosing.units import shown
from picoinfuse.library.compile import compiled, crc
from picoinfuse.library.model import Drug, Library, Limits


def propose(pump: Pump, library: Library, progress: Callable[[int, int], object] = lambda done, of: None) -> Proposal:
    """Send the library and propose to put it in force. `progress` gets the lines sent and their number."""
    lines = compiled(library)
    for at, line in enumerate(lines):
        pump.library_line(at, line)
        progress(at + 1, len(lines))
    return pump.propose("library_change", crc=crc(library))


def send(pump: Pump, library: Library) -> str:
    """Send and confirm; return the name, version and CRC of what is in force."""
    return str(pump.confirm(propose(pump, library))["library"])


def drug_of(pump: Pump, name: str) -> Drug:
    """A drug of the pump's own library, whatever a file on the host says. Raises BadAnswer."""
    row = pump.library_drug(name)
    try:
        name, unit, amount, concentrations, dose, bolus, hour = row
        of_bolus, of_hour = Limits(None, None, *bolus), Limits(None, None, *hour)
        return Drug(name, unit, amount, tuple(concentrations), Limits(*dose), of_bolus, of_hour)
    except (TypeError, ValueError) as error:
        raise BadAnswer(f"the pump's drug has no known form: {row!r}") from error


def order_for(drug: Drug, dose: Quantity, concentration: Quantity | None, weight_g: int | None) -> Order:
    """The order for one rate. The concentration may be left out where the library has only one.

    Raises BadQuantity when dose or concentration does not fit the drug.
    """
    if dose.unit != drug.unit:
        raise BadQuantity(f"{drug.name} is dosed in {shown(drug.unit)}, not in {shown(dose.unit)}")
    if concentration is None:
        if len(drug.concentrations) != 1:
            listed = ", ".join(drug.concentration_texts())
            raise BadQuantity(f"{drug.name} comes in {listed}: say which one with --concentration")
        concentration = Quantity(drug.concentrations[0], drug.amount)
    if concentration.unit != drug.amount:
        raise BadQuantity(f"{drug.name} is measured in {shown(drug.amount)}, not in {shown(concentration.unit)}")
    return Order(drug.name, (dose.milli,), Dosing(drug.unit, concentration, weight_g))
