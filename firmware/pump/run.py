"""Runs the pump, with no more in the heap than it needs for that.

The modules that only the boot needs are dropped before the loop: they are some 10 KB of bytecode, of the 246 KB that a
Pico has for everything.

The garbage collector has a stack of 64 places for objects that it has found and not yet looked into (py/gc.c). When the
stack is full it scans everything once more, which takes 50 ms in all; the hundred modules of `sys.modules` would fill
it. So they are hung into a chain, which the collector follows early: one module after the other, first the ones that
the others are built on.
"""

import gc
import sys

_PACKAGE = "pump"
_BOOT_ONLY = (
    "pump.boot.startup",
    "pump.boot.assembly",
    "pump.boot.link_functions",
    "pump.storage.at_boot",
)


def run(note, reason):
    """Runs the pump until `service` or `reset`; the caller makes the outputs safe and resets the board. `note`: the
    ResetNote; `reason`: what it held.
    """
    port, scheduler, delivered_volume = _start(note, reason)
    _drop_boot_modules()
    _chain_modules()
    gc.threshold(-1)  # main.py had set one, so that what is made at boot lies close together
    gc.collect()
    port.begin()
    try:
        scheduler.run()
    finally:
        delivered_volume.close()
        port.end()


def _start(note, reason):
    from pump.boot.startup import start

    pump = start(note, reason)
    return pump.port, pump.scheduler, pump.delivered_volume  # pyright: ignore[reportAttributeAccessIssue]


def _drop_boot_modules():
    for name in _BOOT_ONLY:
        package, _, last = name.rpartition(".")
        delattr(sys.modules[package], last)
        del sys.modules[name]


def _chain_modules():
    """Hangs all modules of the pump into a chain of pairs, the last outermost. No other is loaded from here on."""
    names = sorted([name for name in sys.modules if name.startswith(_PACKAGE)], key=_depth)
    chain = None
    for name in names:
        chain = chain, sys.modules.pop(name)
    sys.modules[_PACKAGE] = chain  # pyright: ignore[reportArgumentType]


def _depth(name):
    return name.count(".")
