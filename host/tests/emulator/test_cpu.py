"""The C half of the CPU does what rp2040py's own core does, cycle by cycle."""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.emulator import rp2040py_patches, thumb
from picoinfuse.emulator.errors import EmulatorError, WrongEmulator
from picoinfuse.emulator.rp2040py_imports import VERSION, check_version

from .prompt import Edges, Prompt

# Integers, big integers, floats, strings, look-ups, exceptions, garbage; a pin signals the end of each.
WORK = """
import gc, time
from machine import Pin
pin = Pin(2, Pin.OUT, value=0)
total = 0
for i in range(1, 12):
    pin.value(1)
    total += (i * 7919) % 97 - (-i * 31) // 5 + (i << 40 >> 33)
    text = "{:08x} {:.3f}".format(i * 2654435761 & 0xFFFFFFFF, i / 7)
    table = {name: len(name) for name in (text, str(total), repr(1.5 * i))}
    try:
        table[i]
    except KeyError as missing:
        total += missing.args[0]
    pin.value(0)
    gc.collect()
    time.sleep_us(300)
print(total, text, sorted(table.values()))
"""


def run_work(uf2_file: Path, flash: Path) -> tuple[str, list[int], int]:
    prompt = Prompt(uf2_file, flash)
    edges = Edges()
    prompt.pico.nets[2].listeners.append(edges)
    said = prompt.run(WORK)
    return said, edges.rising + edges.falling, prompt.pico.busy_ns


@pytest.mark.skipif(thumb.library() is None, reason="no C compiler here")
def test_work_takes_the_same_cycles_with_and_without_it(
    uf2_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_c = run_work(uf2_file, tmp_path / "a.img")
    monkeypatch.setattr(rp2040py_patches, "library", lambda: None)
    without = run_work(uf2_file, tmp_path / "b.img")
    # Every edge at the same nanosecond, about 2e8 cycles after power-on. Without C, busy time is not counted.
    assert with_c[:2] == without[:2]
    assert with_c[2] > 0


def test_a_compiler_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "thumb.c"
    broken.write_text("this is no C")
    monkeypatch.setattr(thumb, "SOURCE", broken)
    if thumb.library is None:
        pytest.skip("no C compiler here")
    with pytest.raises(EmulatorError, match=r"could not compile thumb\.c"):
        thumb.library()


def test_another_version_of_the_emulator_is_refused():
    check_version(VERSION)
    with pytest.raises(WrongEmulator, match=r"is version 0\.3\.7"):
        check_version("0.3.7")
    with pytest.raises(WrongEmulator, match="is not installed"):
        check_version(None)
