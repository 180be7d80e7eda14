"""Makes the modules of the software board importable: at the end of the path, so that CPython's own modules win."""

import importlib
import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
VM = HERE.parents[1] / "picoinfuse" / "stub" / "vm"

FIRMWARE = HERE.parents[2] / "firmware"
MODULES = (
    "pump.core.alarms.bursts",
    "pump.core.motion.step_grid",
    "pump.core.alarms.tones",
    "pump.core.motion.step_words",
    "pump.drivers.lamps",
    "pump.drivers.piezo",
    "pump.drivers.step_counter",
    "pump.drivers.stepper",
    "pump.wiring",
)

for folder in (VM, HERE):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@pytest.fixture(scope="module")
def firmware():
    """Modules of firmware/pump by the last part of their name, with the stub's rp2 in the place of the Pico's."""
    import rp2

    machine = types.ModuleType("machine")
    machine.Pin = None
    micropython = types.ModuleType("micropython")
    micropython.const = lambda value: value
    saved = {name: sys.modules.get(name) for name in ("machine", "micropython", "rp2")}
    sys.modules.update(machine=machine, micropython=micropython, rp2=rp2)
    sys.path.insert(0, str(FIRMWARE))
    try:
        modules = {name.rpartition(".")[2]: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(FIRMWARE))
        for name, module in saved.items():
            if module is not None:
                sys.modules[name] = module
    return types.SimpleNamespace(**modules)
