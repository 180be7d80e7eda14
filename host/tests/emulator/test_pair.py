"""Two emulated Picos, wired together."""

from __future__ import annotations

from pathlib import Path

from picoinfuse.emulator.pair import SLICE_NS, Pair

from .prompt import MS, STEPPER, Prompt

# Counts 8 ns clocks by two while the pin is high: X starts at all ones.
MEASURE = """
from machine import Pin
from rp2 import StateMachine, asm_pio
import time
@asm_pio()
def high_time():
    wait(0, pin, 0)
    wait(1, pin, 0)
    mov(x, invert(null))
    label("high")
    jmp(x_dec, "next")
    label("next")
    jmp(pin, "high")
    mov(isr, x)
    push(noblock)
meter = StateMachine(0, high_time, freq=125_000_000, in_base=Pin(7, Pin.IN, Pin.PULL_DOWN), jmp_pin=Pin(7))
meter.active(1)
while not meter.rx_fifo():
    time.sleep_ms(1)
print((0xFFFFFFFF - meter.get()) * 16)
"""

TOGGLE = """
import time
from machine import Pin
pin = Pin(8, Pin.OUT)
while True:
    pin.toggle()
    time.sleep_ms(2)
"""


def test_one_measures_the_pulse_of_the_other_to_its_own_clock(pico: Prompt, uf2_file: Path, tmp_path: Path):
    instrument = Prompt(uf2_file, tmp_path / "instrument.img", seed=2)
    pair = Pair(pico.pico, instrument.pico)
    pair.wire(2, 7)
    instrument.begin(MEASURE)
    pico.begin(STEPPER + "time.sleep_ms(100)\nstepper.active(1)\ngrant(5000, 3)\ntime.sleep_ms(50)\n")
    pair.run(200 * MS)
    instrument.run_until(b"\x04>", 100)
    measured_ns = int(instrument.said.split(b"OK")[1].split(b"\x04")[0].split()[-1])
    # 2 µs high; the loop takes 16 ns, and begins up to three clocks late
    assert abs(measured_ns - 2000) <= 40


def test_what_the_second_drives_the_first_sees_a_slice_later_at_most(pico: Prompt, uf2_file: Path, tmp_path: Path):
    instrument = Prompt(uf2_file, tmp_path / "instrument.img", seed=2)
    pair = Pair(pico.pico, instrument.pico)
    pair.wire_back(8, 9)
    seen: list[int] = []

    class Watch:
        def on_level(self, t_ns: int, level: int) -> None:
            seen.append(t_ns)

    driven: list[int] = []

    class Drive:
        def on_level(self, t_ns: int, level: int) -> None:
            driven.append(t_ns)

    pico.pico.nets[9].listeners.append(Watch())
    instrument.pico.nets[8].listeners.append(Drive())
    instrument.begin(TOGGLE)
    pair.run(MS)
    seen.clear()
    driven.clear()
    pair.run(20 * MS)
    assert len(seen) >= 8
    for at_ns, seen_ns in zip(driven, seen, strict=False):
        assert 0 <= seen_ns - at_ns <= SLICE_NS


def test_either_may_be_reset_alone(pico: Prompt, uf2_file: Path, tmp_path: Path):
    instrument = Prompt(uf2_file, tmp_path / "instrument.img", seed=2)
    pair = Pair(pico.pico, instrument.pico)
    instrument.run("kept = 7")
    pico.pico.reset()
    pair.run(300 * MS)
    assert instrument.run("print(kept)") == "7"
    pico.wait_for_prompt()
    assert pico.run("print('kept' in globals())") == "False"
