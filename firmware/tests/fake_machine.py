"""A strict stand-in for `machine`, for the drivers' tests.

It records what was done and refuses what a Pico would, or what on a Pico would silently do nothing: a write to an
input.
"""

import importlib
import sys
import types

SIO = "sio"
TEMPERATURE = 4  # the chip's own, a channel without a pin


class Board:
    """The pins as the world sees them. `log` holds (now_ms, gpio, what, value...)."""

    def __init__(self):
        self.now_ms = 0
        self.log = []
        self.mode, self.level, self.function = {}, {}, {}
        self.adc = {}  # gpio -> callable giving 12 bits

    def note(self, gpio, *what):
        self.log.append((self.now_ms, gpio, *what))

    def load(self, monkeypatch, *modules):
        """Imports the named drivers afresh, with this board's `machine`."""
        machine = types.ModuleType("machine")
        machine.Pin, machine.ADC = _pin(self), _adc(self)
        monkeypatch.setitem(sys.modules, "machine", machine)
        loaded = []
        for name in modules:
            monkeypatch.delitem(sys.modules, name, raising=False)
            loaded.append(importlib.import_module(name))
            monkeypatch.setitem(sys.modules, name, loaded[-1])
        return loaded


def _pin(board):
    class Pin:
        IN, OUT = 0, 1

        def __init__(self, gpio, mode=None, *, value=None):
            if type(gpio) is not int or not 0 <= gpio <= 29:
                raise ValueError("invalid pin")
            self.gpio = gpio
            if mode is not None:
                self.init(mode, value=value)

        def init(self, mode, *, value=None):
            if mode not in (Pin.IN, Pin.OUT):
                raise ValueError("invalid mode")
            board.mode[self.gpio] = mode
            board.function[self.gpio] = SIO
            if value is not None:
                self.value(value)

        def value(self, level=None):
            if level is None:
                return board.level.get(self.gpio, 0)
            assert board.mode.get(self.gpio) == Pin.OUT, f"GPIO {self.gpio} is no output"
            assert board.function[self.gpio] == SIO, f"GPIO {self.gpio} belongs to the PWM"
            assert level in (0, 1)
            board.level[self.gpio] = level
            board.note(self.gpio, "level", level)

    return Pin


def _adc(board):
    class ADC:
        def __init__(self, pin):
            self._gpio = pin if pin == TEMPERATURE else pin.gpio
            if self._gpio != TEMPERATURE and not 26 <= self._gpio <= 29:
                raise ValueError("Pin doesn't have ADC capabilities")

        def read_u16(self):
            raw = board.adc[self._gpio]()
            assert 0 <= raw <= 4095
            return raw << 4 | raw >> 8

    return ADC
