"""The library of a pump: send a new one, look up a drug, make an order for it."""

from collections.abc import Callable

from picoinfuse.client.caller import Proposal
from picoinfuse.client.methods.drugs import LibraryChanged
from picoinfuse.client.pump import Pump
from picoinfuse.common.errors import BadQuantity
from picoinfuse.dosing.dose import Dosing, Order, Quantity
from picoinfuse.dosing.units import shown
from picoinfuse.library.compile import compiled, crc
from picoinfuse.library.model import Drug, Library, Limits


def propose(
    pump: Pump, library: Library, progress: Callable[[int, int], object] = lambda done, of: None
) -> Proposal[LibraryChanged]:
    """Send the library and propose to put it in force. `progress` gets the lines sent and their number."""
    lines = compiled(library)
    for at, line in enumerate(lines):
        pump.library_line(at, line)
        progress(at + 1, len(lines))
    return pump.propose_library_change(crc(library))


def send(pump: Pump, library: Library) -> str:
    """Send and confirm; return the name, version and CRC of what is in force."""
    return pump.confirm(propose(pump, library)).library


def drug_of(pump: Pump, name: str) -> Drug:
    """A drug of the pump's own library, whatever a file on the host says. Raises BadReply."""
    name, unit, amount, concentrations, dose, bolus, hour = pump.library_drug(name)
    of_bolus, of_hour = Limits(None, None, *bolus), Limits(None, None, *hour)
    return Drug(name, unit, amount, concentrations, Limits(*dose), of_bolus, of_hour)


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
