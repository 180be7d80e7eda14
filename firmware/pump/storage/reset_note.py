"""A note to the next boot, in a scratch register of the watchdog: it survives a reset, and is gone after a
power-off.

What a reset was for cannot be read from `machine.reset_cause()`, which does not tell a watchdog bite from
`machine.reset()`. So whoever resets says why beforehand. A pump that runs leaves RUNNING, and from the start of an
infusion until its stop in good order INFUSING: found at boot, they mean that nobody asked for the reset, and INFUSING
that delivery was cut short. `mem32` is `machine.mem32`, or in a test a dict.

The whole note is one word, so that a reset in the midst of `set` leaves the old note or the new one. SCRATCH0
of 0-3 is used: the SDK and the boot ROM use 4-7. The magic is below 2**30, so that the word is a small int on
the Pico.
"""

from micropython import const

NONE = const(0)
SERVICE = const(1)  # the REPL was asked for
CRASHED = const(2)  # an exception reached the top
INFUSING = const(3)  # there was no orderly stop
BITE = const(4)  # after power-on: the watchdog was left to bite, to see that it does
RUNNING = const(5)  # nobody asked for an end

_SCRATCH0 = const(0x4005800C)
_MAGIC = const(0x2B6D4000)
_MAGIC_MASK = const(0xFFFFF000)
_REASON_MASK = const(0x007)
_WAS_INFUSING = const(0x008)  # a crash that cut delivery short
_CRASHES_SHIFT = const(4)
_MAX_CRASHES = const(15)


class ResetNote:
    def __init__(self, mem32):
        self.mem32 = mem32
        self._reason = NONE
        self.crashes = 0  # in a row, up to this boot; 15 means 15 or more
        self.was_infusing = False  # when the last reset came
        self.watchdog_bit = None  # False: it was left to bite and did not; None: this boot is not from power-on

    def take(self):
        """The reason left by the last boot; clears it. Call once at boot, before any `set`."""
        word = self.mem32[_SCRATCH0]
        self.mem32[_SCRATCH0] = 0
        if word & _MAGIC_MASK != _MAGIC:
            return NONE
        reason = word & _REASON_MASK
        self.crashes = word >> _CRASHES_SHIFT & _MAX_CRASHES
        if reason == BITE:
            self.watchdog_bit = True
        self.was_infusing = reason == INFUSING or bool(word & _WAS_INFUSING)
        return reason

    def set(self, reason):
        """Leaves `reason` for the next boot. NONE for a reset that was asked for; CRASHED counts on."""
        note = reason
        if reason == CRASHED:
            note |= min(self.crashes + 1, _MAX_CRASHES) << _CRASHES_SHIFT
            if self._reason == INFUSING:
                note |= _WAS_INFUSING
        elif reason in (INFUSING, RUNNING):
            note |= self.crashes << _CRASHES_SHIFT  # not forgotten when a watchdog bites next
        self._reason = reason
        self.mem32[_SCRATCH0] = _MAGIC | note
