"""Keeps the delivered volume: a watchdog reset loses no step, and a power cut at most a small, stated volume.

    record `therapy`        the order; written before the motor moves
    journal, ring `volume`  delivered steps; written at every change and after every 20 µL, at most once a second
    scratch 1 to 3          counted steps, and steps granted beyond them; written at every grant, kept by a reset

Each entry of the ring states its bound: the volume that may have been delivered after it (storage/last_therapy.py).
The bound is 20 µL plus 2 s at the highest rate that the therapy may have; the next entry is in flash before that. An
entry is in flash before the motor moves, and before it may move faster.

After a watchdog reset all granted steps have been made: the watchdog resets 2 s after the last turn of the loop, and
motion is granted for half a second. If the loop was late but alive until the reset, the last grant may have been cut
short; the steps in between are then unknown and part of the bound.
"""

import time

from micropython import const

from pump.core.supervisor import COMPLETED, IDLE, INFUSING, PAUSED, RESET_ASKED, SELF_TEST, SERVICE
from pump.core.units import elapsed_ms, steps_of, volume_nl
from pump.storage.last_therapy import (
    NO_BOUND,
    OUTCOME_ALARMED,
    OUTCOME_COMPLETE,
    OUTCOME_INFUSING,
    OUTCOME_PAUSED,
    OUTCOME_STOPPED,
    OUTCOME_UNKNOWN,
)  # fmt: skip

_CHECK_NL = const(20_000)
_CHECK_MS = const(1000)
_POLL_MS = const(100)

_UNDER_WAY = (INFUSING, PAUSED)
_ENDING = (SELF_TEST, SERVICE)

_SHUT = const(0)
_FORWARD = const(1)
_BACK = const(2)

_ALIVE_MS = const(1400)  # after so long without a feed, a reset may come before the granted motion ends
_COUNTED = const(1)  # scratch registers
_UNCOUNTED = const(2)  # with the therapy's number and outcome
_CHECK = const(3)
_MAGIC = const(0x15A5A5A5)
_MASK = const(0x3FFFFFFF)  # keeps words small ints on the Pico
_HALF_STEPS = const(0x20000000)
_HALF_UNCOUNTED = const(0x20000)
_LATE = const(0x40000)


