"""The interpreters that can run the firmware of a board in software.

`vm` is the MicroPython VM, with littlefs on a flash image and a bounded heap. `cpython` and `pypy` run the same files
with a folder in the place of the flash and without a bound on the heap; PyPy is many times faster in long runs.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from picoinfuse.common.errors import PicoinfuseError


class EngineMissing(PicoinfuseError):
    """The engine does not exist, or its interpreter is not installed."""


@dataclass(frozen=True)
class Engine:
    """An interpreter: its name in ENGINES, and the path of its program."""

    name: str
    program: str

    @property
    def has_flash(self) -> bool:
        """True with littlefs on a flash image and a bounded heap, False with a folder."""
        return self.name == "vm"


def find_vm() -> str | None:
    """Path of the MicroPython VM: next to this Python, otherwise on the PATH; None if it is not installed."""
    beside = Path(sys.executable).parent / "micropython"
    return str(beside) if beside.exists() else shutil.which("micropython")


def find_pypy() -> str | None:
    """Path of PyPy 3 on the PATH; None if it is not installed."""
    return shutil.which("pypy3")


ENGINES: dict[str, Callable[[], str | None]] = {
    "vm": find_vm,
    "cpython": lambda: sys.executable,
    "pypy": find_pypy,
}
INSTALL = {
    "vm": "pip install 'picoinfuse[vm]', if there is a wheel for this computer",
    "pypy": "apt install pypy3, or see https://pypy.org/download.html, so that pypy3 is on the PATH",
}


def find_engine(name: str) -> Engine:
    """The engine of that name. Raises EngineMissing, which says how to install it."""
    if name not in ENGINES:
        raise EngineMissing(f"unknown engine {name}; use {', '.join(ENGINES)}")
    program = ENGINES[name]()
    if program is None:
        raise EngineMissing(f"the engine {name} is not installed: {INSTALL[name]}")
    return Engine(name, program)


def default_engine() -> Engine:
    """The MicroPython VM, or CPython where it is not installed."""
    return find_engine("vm" if find_vm() else "cpython")
