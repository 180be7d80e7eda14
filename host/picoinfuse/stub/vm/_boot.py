"""Starts the modelled Pico: `micropython _boot.py SETUP.json`, or `python _boot.py SETUP.json` where there is no VM.

Builds the world, puts the modelled modules in the place of the real ones, mounts the flash, leaves exactly a
Pico's heap, then does what the chip does: boot.py, main.py, REPL. SETUP tells the file descriptor of the
channel, the flash image, the world and what survived a reset.
"""

import builtins
import gc
import io
import json
import os
import sys

sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])
sys.path.append(sys.argv[0].rsplit("/", 3)[0])  # for the package `world`; last, since it holds much else

ON_VM = sys.implementation.name == "micropython"

if ON_VM:
    import _onvm as _host
else:
    import _oncpython as _host

import _dma
import _machine
import _select
import _time
import micropython
import rp2
from _channel import Channel, RealTrace, WireTrace
from _controls import control, set_flash
from _gpio import COUNT, Follower, Gpio
from _pio import PioBlocks
from _pwm import PwmWire
from _repl import Repl
from _usb import Stdin, Stdout, Usb
from _world import SOFT_RESET, WORLD
from world.battery import Battery
from world.fluid import FluidPath
from world.motor import Motor
from world.sensor import PressureSensor

_PIECE = 256
_WIRES = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow")


class Shadow:
    """A module with some names replaced; the others come from the real one."""

    def __init__(self, real, names):
        self._real = real
        for name in names:
            setattr(self, name, names[name])

    def __getattr__(self, name):
        return getattr(self._real, name)


def build_world(setup, channel):
    """Fills WORLD from the setup."""
    world = setup["world"]
    wiring = world["wiring"]
    WORLD.channel = channel
    WORLD.wall = _host.wall_ns
    WORLD.control = control
    WORLD.usb = Usb(WORLD, channel)
    WORLD.wiring = wiring
    WORLD.unique_id = bytes.fromhex(setup["unique_id"])
    WORLD.gpio = [Gpio(n) for n in range(COUNT)]
    WORLD.gpio[wiring["enable"]].resistor = 1
    WORLD.gpio[wiring["piezo"]].resistor = 0
    WORLD.gpio[wiring["strap"]].resistor = 1
    WORLD.pio = PioBlocks(WORLD.gpio)
    WORLD.dma_reset = _dma.hard_reset
    WORLD.fluid = FluidPath(world)
    WORLD.sensor = PressureSensor(world["sensor"], setup["seed"])
    WORLD.upstream = PressureSensor(world["sensor"], setup["seed"] + 1)
    WORLD.upstream_pa = 0.0
    if "piezo_feedback" in wiring:
        Follower(WORLD.gpio[wiring["piezo_feedback"]], [WORLD.gpio[wiring["piezo"]]])
    if "lamp_feedback" in wiring:
        lamps = [WORLD.gpio[wiring["lamp_red"]], WORLD.gpio[wiring["lamp_yellow"]]]
        Follower(WORLD.gpio[wiring["lamp_feedback"]], lamps)
    for name in ("button_request", "button_stop"):
        if name in wiring:
            WORLD.gpio[wiring[name]].resistor = 1
    if "air" in wiring:
        WORLD.gpio[wiring["air"]].resistor = 0  # the detector's output at rest: no air
    WORLD.motor = Motor(
        WORLD.gpio[wiring["step"]],
        WORLD.gpio[wiring["dir"]],
        WORLD.gpio[wiring["enable"]],
        WORLD.fluid,
        world["step_nl"],
        world["reverse"],
    )
    if "battery" in world:
        WORLD.battery = Battery(world["battery"], WORLD.gpio[wiring["enable"]])
    for gpio in WORLD.gpio:
        gpio.level = gpio._held()
    WORLD.reals = RealTrace(channel, WORLD.fluid, setup["real_grid_ms"] * 1000000)
    restore(setup.get("state"))
    for name in _WIRES:
        WORLD.gpio[wiring[name]].listeners.append(WireTrace(channel, name))
        if not setup.get("state"):
            WORLD.channel.record(_WIRES.index(name), 0, 0, 0, WORLD.gpio[wiring[name]].level)
    state = setup.get("state")
    WORLD.set_pace(state["pace"] if state else setup["pace"])
    if state:
        WORLD.granted_ns = state["granted_ns"]
        WORLD.sequence = state["seq"]


