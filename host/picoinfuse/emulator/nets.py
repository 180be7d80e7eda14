"""The wires at the pins of an emulated Pico.

The level of a wire is set by the first of: a signal from outside, the chip, the resistor on the board, the chip's own
pull; the same order as on the stub. The chip reads this level on the same pin, also while it drives it, so PIO 1 can
count the edges of PIO 0. rp2040py alone does not do that.

Listeners have `on_level(t_ns, level)`, as those of the stub's pins, so both use the same models.
"""

from __future__ import annotations

from typing import Any, Protocol

from picoinfuse.emulator.pio import ClockedPio
from picoinfuse.emulator.rp2040py_imports import GPIOPin, GPIOPinState


class Listener(Protocol):
    """Receives the changes of a wire."""

    def on_level(self, t_ns: int, level: int) -> None: ...


class Net:
    """One wire. `level`: its current level, 0 or 1."""

    def __init__(self, pin: GPIOPin, chip: Any) -> None:
        self.listeners: list[Listener] = []
        self.level = 0
        self._pin = pin
        self._clock = chip.clock
        self._pios: list[ClockedPio] = list(chip.pio)
        self._state = pin.value
        self._outside: int | None = None  # a strap, a button, another chip
        self._resistor: int | None = None
        pin.add_listener(self._on_state)
        pin.set_input_value(False)  # from here on the wire sets the input, not rp2040py's pulls
        self._settle()

    @property
    def driven_by_chip(self) -> bool:
        """True while the chip drives the wire."""
        return self._state in (GPIOPinState.LOW, GPIOPinState.HIGH)

    def pull(self, level: int) -> None:
        """Adds a pull resistor on the board, stronger than the chip's own pulls."""
        self._resistor = level
        self._settle()

    def drive(self, level: int | None) -> None:
        """Drives the wire from outside, also against the chip, as a short circuit does; None releases it."""
        self._outside = level
        self._settle()

    def refresh(self) -> None:
        """Updates the wire after a reset, which rp2040py does not report to listeners."""
        self._on_state(self._pin.value, self._state)

    def _on_state(self, state: GPIOPinState, _: GPIOPinState) -> None:
        self._state = state
        self._settle()

    def _settle(self) -> None:
        level = self._level()
        if level != self.level:
            self._change(level)

    def _change(self, level: int) -> None:
        for pio in self._pios:
            pio.catch_up()
        self.level = level
        self._pin.set_input_value(level == 1)
        t_ns = round(self._clock.nanos)
        for listener in self.listeners:
            listener.on_level(t_ns, level)

    def _level(self) -> int:
        if self._outside is not None:
            return self._outside
        state = self._state
        if state is GPIOPinState.HIGH:
            return 1
        if state is GPIOPinState.LOW:
            return 0
        if self._resistor is not None:
            return self._resistor
        return 1 if state is GPIOPinState.INPUT_PULL_UP else 0
