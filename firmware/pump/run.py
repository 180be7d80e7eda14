"""Runs the pump, with no more in the heap than it needs for that.

What is needed for the begin alone is dropped before the loop: some 8 KB of bytecode, of the 246 KB that a Pico has for
everything.

The collector has a stack of 64 places for what it has found and not yet looked into (py/gc.c). What finds no place
makes it look at everything once more, 50 ms in all; and the hundred modules of `sys.modules` find none. So they hang in
a chain, which it comes upon early: module after module, those first on which others are built.
"""

import gc
import sys

_PACKAGE = "pump"
_ONCE = ("pump.boot.startup", "pump.boot.assembly")


def run(note, reason):
    """Runs the pump until `service` or `reset`; the caller makes the outputs safe and resets the board."""
    app = _start(note, reason)
    _drop_what_is_done()
    _chain_modules()
    gc.threshold(-1)  # main.py's, for what is made beforehand to lie close together
    gc.collect()
    app.port.begin()
    try:
        app.scheduler.run()
    finally:
        app.ledger.settle()
        app.port.end()


def _start(note, reason):
    from pump.boot.startup import start

    return start(note, reason)


def _drop_what_is_done():
    for name in _ONCE:
        package, _, last = name.rpartition(".")
        delattr(sys.modules[package], last)
        del sys.modules[name]


def _chain_modules():
    """All modules are loaded, and no other will be: hangs them in a chain of pairs, the last of them outermost."""
    names = sorted([name for name in sys.modules if name.startswith(_PACKAGE)], key=_depth)
    chain = None
    for name in names:
        chain = chain, sys.modules.pop(name)
    sys.modules[_PACKAGE] = chain


def _depth(name):
    return name.count(".")
