"""One emulated Pico: the state after each kind of reset, the watchdog, and BOOTSEL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from picoinfuse.emulator.device import Cause, Pico
from picoinfuse.emulator.errors import PicoStopped
from picoinfuse.image import uf2

from .prompt import MS, Edges, Prompt

PWRON, WDT = 1, 3  # machine.reset_cause()
SCRATCH0 = 0x4005800C

LEAVE_TRACES = f"""
import machine
with open("note", "w") as file:
    file.write("kept")
machine.mem32[{SCRATCH0:#x}] = 42
"""
LOOK = f"""
import machine
print(machine.reset_cause(), machine.mem32[{SCRATCH0:#x}], open("note").read())
"""


def test_an_empty_flash_gets_a_filesystem_and_a_prompt_within_a_quarter_of_a_second(uf2_file: Path, tmp_path: Path):
    said = bytearray()
    pico = Pico(uf2.read(uf2_file), tmp_path / "flash.img", said.extend)
    pico.run(250 * MS)
    assert pico.usb.connected
    pico.usb.send(b"\r")
    pico.run(20 * MS)
    assert b">>> " in said


def test_reset_by_the_run_pin_clears_the_scratch_registers_but_not_the_flash(pico: Prompt):
    pico.run(LEAVE_TRACES)
    pico.pico.reset()
    pico.wait_for_prompt()
    assert pico.run(LOOK).split() == [str(PWRON), "0", "kept"]
    assert pico.pico.starts == [Cause.POWER_ON, Cause.RUN_PIN]


def test_after_every_reset_the_pads_let_their_input_through(pico: Prompt):
    # PADS_BANK0, GPIO21: 0x56 after a reset (datasheet 2.19.6.3)
    look = "import machine; print(hex(machine.mem32[0x4001C058]), end=' '); machine.mem32[0x4001C058] = 0"
    assert pico.run(look).split() == ["0x56"]
    pico.pico.reset()
    pico.wait_for_prompt()
    assert pico.run(look).split() == ["0x56"]


def test_machine_reset_keeps_the_scratch_registers(pico: Prompt):
    pico.run(LEAVE_TRACES)
    pico.begin("machine.reset()")
    pico.pico.run(MS)
    pico.wait_for_prompt()
    assert pico.run(LOOK).split() == [str(WDT), "42", "kept"]


def test_the_watchdog_resets_on_time_and_only_once(pico: Prompt):
    pico.run(LEAVE_TRACES)
    pico.begin("import time\nmachine.WDT(timeout=500)\nwhile True:\n    time.sleep_ms(10)\n")
    armed_ns = pico.pico.now_ns
    while len(pico.pico.starts) == 1:
        pico.pico.run(MS)
    # armed within the 10 ms that the script takes to start
    assert abs(pico.pico.now_ns - armed_ns - 500 * MS) < 10 * MS
    pico.pico.run(2000 * MS)
    assert pico.pico.starts == [Cause.POWER_ON, Cause.WATCHDOG]
    pico.wait_for_prompt()
    assert pico.run(LOOK).split() == [str(WDT), "42", "kept"]


@pytest.mark.parametrize("again", [Pico.reset, lambda pico: pico.power_cut(1e9), Pico.brown_out])
def test_no_reset_leaves_the_watchdog_running(pico: Prompt, again: Callable[[Pico], None]):
    pico.begin("import machine, time\nmachine.WDT(timeout=1000)\ntime.sleep_ms(200)\n")
    pico.pico.run(100 * MS)
    again(pico.pico)
    pico.pico.run(3000 * MS)
    assert len(pico.pico.starts) == 2


def test_a_power_cut_takes_ram_and_registers_and_leaves_the_flash(pico: Prompt, uf2_file: Path, tmp_path: Path):
    pico.run(LEAVE_TRACES)
    before_ns = pico.pico.now_ns
    pico.pico.power_cut(2e9)
    assert pico.pico.now_ns - before_ns == 2_000_000_000
    pico.wait_for_prompt()
    assert pico.run(LOOK).split() == [str(PWRON), "0", "kept"]
    pico.pico.close()
    again = Prompt(uf2_file, tmp_path / "flash.img")
    assert again.run('print(open("note").read())') == "kept"


def test_a_power_cut_in_the_middle_of_writing_leaves_a_filesystem_that_mounts(pico: Prompt):
    pico.run('with open("a", "w") as file:\n    file.write("x" * 3000)\n')
    pico.begin('while True:\n    with open("b", "w") as file:\n        file.write("y" * 3000)\n')
    pico.pico.run(137 * MS)
    pico.pico.power_cut(1e9)
    pico.wait_for_prompt()
    assert pico.run('print(len(open("a").read()))') == "3000"


def test_brown_out_starts_it_as_power_on_does(pico: Prompt):
    pico.run(LEAVE_TRACES)
    pico.pico.brown_out()
    pico.wait_for_prompt()
    assert pico.run(LOOK).split() == [str(PWRON), "0", "kept"]
    assert pico.pico.starts[-1] is Cause.BROWN_OUT


def test_outputs_float_to_the_boards_resistors_while_it_is_reset(pico: Prompt):
    enable, step = pico.pico.nets[4], pico.pico.nets[2]
    enable.pull(1)
    pico.run("from machine import Pin\nPin(4, Pin.OUT, value=0)\nPin(2, Pin.OUT, value=1)\n")
    assert (enable.level, step.level) == (0, 1)
    pico.pico.reset()
    assert (enable.level, step.level) == (1, 0)


def test_an_output_reads_back_what_it_drives(pico: Prompt):
    script = "from machine import Pin\npin = Pin(5, Pin.OUT, value=1)\nprint(pin.value(), pin.toggle(), pin.value())\n"
    assert pico.run(script) == "1 None 0"


def test_an_input_reads_straps_resistors_and_pulls(pico: Prompt):
    look = "from machine import Pin\nprint(Pin(22, Pin.IN, Pin.PULL_{}).value())\n"
    net = pico.pico.nets[22]
    assert pico.run(look.format("UP")) == "1"
    assert pico.run(look.format("DOWN")) == "0"
    net.pull(1)
    assert pico.run(look.format("DOWN")) == "1"
    net.drive(0)
    assert pico.run(look.format("UP")) == "0"
    net.drive(None)
    assert pico.run(look.format("DOWN")) == "1"


def test_a_piezo_on_pwm_plays_its_frequency(pico: Prompt):
    edges = Edges()
    pico.pico.nets[6].listeners.append(edges)
    pico.run("import machine, time\nmachine.PWM(machine.Pin(6), freq=784, duty_u16=32768)\ntime.sleep_ms(100)\n")
    periods = [later - earlier for earlier, later in zip(edges.rising, edges.rising[1:], strict=False)]
    # 784 Hz is 1275510 ns; the divider and the wrap round by less than 0.1 %
    assert len(periods) > 70
    assert all(abs(period - 1_275_510) < 1300 for period in periods)


def test_bootsel_held_at_reset_waits_for_a_uf2(pico: Prompt, uf2_file: Path):
    pico.pico.bootsel_held = True
    pico.pico.reset()
    pico.pico.run(500 * MS)
    assert pico.pico.in_bootsel
    assert not pico.pico.usb.connected
    pico.pico.flash_uf2(uf2.read(uf2_file))
    pico.wait_for_prompt()
    assert pico.run("print(6 * 7)") == "42"


def test_machine_bootloader_waits_for_a_uf2_and_reset_leaves_it(pico: Prompt):
    pico.begin("import machine\nmachine.bootloader()\n")
    pico.pico.run(100 * MS)
    assert pico.pico.in_bootsel
    pico.pico.reset()
    pico.wait_for_prompt()
    assert not pico.pico.in_bootsel


def test_a_uf2_after_machine_bootloader_is_what_runs_then(pico: Prompt, uf2_file: Path):
    pico.begin("import machine\nmachine.bootloader()\n")
    pico.pico.run(100 * MS)
    pico.pico.flash_uf2(uf2.read(uf2_file))
    assert not pico.pico.in_bootsel
    pico.wait_for_prompt()
    assert pico.run("print(6 * 7)") == "42"
    assert pico.pico.starts[-1] is Cause.WATCHDOG


def test_a_uf2_is_refused_outside_bootsel(pico: Prompt, uf2_file: Path):
    with pytest.raises(PicoStopped, match="hold BOOTSEL"):
        pico.pico.flash_uf2(uf2.read(uf2_file))


def test_a_hung_cpu_executes_nothing_while_pwm_and_watchdog_go_on(pico: Prompt):
    edges, loop = Edges(), Edges()
    pico.pico.nets[6].listeners.append(edges)
    pico.pico.nets[2].listeners.append(loop)
    pico.begin(
        "import machine, time\nmachine.PWM(machine.Pin(6), freq=1000, duty_u16=32768)\n"
        "wdt = machine.WDT(timeout=300)\npin = machine.Pin(2, machine.Pin.OUT)\n"
        "while True:\n    wdt.feed()\n    pin.toggle()\n    time.sleep_ms(5)\n"
    )
    pico.pico.run(100 * MS)
    pico.pico.hang()
    hung_ns = pico.pico.now_ns
    pico.pico.run(200 * MS)
    assert max(loop.rising + loop.falling) <= hung_ns
    assert edges.rising[-1] > hung_ns + 190 * MS
    pico.pico.run(200 * MS)
    assert pico.pico.starts[-1] is Cause.WATCHDOG


def test_random_numbers_differ_from_boot_to_boot_and_repeat_from_a_seed(uf2_file: Path, tmp_path: Path):
    def numbers(seed: int) -> list[str]:
        prompt = Prompt(uf2_file, tmp_path / f"{seed}.img", seed)
        first = prompt.run("import os\nprint(os.urandom(8))")
        prompt.pico.reset()
        prompt.wait_for_prompt()
        return [first, prompt.run("import os\nprint(os.urandom(8))")]

    one = numbers(1)
    assert one[0] != one[1]
    (tmp_path / "1.img").unlink()
    assert numbers(1) == one
    assert numbers(2) != one
