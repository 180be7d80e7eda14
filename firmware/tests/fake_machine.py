"""A strict stand-in for `machine`, for the drivers' tests.

It records what was done and refuses what a Pico would, or what on a Pico would silently do nothing: a PWM
whose pin was taken away, a write to an input, a tone no slice can make. A PWM that is stopped leaves its
pin HIGH: the worst that the hardware may do.
"""

import importlib
import sys
import types

SIO, PWM_FUNCTION = "sio", "pwm"


class Board:
    """The pins as the world sees them. `log` holds (now_ms, gpio, what, value...)."""

    def __init__(self):
        self.now_ms = 0
        self.log = []
        self.mode, self.level, self.function = {}, {}, {}
        self.adc = {}  # gpio -> callable giving 12 bits
        self.pwm_made = 0

    def note(self, gpio, *what):
        self.log.append((self.now_ms, gpio, *what))

    def load(self, monkeypatch, *modules):
        """Imports the named drivers afresh, with this board's `machine`."""
        machine = types.ModuleType("machine")
        machine.Pin, machine.PWM, machine.ADC = _pin(self), _pwm(self), _adc(self)
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


def _pwm(board):
    class PWM:
        def __init__(self, pin, *, freq, duty_u16):
            self._gpio = pin.gpio
            self._running = True
            board.pwm_made += 1
            board.function[self._gpio] = PWM_FUNCTION
            self.freq(freq)
            self.duty_u16(duty_u16)

        def freq(self, freq_hz):
            self._must_run()
            if type(freq_hz) is not int or not 8 <= freq_hz <= 62_500_000:
                raise ValueError("freq too small or too large")
            board.note(self._gpio, "freq", freq_hz)

        def duty_u16(self, duty):
            self._must_run()
            if type(duty) is not int or not 0 <= duty <= 65535:
                raise ValueError("duty must be 0..65535")
            board.note(self._gpio, "duty", duty)

        def deinit(self):
            self._must_run()
            self._running = False
            board.level[self._gpio] = 1
            board.note(self._gpio, "deinit")

        def _must_run(self):
            assert self._running, "PWM after deinit"
            assert board.function[self._gpio] == PWM_FUNCTION, "the pin was taken from this PWM"

    return PWM


TEMPERATURE = 4  # the chip's own, a channel without a pin


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
