"""The only module that imports rp2040py, in the one version that the patches are made for.

The patches depend on its internals; with another version they could fail silently and make the timing wrong.
"""

from importlib import metadata

from picoinfuse.emulator.errors import WrongEmulator

VERSION = "0.3.6"


def check_version(found: str | None) -> None:
    """Raises WrongEmulator unless `found` is the pinned version; None means not installed."""
    if found == VERSION:
        return
    what = "is not installed" if found is None else f"is version {found}"
    raise WrongEmulator(
        f"the emulator bench needs rp2040py {VERSION}, which {what}: pip install 'rp2040py=={VERSION}', "
        "or use --bench stub"
    )


def _installed() -> str | None:
    try:
        return metadata.version("rp2040py")
    except metadata.PackageNotFoundError:
        return None


check_version(_installed())

from rp2040py.clock.simulation_clock import SimulationClock  # noqa: E402
from rp2040py.cortex_m0_core import CortexM0Core  # noqa: E402
from rp2040py.device.bootrom import BOOTROM_B1  # noqa: E402
from rp2040py.execute_batch import execute_batch  # noqa: E402
from rp2040py.gpio_pin import GPIOPin, GPIOPinState  # noqa: E402
from rp2040py.irq import IRQ  # noqa: E402
from rp2040py.peripherals.peripheral import BasePeripheral  # noqa: E402
from rp2040py.peripherals.pio import RPPIO, StateMachine  # noqa: E402
from rp2040py.peripherals.vreg_and_chip_reset import HAD_POR, HAD_RUN  # noqa: E402
from rp2040py.rp2040 import RP2040  # noqa: E402
from rp2040py.sio import RPSIO  # noqa: E402
from rp2040py.usb.cdc import USBCDC  # noqa: E402
from rp2040py.utils.fifo import FIFO  # noqa: E402

__all__ = [
    "BOOTROM_B1",
    "FIFO",
    "HAD_POR",
    "HAD_RUN",
    "IRQ",
    "RP2040",
    "RPPIO",
    "RPSIO",
    "USBCDC",
    "VERSION",
    "BasePeripheral",
    "CortexM0Core",
    "GPIOPin",
    "GPIOPinState",
    "SimulationClock",
    "StateMachine",
    "check_version",
    "execute_batch",
]
