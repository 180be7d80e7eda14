"""Runs the pump, or leaves the board in the REPL when that was asked for.

The board stays in the REPL after the `service` command, while the service strap is low, after three crashes in a row,
and when the pump's files are incomplete because a deployment was interrupted: the last two with a steady tone and the
red lamp. However the pump ends, the outputs are made safe and the board resets.
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
_POLL_MS = 10
_LOAD_BYTES = 16384
_WATCHDOG_TEST_MS = 50


def strap_is_low():
    return machine.Pin(_STRAP, machine.Pin.IN, machine.Pin.PULL_UP).value() == 0


def wait_for_repl_input():
    """Waits for the first byte on the serial line and leaves it for the REPL. False when none comes in 15 min: the
    caller then starts the pump again. The printed prompt looks like the REPL's, so that mpremote begins.
    """
    print("in service; without a keystroke in 15 minutes the pump starts again")
    print(">>> ", end="")
    line = select.poll()
    line.register(sys.stdin, select.POLLIN)
    try:
        for _ in range(_SERVICE_MS // _POLL_MS):
            if line.poll(0):
                return True
            time.sleep_ms(_POLL_MS)
    except KeyboardInterrupt:
        return True
    return False


def sound_fatal_alarm():
    """The alarm of a pump that cannot run: by hardware alone, until a reset."""
    machine.PWM(machine.Pin(_PIEZO), freq=_TONE_HZ, duty_u16=32768)
    machine.Pin(_LAMP_RED, machine.Pin.OUT, value=1)


def check_watchdog_resets():
    """Once after each power-on: the watchdog has to end this boot. Returns only when it does not."""
    machine.WDT(timeout=_WATCHDOG_TEST_MS)
    time.sleep_ms(4 * _WATCHDOG_TEST_MS)


def main():
    try:
        from pump.drivers.chip import Scratch
        from pump.storage.reset_note import AFTER_CRASH, TO_SERVICE, WATCHDOG_TEST, ResetNote
    except Exception as error:  # not there, or bytecode for another MicroPython
        sys.print_exception(error)
        print("the pump's files are not whole; deploy them again")
        sound_fatal_alarm()
        return

    note = ResetNote(Scratch())
    reason = note.take()
    if reason == TO_SERVICE or strap_is_low():
        if not wait_for_repl_input():
            machine.reset()
        return
    if machine.reset_cause() == machine.PWRON_RESET and not note.watchdog_works:
        note.set(WATCHDOG_TEST)
        check_watchdog_resets()
        note.take()
        note.watchdog_works = False
    if note.crashes >= _MAX_CRASHES:
        sound_fatal_alarm()
        return
    try:
        # Collects the garbage of loading a module before the next one is loaded. Without it what stays is scattered
        # over the heap, and the 100 KB that are free lie in holes of 1 KB. run() switches it off.
        gc.threshold(_LOAD_BYTES)
        from pump.run import run

        run(note, reason)
    except Exception as error:
        make_safe()
        note.set(AFTER_CRASH)
        sys.print_exception(error)
    make_safe()
    machine.reset()


main()
