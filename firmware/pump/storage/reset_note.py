"""The reason for a reset, noted for the next boot in a scratch register of the watchdog, which survives a reset and is
cleared by a power-off.

`machine.reset_cause()` does not tell a watchdog reset from `machine.reset()`, so the firmware notes the reason before
it resets. A running pump leaves WAS_RUNNING, and WAS_INFUSING from the start of an infusion until its orderly stop:
found at boot, they mean an unexpected reset, and WAS_INFUSING that it cut delivery short.

The whole note is one word, so that a reset during `set` leaves the old note or the new one. The magic is below 2**30:
the word is a small int on the Pico.
"""

from micropython import const

NO_NOTE = const(0)
TO_SERVICE = const(1)  # the REPL was asked for
AFTER_CRASH = const(2)  # an exception reached the top
WAS_INFUSING = const(3)  # there was no orderly stop
WATCHDOG_TEST = const(4)  # after power-on: the watchdog was not fed, to see that it resets
WAS_RUNNING = const(5)  # no reset was requested

_WORD = const(0)  # of the scratch registers; tasks/delivered_volume.py uses the others
_MAGIC = const(0x2B6D4000)
_MAGIC_MASK = const(0xFFFFF000)
_REASON_MASK = const(0x007)
_CRASH_WHILE_INFUSING = const(0x008)  # a crash that cut delivery short
_CRASHES_SHIFT = const(4)
_MAX_CRASHES = const(15)


class ResetNote:
    """Reads the note of the last boot, and leaves one for the next."""

    def __init__(self, scratch):
        """`scratch`: drivers/chip.py's Scratch, or in a test a list of words."""
        self.scratch = scratch
        self._reason = NO_NOTE
        self.crashes = 0  # in a row, up to this boot; 15 means 15 or more
        self.was_infusing = False  # when the last reset came
        self.watchdog_works = None  # False: it did not reset when it was not fed; None: this boot is not from power-on

    def take(self):
        """The reason left by the last boot; clears it. Call once at boot, before any `set`."""
        word = self.scratch[_WORD]
        self.scratch[_WORD] = 0
        if word & _MAGIC_MASK != _MAGIC:
            return NO_NOTE
        reason = word & _REASON_MASK
        self.crashes = word >> _CRASHES_SHIFT & _MAX_CRASHES
        if reason == WATCHDOG_TEST:
            self.watchdog_works = True
        self.was_infusing = reason == WAS_INFUSING or bool(word & _CRASH_WHILE_INFUSING)
        return reason

    def set(self, reason):
        """Leaves `reason` for the next boot. NO_NOTE for a reset that was asked for; AFTER_CRASH counts on."""
        note = reason
        if reason == AFTER_CRASH:
            note |= min(self.crashes + 1, _MAX_CRASHES) << _CRASHES_SHIFT
            if self._reason == WAS_INFUSING:
                note |= _CRASH_WHILE_INFUSING
        elif reason in (WAS_INFUSING, WAS_RUNNING):
            note |= self.crashes << _CRASHES_SHIFT  # kept across a watchdog reset
        self._reason = reason
        self.scratch[_WORD] = _MAGIC | note
