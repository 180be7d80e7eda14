"""How much was given: kept so that a reset by the watchdog loses no step, and a power cut a small, stated volume.

    record `therapy`        what was ordered; written before the motor turns
    journal, ring `volume`  steps given: at every change, and after every 20 µL, once a second at most
    scratch 1 to 3          steps counted and steps granted beyond them, at every grant: a reset leaves them

What storage/last_therapy.py calls unsure is 20 µL, and 2 s at the highest rate that the therapy may have: longer
than it takes
until the next entry is in the flash. An entry is there before the motor turns, or may turn faster.

After a bite of the watchdog all that was granted has been made: it bites 2 s after the last turn of the loop, motion is
granted for half a second. Only when the loop was late but alive up to the bite may the last grant have been cut: then
what lies between is unsure.
"""

import time

from micropython import const

from pump.core import supervisor as sv
from pump.core.ticks import elapsed_ms
from pump.core.units import steps_of, volume_nl
from pump.storage.last_therapy import ALARMED, COMPLETE, INFUSING, NO_BOUND, PAUSED, STOPPED, UNKNOWN, Given

_CHECK_NL = const(20_000)
_CHECK_MS = const(1000)
_LOOK_MS = const(100)

_SHUT = const(0)
_FORWARD = const(1)
_BACK = const(2)

_ALIVE_MS = const(1400)  # unfed for so long, a loop may be bitten while granted motion is not over
_COUNTED = const(0x40058010)
_AHEAD = const(0x40058014)
_CHECK = const(0x40058018)
_MAGIC = const(0x15A5A5A5)
_MASK = const(0x3FFFFFFF)  # words that are small ints on the Pico
_HALF_STEPS = const(0x20000000)
_HALF_AHEAD = const(0x20000)
_LATE = const(0x40000)


