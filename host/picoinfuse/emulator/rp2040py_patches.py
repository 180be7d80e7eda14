"""An RP2040 of rp2040py with corrected timing and sufficient speed.

Faults of rp2040py, and the module that corrects each:
1. its USB host never answers NAK, so the CPU never sleeps ............ usb.UsbHost
2. a sleeping CPU skips PIO instructions .............................. pio.ClockedPio
3. a delay loop of a PIO program costs a call for each turn ........... pio.ClockedPio
4. each call between its compiled classes repeats a method lookup ..... this module
5. its loop polls both PIO blocks at each instruction ................. this module
6. an output does not read back, so PIO cannot count PIO's edges ...... nets.Net
7. the ring oscillator, the source of random numbers, is missing ...... this module
8. a watchdog keeps counting through the reset that it caused ......... device.Pico
9. after a reset the input of every pad is disabled ................... this module

On 4: the wheels are compiled for the stable ABI, where every call of a `cpdef` method checks in Python whether it was
overridden, and creates a bound method for that. The same function in the instance's dictionary ends the check early.
On 5: the loop reads `rp2040.pio` once, at its beginning; it gets an empty list, and the real one is restored before the
first instruction. Both matter only without a C compiler; with one, `thumb` executes nearly all instructions.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from picoinfuse.emulator.pio import ClockedPio
from picoinfuse.emulator.rp2040py_imports import (
    IRQ,
    RP2040,
    BasePeripheral,
    CortexM0Core,
    SimulationClock,
    execute_batch,
)
from picoinfuse.emulator.thumb import Thumb, library

_CYCLE_NS = 8.0  # 125 MHz
_PIO_BASES = (0x50200, 0x50300)
_ROSC_BASE = 0x40060
_ROSC_STATUS, _ROSC_RANDOMBIT = 0x18, 0x1C
_ROSC_RUNNING = 1 << 31 | 1 << 12
_PAD_AT_RESET = 0x56  # datasheet 2.19.6.3: input enabled, 4 mA, pull-down, Schmitt trigger; rp2040py has 0x36


class Clock(SimulationClock):
    """Restores the PIO blocks when a batch has begun: the loop reads `has_scheduled_alarm` right after `pio`."""

    runner: Runner | None = None

    @property
    def has_scheduled_alarm(self) -> bool:
        if self.runner is not None:
            self.runner.begun()
        return super().has_scheduled_alarm


class Core(CortexM0Core):
    """Gives its instances a dictionary, for patch 4."""


class RingOscillator(BasePeripheral):
    """Models only the random bit, reproducible from a seed."""

    def __init__(self, rp2040: RP2040, seed: int) -> None:
        super().__init__(rp2040, "ROSC")
        self._state = seed & 0x7FFFFFFF
        self._registers: dict[int, int] = {}

    def read_uint32(self, offset: int) -> int:
        if offset == _ROSC_RANDOMBIT:
            self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
            return self._state >> 20 & 1
        if offset == _ROSC_STATUS:
            return _ROSC_RUNNING
        return self._registers.get(offset, 0)

    def write_uint32(self, offset: int, value: int) -> None:
        self._registers[offset] = value


class Runner:
    """Runs a chip, in the thread that calls `run`, until `stopped` is set."""

    def __init__(self, rp2040: Any, clock: Clock, thumb: Thumb | None) -> None:
        self.rp2040 = rp2040
        self.clock = clock
        self.stopped = True
        self.busy_ns = 0.0  # time in which the CPU did not sleep
        self._thumb = thumb
        self._pios = rp2040.pio

    def forget(self) -> None:
        """Drops state after a reset of the chip."""
        if self._thumb is not None:
            self._thumb.forget()

    def run(self) -> None:
        """Runs until `stopped` is set, by an alarm or a callback."""
        self.stopped = False
        if self._thumb is not None:
            self._run_with(self._thumb)
            return
        self.clock.runner = self
        loop: Any = execute_batch
        while not self.stopped:
            self.rp2040.pio = []
            loop(self, 1)
            self.begun()

    def idle(self, duration_ns: float) -> None:
        """Lets time pass for everything except the CPU."""
        type(self.clock).tick(self.clock, duration_ns)

    def begun(self) -> None:
        """Called when rp2040py's loop has taken the empty list of PIO blocks."""
        self.rp2040.pio = self._pios

    def _run_with(self, thumb: Thumb) -> None:
        """As rp2040py's loop, but executes runs of computing instructions in thumb.c."""
        core, clock, timer = self.rp2040.core, self.clock, self.rp2040.timer
        tick = type(clock).tick
        while not self.stopped:
            ahead_ns = clock.nanos_to_next_alarm
            if core.waiting or ahead_ns <= 0:
                tick(clock, max(ahead_ns, 0.0))  # runs what is due now, before the CPU
                continue
            if core.interrupts_updated:
                thumb.take_interrupt()
                continue
            used = thumb.run(ceil(ahead_ns / _CYCLE_NS), clock.nanos - timer._epoch_nanos)
            if used:
                self.busy_ns += used * _CYCLE_NS
                tick(clock, used * _CYCLE_NS)
            if thumb.answer() or not thumb.left_to_core or self.stopped or core.interrupts_updated:
                continue
            used = thumb.step_core()
            self.busy_ns += used * _CYCLE_NS
            tick(clock, used * _CYCLE_NS)
        thumb.settle()


def patched_chip(seed: int) -> tuple[Any, Runner]:
    """A chip with an empty flash, and its runner."""
    clock = Clock()
    chip: Any = RP2040(clock)
    chip.core = Core(chip)
    chip.pio = [ClockedPio(chip, f"PIO{index}", (IRQ.PIO0_IRQ0, IRQ.PIO1_IRQ0)[index], index) for index in range(2)]
    for base, pio in zip(_PIO_BASES, chip.pio, strict=True):
        chip.peripherals[base] = pio
    chip.peripherals[_ROSC_BASE] = RingOscillator(chip, seed)
    _shorten_lookups(chip, clock)
    built = library()
    runner = Runner(chip, clock, None if built is None else Thumb(chip, built))
    chip.simulator = runner  # without one, PIO executes a thousand instructions at once when it is started
    return chip, runner


def reset_pads(chip: Any) -> None:
    """Patch 9, to be called after each reset: otherwise PIO cannot read a pin that is not configured."""
    for pin in chip.gpio:
        pin.pad_value = _PAD_AT_RESET


def _shorten_lookups(chip: Any, clock: Any) -> None:
    """Patch 4. Methods also called from Python are stored bound, the others as functions, which is faster."""
    if not RP2040.__module__.startswith("rp2040py.native"):
        return
    _keep(chip, "read_uint16", "read_uint32", "read_uint8", "write_uint32", "write_uint16", "write_uint8")
    _keep(chip.core, "check_condition", "set_interrupt")
    chip.core.execute_instruction = type(chip.core).execute_instruction
    clock.tick = type(clock).tick
    _keep(clock, "link_alarm", "unlink_alarm")


def _keep(thing: Any, *names: str) -> None:
    for name in names:
        setattr(thing, name, getattr(thing, name))