class DeliveredVolume:
    name = "delivered_volume"
    max_late_ms = 1000

    def __init__(self, last_therapy, scratch, alarms, scheduler, delivery=None, relief=None, profile=None):
        """`last_therapy`: the copy in the flash. `scratch`: the registers that survive a reset. `profile`: the one in
        force. Without a valid profile there is no delivery; then only the previous boot's therapy can be read.
        """
        self.last_therapy = last_therapy
        self._scratch = scratch
        self._alarms = alarms
        self._scheduler = scheduler
        self._delivery = delivery
        self._relief = relief
        self._profile = profile
        self._drug = None  # of the current therapy
        self._top_ul_h = 0  # the highest rate that the newest entry allows for
        self._live = False  # the delivery counts for `last_therapy`
        self._open = _SHUT  # the newest entry's direction of permitted motion
        self._changed = False
        self._noted_ms = 0

    # ---- at boot ----

    def recall(self, watchdog_reset, trouble):
        """Recovers the previous boot's therapy. `watchdog_reset`: that boot ended by the watchdog; `trouble`: entries
        of the journal were lost.
        """
        last = self.last_therapy
        words = self._scratch[_COUNTED], self._scratch[_UNCOUNTED], self._scratch[_CHECK]
        self._scratch[_CHECK] = 0
        last.recall(trouble)
        before = last.outcome, last.steps, last.unsure
        self._from_scratch(words, watchdog_reset)
        last.end()
        if last.outcome == OUTCOME_UNKNOWN or before != (last.outcome, last.steps, last.unsure):
            self._changed = not last.note(last.steps, last.unsure)

    def _from_scratch(self, words, watchdog_reset):
        last = self.last_therapy
        counted, packed, check = words
        if check != (counted ^ packed ^ _MAGIC) & _MASK or packed >> 19 & 255 != last.number & 255:
            return
        last.outcome = packed >> 27
        counted -= _HALF_STEPS
        uncounted = (packed & 0x3FFFF) - _HALF_UNCOUNTED
        if watchdog_reset and not packed & _LATE:
            last.steps, last.unsure = counted + uncounted, 0
        else:
            last.steps, last.unsure = min(counted, counted + uncounted), abs(uncounted)

    # ---- while the pump runs ----

    def begin(self, therapy, drug):
        """Call it before the motor turns for a new therapy. `drug`: its name, or None. Raises OSError when the flash
        cannot store it.
        """
        last = self.last_therapy
        self._live = False
        last.order(therapy, drug, self._profile["mechanics"]["step_pl"])
        self._open_entry(0, _top_of(therapy))
        last.outcome, last.seen, self._live = OUTCOME_INFUSING, False, True
        self._drug = drug

    def before_motion(self, more_ul_h=0):
        """Call it before the motor turns again, or turns faster by `more_ul_h`. Raises OSError when the flash cannot
        store it.
        """
        if self._live:
            self._changed = True
            delivery = self._delivery
            top_ul_h = max(_top_of(delivery.therapy), delivery.rate_ul_h) + more_ul_h
            if not self._open or (top_ul_h > self._top_ul_h and self.last_therapy.unsure != NO_BOUND):
                self._open_entry(delivery.net_steps(), top_ul_h)

    def on_state(self, old, new, event):
        """Updates the outcome after a change of the supervisor's state. Allocates nothing."""
        last = self.last_therapy
        was_live = self._live
        if was_live:
            if new == INFUSING:
                last.outcome, last.seen = OUTCOME_INFUSING, False
            elif new == PAUSED:
                last.outcome = OUTCOME_PAUSED
            elif old in _UNDER_WAY:
                last.outcome = self._outcome(new, event)
            self.on_grant(True)
        if new == SELF_TEST and was_live:
            delivery = self._delivery
            last.steps = delivery.net_steps()
            last.unsure = delivery.commanded_steps - delivery.counted_steps()
            self._live = False
        over = new in _ENDING or (new == IDLE and not self._alarms.stops_delivery())
        if was_live or (over and not last.seen):
            self._changed = True
            self._scheduler.wake(self)
        if over:
            last.seen = True

    def _outcome(self, new, event):
        """The outcome of a therapy that has ended."""
        if new == IDLE:
            delivery = self._delivery
            whole = event == COMPLETED or delivery.therapy.all_made(delivery.net_steps())
            return OUTCOME_COMPLETE if whole else OUTCOME_STOPPED
        return OUTCOME_STOPPED if event == RESET_ASKED else OUTCOME_ALARMED

    def on_grant(self, done):
        """Call it before (False) and after (True) the delivery grants or revokes motion. After it, the scratch
        registers hold what a reset would leave; in between they are invalid.
        """
        if not self._live:
            return
        if not done:
            self._scratch[_CHECK] = 0
            return
        delivery, last = self._delivery, self.last_therapy
        counted = delivery.net_steps()
        uncounted = delivery.commanded_steps - delivery.counted_steps()
        if delivery.back:
            uncounted = -uncounted
        first = counted + _HALF_STEPS & _MASK
        second = uncounted + _HALF_UNCOUNTED & 0x3FFFF | (last.number & 255) << 19 | last.outcome << 27
        if elapsed_ms(time.ticks_ms(), self._scheduler.fed_ms) > _ALIVE_MS:
            second |= _LATE
        self._scratch[_COUNTED] = first
        self._scratch[_UNCOUNTED] = second
        self._scratch[_CHECK] = (first ^ second ^ _MAGIC) & _MASK

    def run(self, now_ms):
        last = self.last_therapy
        if self._live:
            self._update(now_ms)
        elif self._changed and last.outcome:
            self._changed = not last.note(last.steps, last.unsure)
        return _POLL_MS

    def _update(self, now_ms):
        """Adds an entry to the journal if one is due."""
        delivery, last = self._delivery, self.last_therapy
        way = _BACK if self._relief.busy else _FORWARD if delivery.moving else _SHUT
        steps = delivery.net_steps()
        if not self._changed and way == self._open:
            since_nl = last.nl(abs(steps - last.steps))
            if not way or since_nl < _CHECK_NL or elapsed_ms(now_ms, self._noted_ms) < _CHECK_MS:
                return
        therapy = delivery.therapy
        last.basal_ul_h = therapy.segments.rate_ul_h
        least, unsure = steps, 0
        if way and last.is_short():
            unsure = NO_BOUND
        elif way == _FORWARD:
            unsure = self._bound(max(_top_of(therapy), delivery.rate_ul_h))
        elif way:
            unsure = self._bound(self._profile["occlusion"]["retract_ul_h"])
            least = steps - unsure
        if unsure == NO_BOUND == last.unsure or last.note(least, unsure):
            last.steps = steps
            self._open, self._changed, self._noted_ms = way, False, now_ms

    def close(self):
        """Call it before the firmware ends: halts the motor, so that every step is counted."""
        if self._live:
            self._delivery.halt()

    def _open_entry(self, steps, top_ul_h):
        try:
            self.last_therapy.open(steps, self._bound(top_ul_h))
        finally:
            self._scheduler.excuse_stall()
        self.last_therapy.steps, self._open = steps, _FORWARD
        self._noted_ms = time.ticks_ms()

    def _bound(self, top_ul_h):
        """Steps that may follow an entry at that rate: 20 µL, and 2 s of the rate."""
        self._top_ul_h = top_ul_h
        return steps_of(_CHECK_NL + volume_nl(top_ul_h, 2), self.last_therapy.step_pl) + 2

    # ---- for the link ----

    def to_dict(self):
        """The reply to `last_therapy`: the current therapy, or the last one."""
        last = self.last_therapy
        reply = last.to_dict()
        if self._live:
            delivery = self._delivery
            therapy = delivery.therapy
            reply["rate_ul_h"], reply["regimen"] = therapy.segments.rate_ul_h, therapy.regimen
            reply["drug"] = self._drug
            reply["delivered_nl"], reply["unsure_nl"] = delivery.delivered_nl(), 0
        elif last.outcome:
            last.add_kept(reply)
        if reply["regimen"] is not None:
            reply["vtbi_nl"] = reply["regimen"].get("vtbi_nl")
        return reply


def _top_of(therapy):
    """The highest rate of the therapy as ordered, µL/h."""
    top_ul_h = 0
    for segment in therapy.regimen["segments"]:
        top_ul_h = max(top_ul_h, segment[0], segment[1])
    if "bolus" in therapy.regimen:
        top_ul_h += therapy.regimen["bolus"]["rate_ul_h"]
    return top_ul_h + (therapy.square.rate_ul_h if therapy.square.left_ticks else 0)