def restore(state):
    """What survived: the world goes on; the chip starts anew, but for the watchdog, its scratch and, at a soft
    reset, the pins.
    """
    if not state:
        return
    WORLD.now_ns = state["now_ns"]
    WORLD.cause = state["chip_cause"] if state["cause"] == SOFT_RESET else state["cause"]
    WORLD.scratch = state["scratch"]
    WORLD.watchdog_dead = state["watchdog_dead"]
    WORLD.usb.host_reads = state["host_reads"]
    WORLD.usb.plugged = state["plugged"]
    WORLD.fluid.restore(state["fluid"])
    WORLD.motor.restore(state["motor"])
    WORLD.sensor.restore(state["sensor"])
    WORLD.upstream.restore(state["upstream"])
    WORLD.upstream_pa = state["upstream_pa"]
    if WORLD.battery is not None:
        WORLD.battery.restore(state["battery"])
    WORLD.reals.due_ns = WORLD.now_ns
    if state["cause"] != SOFT_RESET:
        WORLD.boot_ns = WORLD.now_ns
    else:
        WORLD.boot_ns = state["boot_ns"]
        WORLD.watchdog_due_ns = state["watchdog_due_ns"]
        WORLD.watchdog_ns = state["watchdog_ns"]
    for gpio in WORLD.gpio:
        gpio.restore(state["gpio"][gpio.n])
    if state["cause"] == SOFT_RESET:
        keep_pwms(state["pwms"])


def keep_pwms(pwms):
    """A soft reset stops only PWM slices 0 to 3 (GPIO 0-7, 16-23); the others go on."""
    for saved in pwms:
        wire = PwmWire(WORLD.gpio[saved[0]])
        wire.restore(saved)
        if saved[0] % 16 < 8:
            wire.stop(WORLD.now_ns)
        else:
            WORLD.pwms[saved[0]] = wire


def take_modules(os_names):
    """From here on `machine`, `rp2`, `time`, `select`, `sys`, `os` and `micropython` are the modelled ones."""
    stdout = Stdout(WORLD)

    def board_print(*values, sep=" ", end="\n", file=None):
        (file or stdout).write(sep.join([str(value) for value in values]) + end)

    def board_print_exception(error, file=None):
        text = io.StringIO()
        _host.print_exception(error, text)
        (file or stdout).write(text.getvalue())

    def kbd_intr(char):
        WORLD.usb.interrupt_char = char

    builtins.print = board_print
    modules = sys.modules
    modules["machine"] = _machine
    modules["rp2"] = rp2
    modules["time"] = modules["utime"] = _time
    modules["select"] = _select
    modules["micropython"] = Shadow(micropython, {"kbd_intr": kbd_intr})
    modules["os"] = Shadow(os, os_names)
    names = {
        "stdin": Stdin(WORLD),
        "stdout": stdout,
        "platform": "rp2",
        "implementation": Shadow(sys.implementation, {"_machine": "Raspberry Pi Pico in software (stub)"}),
        "print_exception": board_print_exception,
    }
    modules["sys"] = Shadow(sys, names)


def run_file(repl, name, scope):
    """boot.py or main.py, when it is there; a traceback goes to the serial port."""
    try:
        with open(name) as source:
            text = source.read()
    except OSError:
        return
    WORLD.usb.write(repl.execute(compile(text, name, "exec"), scope))


def main():
    with open(sys.argv[1]) as source:
        setup = json.load(source)
    channel = Channel(_host.open_stream(setup["fd"]))
    build_world(setup, channel)
    os_names = _host.mount(setup["image"])
    WORLD.flash.stall, WORLD.flash.cut = WORLD.stall, WORLD.cut
    set_flash(WORLD, setup["state"]["flash"] if setup.get("state") else setup["flash"])
    os_names["urandom"] = seeded_urandom(setup["seed"] * 7919 + WORLD.boot_ns // 1000)
    take_modules(os_names)
    scope = {"__name__": "__main__"}
    repl = Repl(WORLD, scope, _host.print_exception)
    WORLD.ballast = leave_pico_heap(setup["heap"]) if ON_VM else None
    try:
        if setup["raw"]:
            WORLD.usb.write(b"MPY: soft reboot\r\n")
        run_file(repl, "boot.py", scope)
        if not setup["raw"]:
            run_file(repl, "main.py", scope)
        repl.run(setup["raw"])
    except EOFError:
        pass


def seeded_urandom(seed):
    """`os.urandom` that repeats: a run must be the same from the same seed."""
    state = [seed & 0x3FFFFFFF]

    def urandom(size):
        data = bytearray(size)
        for i in range(size):
            state[0] = (state[0] * 1103515245 + 12345) & 0x3FFFFFFF
            data[i] = state[0] >> 16 & 255
        return bytes(data)

    return urandom


def leave_pico_heap(size):
    """Takes away what the heap has beyond a Pico's; the models' own memory is not counted against the firmware. In
    small pieces, which fill the holes between the models first: what is left is in one piece, as on a Pico.
    """
    gc.collect()
    pieces = [None] * ((gc.mem_free() - size) // (_PIECE + 40))  # 32 for the object, 8 in this list
    for i in range(len(pieces)):
        pieces[i] = bytearray(_PIECE)
    return pieces


main()