class Ledger:
    name = "ledger"
    max_late_ms = 1000

    def __init__(self, app, mem32):
        self._app = app
        self._mem32 = mem32
        self.given = Given(app.shelf, app.journal)
        self._top_ul_h = 0  # that the newest entry allows for
        self._live = False  # the delivery's account is this therapy's
        self._open = _SHUT  # as noted: where the motor may move
        self._changed = False
        self._noted_ms = 0

    # ---- at boot ----

    def recall(self, bitten, trouble):
        """What the last boot was doing. `bitten`: by the watchdog, in the midst of it; `trouble`: entries were lost."""
        given = self.given
        words = self._mem32[_COUNTED], self._mem32[_AHEAD], self._mem32[_CHECK]
        self._mem32[_CHECK] = 0
        given.recall(trouble)
        before = given.outcome, given.steps, given.unsure
        self._from_scratch(words, bitten)
        given.end()
        if given.outcome == UNKNOWN or before != (given.outcome, given.steps, given.unsure):
            self._changed = not given.note(given.steps, given.unsure)

    def _from_scratch(self, words, bitten):
        given = self.given
        counted, ahead, check = words
        if check != (counted ^ ahead ^ _MAGIC) & _MASK or ahead >> 19 & 255 != given.number & 255:
            return
        given.outcome = ahead >> 27
        counted -= _HALF_STEPS
        more = (ahead & 0x3FFFF) - _HALF_AHEAD
        if bitten and not ahead & _LATE:
            given.steps, given.unsure = counted + more, 0
        else:
            given.steps, given.unsure = min(counted, counted + more), abs(more)

    # ---- while it runs ----

    def begin(self, therapy, drug):
        """Before the motor turns for a new therapy. Raises OSError: it cannot be kept."""
        given = self.given
        self._live = False
        given.order(therapy, drug, self._app.profile["mechanics"]["step_pl"])
        self._open_entry(0, _top_of(therapy))
        given.outcome, given.seen, self._live = INFUSING, False, True

    def opens(self, more_ul_h=0):
        """Before the motor turns again, or turns faster by so much. Raises OSError: it cannot be kept."""
        if self._live:
            self._changed = True
            delivery = self._app.delivery
            top_ul_h = max(_top_of(self._app.infusion()), delivery.rate_ul_h) + more_ul_h
            if not self._open or (top_ul_h > self._top_ul_h and self.given.unsure != NO_BOUND):
                self._open_entry(delivery.net_steps(), top_ul_h)

    def state(self, old, new, event):
        """The supervisor's has changed. Allocates nothing."""
        given = self.given
        was_live = self._live
        if was_live:
            if new == sv.INFUSING:
                given.outcome, given.seen = INFUSING, False
            elif new == sv.PAUSED:
                given.outcome = PAUSED
            elif old == sv.INFUSING or old == sv.PAUSED:
                given.outcome = self._end(new, event)
            self.granted(True)
        if new == sv.SELF_TEST and was_live:
            delivery = self._app.delivery
            given.steps = delivery.net_steps()
            given.unsure = delivery.commanded_steps - delivery.counted_steps()
            self._live = False
        over = new == sv.SELF_TEST or new == sv.SERVICE or (new == sv.IDLE and not self._app.alarms.stops_delivery())
        if was_live or (over and not given.seen):
            self._changed = True
            self._app.wake(self)
        if over:
            given.seen = True

    def _end(self, new, event):
        if new == sv.IDLE:
            whole = event == sv.COMPLETED or self._app.infusion().all_made(self._app.delivery.net_steps())
            return COMPLETE if whole else STOPPED
        return STOPPED if event == sv.RESET_ASKED else ALARMED

    def granted(self, done):
        """The delivery is about to grant motion or to take it back, or has: what a reset would leave is written down.
        In between it leaves nothing.
        """
        if not self._live:
            return
        if not done:
            self._mem32[_CHECK] = 0
            return
        delivery, given = self._app.delivery, self.given
        counted = delivery.net_steps()
        ahead = delivery.commanded_steps - delivery.counted_steps()
        if delivery.back:
            ahead = -ahead
        first = counted + _HALF_STEPS & _MASK
        second = ahead + _HALF_AHEAD & 0x3FFFF | (given.number & 255) << 19 | given.outcome << 27
        if elapsed_ms(time.ticks_ms(), self._app.scheduler.fed_ms) > _ALIVE_MS:
            second |= _LATE
        self._mem32[_COUNTED] = first
        self._mem32[_AHEAD] = second
        self._mem32[_CHECK] = (first ^ second ^ _MAGIC) & _MASK

    def run(self, now_ms):
        given = self.given
        if self._live:
            self._look(now_ms)
        elif self._changed and given.outcome:
            self._changed = not given.note(given.steps, given.unsure)
        return _LOOK_MS

    def _look(self, now_ms):
        delivery, given = self._app.delivery, self.given
        way = _BACK if self._app.relief.busy else _FORWARD if delivery.moving else _SHUT
        steps = delivery.net_steps()
        if not self._changed and way == self._open:
            given_nl = given.nl(abs(steps - given.steps))
            if not way or given_nl < _CHECK_NL or elapsed_ms(now_ms, self._noted_ms) < _CHECK_MS:
                return
        therapy = self._app.infusion()
        given.basal_ul_h = therapy.segments.rate_ul_h
        least, unsure = steps, 0
        if way and given.is_short():
            unsure = NO_BOUND
        elif way == _FORWARD:
            unsure = self._bound(max(_top_of(therapy), delivery.rate_ul_h))
        elif way:
            unsure = self._bound(self._app.profile["occlusion"]["retract_ul_h"])
            least = steps - unsure
        if unsure == NO_BOUND == given.unsure or given.note(least, unsure):
            given.steps = steps
            self._open, self._changed, self._noted_ms = way, False, now_ms

    def settle(self):
        """The pump ends: the motor is halted, and every step that was made is counted."""
        if self._live:
            self._app.delivery.halt()

    def _open_entry(self, steps, top_ul_h):
        try:
            self.given.open(steps, self._bound(top_ul_h))
        finally:
            self._app.stalled()
        self.given.steps, self._open = steps, _FORWARD
        self._noted_ms = time.ticks_ms()

    def _bound(self, top_ul_h):
        """Steps that may be made beyond an entry, at that rate in 2 s."""
        self._top_ul_h = top_ul_h
        return steps_of(_CHECK_NL + volume_nl(top_ul_h, 2), self.given.step_pl) + 2

    # ---- for the link ----

    def tell(self):
        """The therapy that runs, or ran last."""
        app = self._app
        told = self.given.tell()
        if self._live:
            therapy = app.infusion()
            told["rate_ul_h"], told["regimen"] = therapy.segments.rate_ul_h, therapy.regimen
            told["drug"] = app.pharmacy.drug()
            told["delivered_nl"], told["unsure_nl"] = app.delivery.delivered_nl(), 0
        elif self.given.outcome:
            self.given.tell_kept(told)
        if told["regimen"] is not None:
            told["vtbi_nl"] = told["regimen"].get("vtbi_nl")
        return told


def _top_of(therapy):
    """The highest rate that it may have, as it stands."""
    top_ul_h = 0
    for segment in therapy.regimen["segments"]:
        top_ul_h = max(top_ul_h, segment[0], segment[1])
    if "bolus" in therapy.regimen:
        top_ul_h += therapy.regimen["bolus"]["rate_ul_h"]
    return top_ul_h + (therapy.square.rate_ul_h if therapy.square.left_ticks else 0)
