"""MicroPython's raw prompt on an emulated Pico, without a thread: time passes only while a script is waited for."""

from __future__ import annotations

import ast
from pathlib import Path

from picoinfuse.emulator.device import Pico
from picoinfuse.image import uf2

MS = 1_000_000

DRIVERS = Path(__file__).resolve().parents[3] / "firmware" / "pump" / "drivers"


def pio_program(driver: str, name: str) -> str:
    """The source of a PIO program as it stands in the firmware, decorator and all."""
    source = (DRIVERS / driver).read_text()
    (found,) = (each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef) and each.name == name)
    lines = source.splitlines()[found.decorator_list[0].lineno - 1 : found.end_lineno]
    return "\n".join(lines) + "\n"


# The stepper and the counter as in the firmware, without the rest of the pump.
STEPPER = f"""
import time
from machine import Pin
from rp2 import PIO, StateMachine, asm_pio, asm_pio_encode
{pio_program("stepper.py", "step_words")}
{pio_program("step_counter.py", "count_edges")}
step = Pin(2, Pin.OUT, value=0)
stepper = StateMachine(0, step_words, freq=5000000, set_base=step)
counter = StateMachine(4, count_edges, freq=12500000, in_base=Pin(2))
counter.put(0x3FFFFFFF)
counter.exec("pull(block)")
counter.exec("mov(x, osr)")
counter.active(1)
copy = asm_pio_encode("mov(isr, x)", 0)
push = asm_pio_encode("push(noblock)", 0)
def counted():
    counter.exec(copy)
    counter.exec(push)
    return 0x3FFFFFFF - counter.get()
def grant(ticks, count):
    stepper.put((ticks - 17) << 11 | count)
"""


class Prompt:
    """`run(script)` gives what it prints."""

    def __init__(self, uf2_file: Path, flash: Path, seed: int = 1) -> None:
        self.said = b""
        self.pico = Pico(uf2.read(uf2_file), flash, self._take, seed=seed)
        self.wait_for_prompt()

    def _take(self, data: bytes) -> None:
        self.said += data

    def run_until(self, end: bytes, limit_ms: int) -> None:
        for _ in range(limit_ms):
            if end in self.said:
                return
            self.pico.run(MS)
        raise AssertionError(f"no {end!r} within {limit_ms} ms; last words: {self.said[-300:]!r}")

    def wait_for_prompt(self) -> None:
        """After a start: enumerated, then the raw prompt."""
        for _ in range(2000):
            if self.pico.usb.connected:
                break
            self.pico.run(MS)
        self.pico.run(100 * MS)
        self.said = b""
        self.pico.usb.send(b"\r\x03\x03\x01")
        self.run_until(b"raw REPL; CTRL-B to exit\r\n>", 3000)

    def begin(self, script: str) -> None:
        """Starts a script that need not end."""
        self.said = b""
        self.pico.usb.send(script.encode() + b"\x04")
        self.run_until(b"OK", 3000)

    def run(self, script: str, limit_ms: int = 20_000) -> str:
        self.begin(script)
        self.run_until(b"\x04>", limit_ms)
        said, error = self.said.split(b"OK", 1)[1].removesuffix(b"\x04>").split(b"\x04")
        assert not error, error.decode()
        return said.decode().replace("\r\n", "\n").strip()


class Edges:
    """Keeps the edges of a wire."""

    def __init__(self) -> None:
        self.rising: list[int] = []
        self.falling: list[int] = []

    def on_level(self, t_ns: int, level: int) -> None:
        (self.rising if level else self.falling).append(t_ns)
