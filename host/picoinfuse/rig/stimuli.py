"""The slow stimuli of a rig, through Blinka: lines and converters. Blinka is one board a process, chosen at import."""

from __future__ import annotations

import importlib
import os
from typing import Any, Protocol

from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.rig.file import Converter, Line, Rig
from picoinfuse.rig.hardware import ADAPTERS

STEPS = 4096  # of an MCP4725
_CHOSEN = [adapter.environment for adapter in ADAPTERS.values() if adapter.environment]


class AdapterMissing(PicoinfuseError):
    """Blinka or the adapter is not there."""


class Bus(Protocol):
    """What CircuitPython's drivers want of an I2C bus."""

    def try_lock(self) -> bool: ...
    def unlock(self) -> None: ...
    def writeto(self, address: int, buffer: bytes, **where: int) -> None: ...
    def readfrom_into(self, address: int, buffer: bytearray, **where: int) -> None: ...


class Stimuli:
    """A context manager: opens the adapter with every line inactive, and leaves it so."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._pins: dict[str, Any] = {}
        self._converters: dict[str, VoltageOutput] = {}

    def __enter__(self) -> Stimuli:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Every line inactive; nothing when it is open already."""
        if self._pins:
            return
        try:
            board = _blinka(self._rig.adapter)
            digitalio = importlib.import_module("digitalio")
            for name, line in self._rig.lines.items():
                self._pins[name] = pin = digitalio.DigitalInOut(getattr(board, line.pin))
                pin.switch_to_output(value=line.active_low)
            if self._rig.converters:
                bus = board.I2C()
                self._converters = {name: VoltageOutput(bus, one) for name, one in self._rig.converters.items()}
        except (ImportError, OSError, RuntimeError, ValueError, NotImplementedError, AttributeError) as error:
            self.close()
            adapter = self._rig.adapter
            where = f"{self._rig.file}:{self._rig.adapter_line}"
            advice = f"; {ADAPTERS[adapter].advice}" if ADAPTERS[adapter].advice else ""
            raise AdapterMissing(f"{where}: the adapter {adapter} cannot be used: {error}{advice}") from error

    def close(self) -> None:
        """Every line inactive again."""
        for name, pin in self._pins.items():
            pin.value = self._rig.lines[name].active_low
            pin.deinit()
        self._pins.clear()

    def drive(self, name: str, active: bool) -> None:
        """The line does what `schema.LINES` says of it, or no longer does."""
        self._pins[name].value = level(self._rig.lines[name], active)

    def put_out(self, name: str, millivolts: float) -> None:
        """The converter `name` gives this voltage from now on."""
        self._converters[name].put_out(millivolts)


def level(line: Line, active: bool) -> bool:
    """The level of its pin."""
    return active != line.active_low


class VoltageOutput:
    """An MCP4725 by Adafruit's driver."""

    def __init__(self, bus: Bus, converter: Converter) -> None:
        driver = importlib.import_module("adafruit_mcp4725")
        self._reference_mv = converter.reference_mv
        self._output = driver.MCP4725(bus, address=converter.address)

    def put_out(self, millivolts: float) -> None:
        """To the nearest step: 0.8 mV at 3.3 V. What is beyond its range it gives as nearly as it can."""
        step = round(millivolts * STEPS / self._reference_mv)
        self._output.raw_value = min(max(step, 0), STEPS - 1)


def _blinka(adapter: str) -> Any:
    """Blinka's `board`, told which adapter it is."""
    wanted = ADAPTERS[adapter].environment
    already = [name for name in _CHOSEN if name != wanted and os.environ.get(name)]
    if already:
        raise RuntimeError(f"{already[0]} is set, and Blinka is one board a process")
    if wanted:
        os.environ[wanted] = "1"
    return importlib.import_module("board")
