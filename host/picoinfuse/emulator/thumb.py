"""The part of the emulated CPU in C (thumb.c): built once with the system's compiler, kept under build/.

Without a compiler the emulated Pico works too, but about ten times more slowly.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from picoinfuse.common import paths
from picoinfuse.emulator.errors import EmulatorError
from picoinfuse.emulator.rp2040py_imports import RPSIO

SOURCE = Path(__file__).with_name("thumb.c")
_FLAGS = ["-O2", "-fno-crossjumping", "-shared", "-fPIC"]  # without merged dispatch jumps it takes 15 % less time
_BUILD_TIMEOUT_S = 60


class _Cpu(ctypes.Structure):
    """The struct of thumb.c."""

    _fields_ = (
        ("r", ctypes.c_void_p),
        ("rom", ctypes.c_void_p),
        ("flash", ctypes.c_void_p),
        ("ram", ctypes.c_void_p),
        *(
            (name, ctypes.c_uint32)
            for name in (
                "n",
                "z",
                "c",
                "v",
                "dividend",
                "divisor",
                "quotient",
                "remainder",
                "csr",
                "spinlocks",
            )
        ),
        *((name, ctypes.c_uint32) for name in ("masked", "pending", "asked", "known", "value", "left_to_core")),
        ("timer_ns", ctypes.c_double),
    )


class Thumb:
    """Executes instructions of `chip` in thumb.c. It holds the flags while it runs; the core holds them in between."""

    def __init__(self, chip: Any, library: Path) -> None:
        self._chip = chip
        self._core: Any = chip.core
        self._buffers = [memoryview(chip.core.registers), chip.bootrom, chip.flash, chip.sram]
        self._cpu = _Cpu(*(ctypes.addressof(ctypes.c_char.from_buffer(buffer)) for buffer in self._buffers))
        self._pointer = ctypes.byref(self._cpu)
        built = ctypes.CDLL(str(library))
        self._run = built.thumb_run
        self._run.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        self._sio_read = built.thumb_sio_read
        self._sio_read.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))
        self._sio_write = built.thumb_sio_write
        self._sio_write.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
        for function in (self._run, self._sio_read, self._sio_write):
            function.restype = ctypes.c_uint32
        chip.sio = SharedSio(chip, self)
        self.forget()

    def forget(self) -> None:
        """Sets flags, divider and spinlocks to their values after a reset."""
        cpu = self._cpu
        cpu.n = cpu.z = cpu.c = cpu.v = cpu.masked = 0
        cpu.dividend = cpu.quotient = cpu.remainder = cpu.csr = cpu.spinlocks = 0
        cpu.divisor = 1

    def run(self, budget_cycles: int, timer_ns: float) -> int:
        """Executes for at most `budget_cycles`; returns the cycles used. `timer_ns`: count of the chip's timer."""
        cpu, core = self._cpu, self._core
        cpu.timer_ns = timer_ns
        cpu.pending = core.pending_interrupts & core.enabled_interrupts or (
            core.pending_pend_sv or core.pending_systick or core.pending_svcall or core.pending_nmi
        )
        used = self._run(self._pointer, budget_cycles)
        self._cpu.known = 0
        return used

    @property
    def left_to_core(self) -> bool:
        """True when the run ended early at an instruction that rp2040py's core must execute."""
        return bool(self._cpu.left_to_core)

    def answer(self) -> bool:
        """If the run ended to read a register, reads it for the next run. True when it did."""
        address = self._cpu.asked
        if address:
            self._cpu.value = self._chip.read_uint32(address)
            self._cpu.known = address
        return bool(address)

    def step_core(self) -> int:
        """Executes one instruction in rp2040py's core; returns its cycles."""
        self.settle()
        cycles = self._core.execute_instruction(self._core)
        self._from_core()
        return cycles

    def take_interrupt(self) -> None:
        """Enters the pending interrupt of the highest priority, if it may interrupt the running code."""
        self.settle()
        self._core.check_for_interrupts()
        self._from_core()

    def sio_read(self, offset: int) -> int | None:
        """Value of a register of SIO; None for one that thumb.c does not hold."""
        value = ctypes.c_uint32()
        return value.value if self._sio_read(self._pointer, offset, ctypes.byref(value)) else None

    def sio_write(self, offset: int, value: int) -> bool:
        """Writes a register of SIO. False for one that thumb.c does not hold."""
        return bool(self._sio_write(self._pointer, offset, value & 0xFFFFFFFF))

    def settle(self) -> None:
        """Copies the flags to the core."""
        cpu, core = self._cpu, self._core
        core.n, core.z, core.c, core.v, core.pm = cpu.n, cpu.z, cpu.c, cpu.v, cpu.masked

    def _from_core(self) -> None:
        cpu, core = self._cpu, self._core
        cpu.n, cpu.z, cpu.c, cpu.v, cpu.masked = core.n, core.z, core.c, core.v, core.pm


class SharedSio(RPSIO):
    """SIO with the divider and spinlocks of thumb.c, so that both implementations of the CPU share one set. With two
    sets, a divider access right after an interrupt returned a wrong result.
    """

    def __init__(self, chip: Any, thumb: Thumb) -> None:
        super().__init__(chip)
        self._thumb = thumb

    def read_uint32(self, offset: int) -> int | float:
        value = self._thumb.sio_read(offset)
        return super().read_uint32(offset) if value is None else value

    def write_uint32(self, offset: int, value: int) -> None:
        if not self._thumb.sio_write(offset, value):
            super().write_uint32(offset, value)


def library() -> Path | None:
    """Path of the compiled thumb.c; None without a C compiler. Raises EmulatorError when it does not compile."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join(_FLAGS).encode()).hexdigest()[:16]
    built = paths.build() / "emulator" / f"thumb-{digest}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        fresh = built.with_suffix(f".{os.getpid()}")  # several tests may build it at once
        command = [compiler, *_FLAGS, "-o", str(fresh), str(SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False)
        if done.returncode:
            raise EmulatorError(f"{compiler} could not compile {SOURCE.name}: {done.stderr.strip()}")
        fresh.rename(built)
    return built
