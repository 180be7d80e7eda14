"""Blinka's modules with nothing behind them but the wires that a test names: `board`, `digitalio` and an I2C bus."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

Effect = Callable[[bool], None]


class Bus:
    """An I2C bus with MCP4725s: `outputs` has what follows the 12 bits of each address."""

    def __init__(self, outputs: dict[int, Callable[[int], None]]) -> None:
        self.outputs = outputs

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def writeto(self, address: int, buffer: bytes, *, start: int = 0, end: int | None = None) -> None:
        data = bytes(buffer[start:end])
        if address not in self.outputs:
            raise OSError(f"nobody acknowledges {address:#x}")
        if data:
            self.outputs[address]((data[0] & 0x0F) << 8 | data[1])

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None) -> None:
        if address not in self.outputs:
            raise OSError(f"nobody acknowledges {address:#x}")


def install(
    monkeypatch: pytest.MonkeyPatch, wires: dict[str, Effect], outputs: dict[int, Callable[[int], None]]
) -> None:
    """From here on `import board` gives a board whose pins do what `wires` says of each level."""

    class DigitalInOut:
        def __init__(self, pin: str) -> None:
            self._pin = pin
            self._level: bool | None = None

        def switch_to_output(self, value: bool = False) -> None:
            self.value = value

        @property
        def value(self) -> bool:
            return bool(self._level)

        @value.setter
        def value(self, level: bool) -> None:
            if level != self._level:
                self._level = level
                wires.get(self._pin, _nothing)(level)

        def deinit(self) -> None:
            pass

    board, digitalio = ModuleType("board"), ModuleType("digitalio")
    for pin in wires:
        setattr(board, pin, pin)
    bus = Bus(outputs)
    board.__dict__["I2C"] = lambda: bus
    digitalio.__dict__["DigitalInOut"] = DigitalInOut
    # Blinka's own of these look for the adapter when they are imported.
    micropython, busio = ModuleType("micropython"), ModuleType("busio")
    micropython.__dict__["const"] = int
    busio.__dict__["I2C"] = Bus
    modules: dict[str, Any] = {"board": board, "digitalio": digitalio, "micropython": micropython, "busio": busio}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("BLINKA_FT232H", "1")


def _nothing(level: bool) -> None:
    pass
