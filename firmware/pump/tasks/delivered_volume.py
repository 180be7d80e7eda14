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
from pump.storage.last_therapy import (
    NO_BOUND,
    OUTCOME_ALARMED,
    OUTCOME_COMPLETE,
    OUTCOME_INFUSING,
    OUTCOME_PAUSED,
    OUTCOME_STOPPED,
    OUTCOME_UNKNOWN,
    LastTherapy,
)

_CHECK_NL = const(20_000)
_CHECK_MS = const(1000)
_LOOK_MS = const(100)

_SHUT = const(0)
_FORWARD = const(1)
_BACK = const(2)

_ALIVE_MS = const(1400)  # unfed for so long, a loop may be bitten while granted motion is not over
_COUNTED = const(1)  # of the scratch registers
_AHEAD = const(2)
_CHECK = const(3)
_MAGIC = const(0x15A5A5A5)
_MASK = const(0x3FFFFFFF)  # words that are small ints on the Pico
_HALF_STEPS = const(0x20000000)
_HALF_AHEAD = const(0x20000)
_LATE = const(0x40000)


class Ledger:
    name = "ledger"
    max_late_ms = 1000

    def __init__(self, app, scratch):
        self._app = app
        self._scratch = scratch
        self.last = LastTherapy(app.store, app.journal)
        self._top_ul_h = 0  # that the newest entry allows for
        self._live = False  # the delivery's account is this therapy's
        self._open = _SHUT  # as noted: where the motor may move
        self._changed = False
        self._noted_ms = 0

    # ---- at boot ----

    def recall(self, bitten, trouble):
        """What the last boot was doing. `bitten`: by the watchdog, in the midst of it; `trouble`: entries were lost."""
        last = self.last
        words = self._scratch[_COUNTED], self._scratch[_AHEAD], self._scratch[_CHECK]
        self._scratch[_CHECK] = 0
        last.recall(trouble)
        before = last.outcome, last.steps, last.unsure
        self._from_scratch(words, bitten)
        last.end()
        if last.outcome == OUTCOME_UNKNOWN or before != (last.outcome, last.steps, last.unsure):
            self._changed = not last.note(last.steps, last.unsure)

    def _from_scratch(self, words, bitten):
        last = self.last
        counted, ahead, check = words
        if check != (counted ^ ahead ^ _MAGIC) & _MASK or ahead >> 19 & 255 != last.number & 255:
            return
        last.outcome = ahead >> 27
        counted -= _HALF_STEPS
        more = (ahead & 0x3FFFF) - _HALF_AHEAD
        if bitten and not ahead & _LATE:
            last.steps, last.unsure = counted + more, 0
        else:
            last.steps, last.unsure = min(counted, counted + more), abs(more)

    # ---- while it runs ----

    def begin(self, therapy, drug):
        """Before the motor turns for a new therapy. Raises OSError: it cannot be kept."""
        last = self.last
        self._live = False
        last.order(therapy, drug, self._app.profile["mechanics"]["step_pl"])
        self._open_entry(0, _top_of(therapy))
        last.outcome, last.seen, self._live = OUTCOME_INFUSING, False, True

    def opens(self, more_ul_h=0):
        """Before the motor turns again, or turns faster by so much. Raises OSError: it cannot be kept."""
        if self._live:
            self._changed = True
            delivery = self._app.delivery
            top_ul_h = max(_top_of(self._app.infusion()), delivery.rate_ul_h) + more_ul_h
            if not self._open or (top_ul_h > self._top_ul_h and self.last.unsure != NO_BOUND):
                self._open_entry(delivery.net_steps(), top_ul_h)

    def state(self, old, new, event):
        """The supervisor's has changed. Allocates nothing."""
        last = self.last
        was_live = self._live
        if was_live:
            if new == sv.INFUSING:
                last.outcome, last.seen = OUTCOME_INFUSING, False
            elif new == sv.PAUSED:
                last.outcome = OUTCOME_PAUSED
            elif old == sv.INFUSING or old == sv.PAUSED:
                last.outcome = self._end(new, event)
            self.granted(True)
        if new == sv.SELF_TEST and was_live:
            delivery = self._app.delivery
            last.steps = delivery.net_steps()
            last.unsure = delivery.commanded_steps - delivery.counted_steps()
            self._live = False
        over = new == sv.SELF_TEST or new == sv.SERVICE or (new == sv.IDLE and not self._app.alarms.stops_delivery())
        if was_live or (over and not last.seen):
            self._changed = True
            self._app.wake(self)
        if over:
            last.seen = True

    def _end(self, new, event):
        if new == sv.IDLE:
            whole = event == sv.COMPLETED or self._app.infusion().all_made(self._app.delivery.net_steps())
            return OUTCOME_COMPLETE if whole else OUTCOME_STOPPED
        return OUTCOME_STOPPED if event == sv.RESET_ASKED else OUTCOME_ALARMED

    def granted(self, done):
        """The delivery is about to grant motion or to take it back, or has: what a reset would leave is written down.
        In between it leaves nothing.
        """
        if not self._live:
            return
        if not done:
            self._scratch[_CHECK] = 0
            return
        delivery, last = self._app.delivery, self.last
        counted = delivery.net_steps()
        ahead = delivery.commanded_steps - delivery.counted_steps()
        if delivery.back:
            ahead = -ahead
        first = counted + _HALF_STEPS & _MASK
        second = ahead + _HALF_AHEAD & 0x3FFFF | (last.number & 255) << 19 | last.outcome << 27
        if elapsed_ms(time.ticks_ms(), self._app.scheduler.fed_ms) > _ALIVE_MS:
            second |= _LATE
        self._scratch[_COUNTED] = first
        self._scratch[_AHEAD] = second
        self._scratch[_CHECK] = (first ^ second ^ _MAGIC) & _MASK

    def run(self, now_ms):
        last = self.last
        if self._live:
            self._look(now_ms)
        elif self._changed and last.outcome:
            self._changed = not last.note(last.steps, last.unsure)
        return _LOOK_MS

    def _look(self, now_ms):
        delivery, last = self._app.delivery, self.last
        way = _BACK if self._app.relief.busy else _FORWARD if delivery.moving else _SHUT
        steps = delivery.net_steps()
        if not self._changed and way == self._open:
            given_nl = last.nl(abs(steps - last.steps))
            if not way or given_nl < _CHECK_NL or elapsed_ms(now_ms, self._noted_ms) < _CHECK_MS:
                return
        therapy = self._app.infusion()
        last.basal_ul_h = therapy.segments.rate_ul_h
        least, unsure = steps, 0
        if way and last.is_short():
            unsure = NO_BOUND
        elif way == _FORWARD:
            unsure = self._bound(max(_top_of(therapy), delivery.rate_ul_h))
        elif way:
            unsure = self._bound(self._app.profile["occlusion"]["retract_ul_h"])
            least = steps - unsure
        if unsure == NO_BOUND == last.unsure or last.note(least, unsure):
            last.steps = steps
            self._open, self._changed, self._noted_ms = way, False, now_ms

    def settle(self):
        """The pump ends: the motor is halted, and every step that was made is counted."""
        if self._live:
            self._app.delivery.halt()

    def _open_entry(self, steps, top_ul_h):
        try:
            self.last.open(steps, self._bound(top_ul_h))
        finally:
            self._app.stalled()
        self.last.steps, self._open = steps, _FORWARD
        self._noted_ms = time.ticks_ms()

    def _bound(self, top_ul_h):
        """Steps that may be made beyond an entry, at that rate in 2 s."""
        self._top_ul_h = top_ul_h
        return steps_of(_CHECK_NL + volume_nl(top_ul_h, 2), self.last.step_pl) + 2

    # ---- for the link ----

    def tell(self):
        """The therapy that runs, or ran last."""
        app = self._app
        told = self.last.to_dict()
        if self._live:
            therapy = app.infusion()
            told["rate_ul_h"], told["regimen"] = therapy.segments.rate_ul_h, therapy.regimen
            told["drug"] = app.pharmacy.drug()
            told["delivered_nl"], told["unsure_nl"] = app.delivery.delivered_nl(), 0
        elif self.last.outcome:
            self.last.add_kept(told)
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
