"""Runs the pump, or leaves the board in the REPL when that was asked for.

The REPL is left alone when the `service` command asked for it, when the service strap is low, or when the pump
crashed three times in a row: then a steady tone and the red lamp say so. However the pump ends, the outputs are
made safe and the board resets: there is no state between.
"""

import sys

import machine

from boot import make_safe

_STRAP = 22
_PIEZO = 6
_LAMP_RED = 10
_TONE_HZ = 784  # G5: no melody, so that it is not taken for one of the alarms
_MAX_CRASHES = 3


def strap_is_low():
    return machine.Pin(_STRAP, machine.Pin.IN, machine.Pin.PULL_UP).value() == 0


def cry():
    """The alarm of a pump that cannot run: by hardware alone, until somebody resets it."""
    machine.PWM(machine.Pin(_PIEZO), freq=_TONE_HZ, duty_u16=32768)
    machine.Pin(_LAMP_RED, machine.Pin.OUT, value=1)


def main():
    from pump.storage.reset_note import CRASHED, SERVICE, ResetNote

    note = ResetNote(machine.mem32)
    reason = note.take()
    if reason == SERVICE or strap_is_low():
        return
    if note.crashes >= _MAX_CRASHES:
        cry()
        return
    try:
        from pump.app import run

        run(note, reason)
    except Exception as error:
        make_safe()
        note.set(CRASHED)
        sys.print_exception(error)
    make_safe()
    machine.reset()


main()
