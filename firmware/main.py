"""Runs the pump, or leaves the board in the REPL when that was asked for.

The REPL is left alone when the `service` command asked for it, when the service strap is low, when the pump crashed
three times in a row, or when there is no pump to run, because a deployment was cut short while it changed it: then a
steady tone and the red lamp say so. However the pump ends, the outputs are made safe and the board resets: there is no
state between.
"""

import gc
import select
import sys
import time

import machine

from boot import make_safe

_STRAP = 22
_PIEZO = 6
_LAMP_RED = 10
_TONE_HZ = 784  # G5: no melody, so that it is not taken for one of the alarms
_MAX_CRASHES = 3
_SERVICE_MS = 900_000
_LOOK_MS = 10
_LOAD_BYTES = 16384
_BITE_MS = 50


def strap_is_low():
    return machine.Pin(_STRAP, machine.Pin.IN, machine.Pin.PULL_UP).value() == 0


def somebody_comes():
    """Waits for the first byte on the serial line, and leaves it for the REPL. False when none has come in 15 min:
    a pump that was left in service is a pump again. What looks like the REPL's prompt tells a program that it may
    begin.
    """
    print("in service; without a keystroke in 15 minutes the pump starts again")
    print(">>> ", end="")
    line = select.poll()
    line.register(sys.stdin, select.POLLIN)
    try:
        for _ in range(_SERVICE_MS // _LOOK_MS):
            if line.poll(0):
                return True
            time.sleep_ms(_LOOK_MS)
    except KeyboardInterrupt:
        return True
    return False


def cry():
    """The alarm of a pump that cannot run: by hardware alone, until somebody resets it."""
    machine.PWM(machine.Pin(_PIEZO), freq=_TONE_HZ, duty_u16=32768)
    machine.Pin(_LAMP_RED, machine.Pin.OUT, value=1)


def starve_the_watchdog():
    """Once after each power-on: it has to end this boot. Returns only when it does not bite."""
    machine.WDT(timeout=_BITE_MS)
    time.sleep_ms(4 * _BITE_MS)


def main():
    try:
        from pump.storage.reset_note import BITE, CRASHED, SERVICE, ResetNote
    except Exception as error:  # not there, or bytecode for another MicroPython
        sys.print_exception(error)
        print("the pump's files are not whole; deploy them again")
        cry()
        return

    note = ResetNote(machine.mem32)
    reason = note.take()
    if reason == SERVICE or strap_is_low():
        if not somebody_comes():
            machine.reset()
        return
    if machine.reset_cause() == machine.PWRON_RESET and not note.watchdog_bit:
        note.set(BITE)
        starve_the_watchdog()
        note.take()
        note.watchdog_bit = False
    if note.crashes >= _MAX_CRASHES:
        cry()
        return
    try:
        # What loading a module leaves behind is collected before the next one, or what stays is strewn all over the
        # heap, and 100 KB are free in holes of 1 KB. run() ends it, when all is made.
        gc.threshold(_LOAD_BYTES)
        from pump.run import run

        run(note, reason)
    except Exception as error:
        make_safe()
        note.set(CRASHED)
        sys.print_exception(error)
    make_safe()
    machine.reset()


main()
