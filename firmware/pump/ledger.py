"""How much was given: kept so that a reset by the watchdog loses no step, and a power cut a small, stated volume.

    record `therapy`        what was ordered; written before the motor turns
    journal, ring `volume`  steps given: at every change, and after every 20 µL, once a second at most
    scratch 1 to 3          steps counted and steps granted beyond them, at every grant: a reset leaves them

An entry says how many steps were made at least, and how many more may have been by the time that the next entry is in
the flash: those of 20 µL, and of 2 s at the highest rate that the therapy may have. It is in the flash before the motor
turns, or may turn faster; so after a power cut what was given lies within the newest entry.

After a bite of the watchdog all that was granted has been made: it bites 2 s after the last turn of the loop, motion is
granted for half a second. Only when the loop was late but alive up to the bite may the last grant have been cut: then
what lies between is unsure.

    entry: code: number of the therapy (8 bits), 8: a person has seen its end, outcome
           a: steps, the least; b: how many more at most (24 bits, all of them: nobody knows), basal rate
"""

import json
import struct
import time

from micropython import const

from pump.core import supervisor as sv
from pump.core.ticks import elapsed_ms
from pump.storage.journal import VOLUME
from pump.storage.record import RecordFault
from pump.storage.ring import BODY, BODY_BYTES

OUTCOMES = ("none", "infusing", "paused", "stopped", "complete", "alarm_stopped", "interrupted", "unknown")
_NONE = const(0)
_INFUSING = const(1)
_PAUSED = const(2)
_STOPPED = const(3)
_COMPLETE = const(4)
_ALARMED = const(5)
_INTERRUPTED = const(6)
_UNKNOWN = const(7)

_CHECK_NL = const(20_000)
_CHECK_MS = const(1000)
_LOOK_MS = const(100)
_RING = const(2)
_RESERVE = const(8)  # slots that are kept for changes while no erase can be covered
_NO_BOUND = const(0xFFFFFF)
_SEEN = const(8)
_VERSION = const(1)
_MAX_BYTES = const(1024)
_ENOSPC = const(28)

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
        self._record = app.shelf.record("therapy", _VERSION, _MAX_BYTES)
        self._number = 0
        self._step_pl = (1, 1)  # when it was ordered
        self._outcome = _NONE
        self.seen = True  # by a person: that it is over
        self._steps = 0  # as noted last
        self._unsure = 0  # so many more at most; _NO_BOUND
        self._basal_ul_h = 0
        self._top_ul_h = 0  # that the newest entry allows for
        self._live = False  # the delivery's account is this therapy's
        self._open = False  # as noted: the motor may move
        self._changed = False
        self._noted_ms = 0

    # ---- at boot ----

    def recall(self, bitten, trouble):
        """What the last boot was doing. `bitten`: by the watchdog, in the midst of it; `trouble`: entries were lost."""
        words = self._mem32[_COUNTED], self._mem32[_AHEAD], self._mem32[_CHECK]
        self._mem32[_CHECK] = 0
        entry = self._newest()
        ordered = None
        try:
            ordered = self._ordered()
            outcome = _NONE
        except (RecordFault, ValueError):
            outcome = _UNKNOWN
        if ordered is None:
            if entry is not None:
                self._number = entry[0]
                self.seen = outcome == _NONE or entry[1]
            self._outcome, self._unsure = outcome, _NO_BOUND
            return
        self._number, self._step_pl = ordered["number"], ordered["step_pl"]
        low = self._number & 255
        if entry is not None and entry[0] == low:
            _, self.seen, self._outcome, self._steps, self._unsure, self._basal_ul_h = entry
        elif trouble or not ordered["kept"] or (self._number != 1 if entry is None else entry[0] != low - 1 & 255):
            self._outcome, self._unsure, self.seen = _UNKNOWN, _NO_BOUND, False
        else:
            self._outcome = _STOPPED  # the power went before the motor turned
        before = self._outcome, self._steps, self._unsure
        self._from_scratch(words, bitten)
        if self._outcome in (_INFUSING, _PAUSED) or (self._outcome == _COMPLETE and self._unsure):
            self._outcome, self.seen = _INTERRUPTED, False
        if before != (self._outcome, self._steps, self._unsure):
            self._note(self._steps, self._unsure)

    def _ordered(self):
        """The record, or None. Raises RecordFault, ValueError."""
        found = self._record.load()
        return None if found is None else json.loads(found[1])

    def _newest(self):
        """(number, seen, outcome, steps, unsure, rate) of the newest entry, or None."""
        rings = self._app.journal.rings
        if not rings:
            return None
        values = struct.unpack(BODY, rings[_RING].last[:BODY_BYTES])
        if values[5] != VOLUME:
            return None
        code, b = values[7], values[9] << 16 | values[8]
        return code >> 8, bool(code & _SEEN), code & 7, values[10], b & _NO_BOUND, b >> 24

    def _from_scratch(self, words, bitten):
        counted, ahead, check = words
        if check != (counted ^ ahead ^ _MAGIC) & _MASK or ahead >> 19 & 255 != self._number & 255:
            return
        self._outcome = ahead >> 27
        counted -= _HALF_STEPS
        more = (ahead & 0x3FFFF) - _HALF_AHEAD
        if bitten and not ahead & _LATE:
            self._steps, self._unsure = counted + more, 0
        else:
            self._steps, self._unsure = min(counted, counted + more), abs(more)

    # ---- while it runs ----

    def begin(self, therapy, drug):
        """Before the motor turns for a new therapy. Raises OSError: it cannot be kept."""
        app = self._app
        number = self._number % _MASK + 1
        step_pl = app.profile["mechanics"]["step_pl"]
        kept = 1 if app.journal.rings else 0
        ordered = {"number": number, "step_pl": step_pl, "kept": kept, "drug": drug, "regimen": therapy.regimen}
        self._record.store(json.dumps(ordered).encode())
        app.stalled()
        self._number, self._step_pl = number, step_pl
        self._outcome, self.seen, self._live = _STOPPED, True, False
        self._steps = self._unsure = 0
        self._basal_ul_h = therapy.course.rate_ul_h
        self._open_entry(0, _top_of(therapy))
        self._outcome, self.seen, self._live = _INFUSING, False, True

    def opens(self, more_ul_h=0):
        """Before the motor turns again, or turns faster by so much. Raises OSError: it cannot be kept."""
        if self._live:
            self._changed = True
            top_ul_h = max(_top_of(self._app.infusion()), self._app.delivery.rate_ul_h) + more_ul_h
            if not self._open or top_ul_h > self._top_ul_h:
                self._open_entry(self._app.delivery.net_steps(), top_ul_h)

    def state(self, old, new, event):
        """The supervisor's has changed. Allocates nothing."""
        was_given = old == sv.INFUSING or old == sv.PAUSED
        if self._live:
            if new == sv.INFUSING:
                self._outcome, self.seen = _INFUSING, False
            elif new == sv.PAUSED:
                self._outcome = _PAUSED
            elif was_given:
                self._outcome = self._end(new, event)
            self.granted(True)
        if new == sv.SELF_TEST and self._live:
            delivery = self._app.delivery
            self._steps = delivery.net_steps()
            self._unsure = delivery.commanded_steps - delivery.counted_steps()
            self._live = False
            self._changed = True
        over = new == sv.SELF_TEST or new == sv.SERVICE or (new == sv.IDLE and not self._app.alarms.stops_delivery())
        if self._live or (over and not self.seen):
            self._changed = True
            self._app.wake(self)
        if over:
            self.seen = True

    def _end(self, new, event):
        if new == sv.IDLE:
            therapy = self._app.infusion()
            whole = event == sv.COMPLETED or therapy.all_made(self._app.delivery.net_steps())
            return _COMPLETE if whole else _STOPPED
        return _STOPPED if event == sv.RESET_ASKED else _ALARMED

    def granted(self, done):
        """The delivery is about to grant motion or to take it back, or has: what a reset would leave is written down.
        In between it leaves nothing.
        """
        if not self._live:
            return
        if not done:
            self._mem32[_CHECK] = 0
            return
        delivery = self._app.delivery
        counted = delivery.net_steps()
        ahead = delivery.commanded_steps - delivery.counted_steps()
        if delivery.back:
            ahead = -ahead
        first = counted + _HALF_STEPS & _MASK
        second = ahead + _HALF_AHEAD & 0x3FFFF | (self._number & 255) << 19 | self._outcome << 27
        if elapsed_ms(time.ticks_ms(), self._app.scheduler.fed_ms) > _ALIVE_MS:
            second |= _LATE
        self._mem32[_COUNTED] = first
        self._mem32[_AHEAD] = second
        self._mem32[_CHECK] = (first ^ second ^ _MAGIC) & _MASK

    def run(self, now_ms):
        if self._live:
            self._look(now_ms)
        elif self._changed and self._outcome:
            self._changed = not self._note(self._steps, self._unsure)
        return _LOOK_MS

    def _look(self, now_ms):
        delivery = self._app.delivery
        back = self._app.relief.busy
        is_open = delivery.moving or back
        steps = delivery.net_steps()
        if not self._changed and is_open is self._open:
            given_nl = self._nl(abs(steps - self._steps))
            if not is_open or given_nl < _CHECK_NL or elapsed_ms(now_ms, self._noted_ms) < _CHECK_MS:
                return
        therapy = self._app.infusion()
        self._basal_ul_h = therapy.course.rate_ul_h
        unsure = 0
        if back:
            unsure = self._bound(self._app.profile["occlusion"]["retract_ul_h"])
        elif is_open:
            unsure = self._bound(max(_top_of(therapy), delivery.rate_ul_h))
        if self._note(steps - unsure if back else steps, unsure):
            self._steps = steps
            self._open, self._changed = is_open, False

    def settle(self):
        """The pump ends: the motor is halted, and every step that was made is counted."""
        if self._live:
            self._app.delivery.halt()

    def _open_entry(self, steps, top_ul_h):
        journal = self._app.journal
        if not journal.rings or (self._unsure == _NO_BOUND and self._live):
            return
        journal.flush()
        outcome, seen = self._outcome, self.seen
        self._outcome, self.seen = _INFUSING, False
        taken = self._note(steps, self._bound(top_ul_h))
        self._outcome, self.seen = outcome, seen
        if taken:
            journal.flush()
        if not taken or journal.waiting:
            raise OSError(_ENOSPC)
        self._open, self._steps = True, steps

    def _bound(self, top_ul_h):
        """Steps that may be made beyond an entry, at that rate: µL/h * 2 s are 5/9 nL."""
        self._top_ul_h = top_ul_h
        num, den = self._step_pl
        return (_CHECK_NL + top_ul_h * 5 // 9) * 1000 * den // num + 2

    def _note(self, steps, unsure):
        """False: the journal has no place now."""
        rings = self._app.journal.rings
        if not rings:
            return True
        room = rings[_RING].room()
        if room <= _RESERVE and unsure:
            if self._unsure == _NO_BOUND:
                return True  # the newest entry says that nobody knows
            unsure = _NO_BOUND
        code = (self._number & 255) << 8 | (_SEEN if self.seen else 0) | self._outcome
        if not room or not self._app.journal.note(VOLUME, code, steps, self._basal_ul_h << 24 | unsure):
            return False
        self._unsure = unsure
        self._noted_ms = time.ticks_ms()
        return True

    # ---- for the link ----

    def _nl(self, steps):
        return steps * self._step_pl[0] // (self._step_pl[1] * 1000)

    def tell(self):
        """The therapy that runs, or ran last."""
        told = {"outcome": OUTCOMES[self._outcome], "number": self._number, "seen": self.seen}
        told.update(dict.fromkeys(("rate_ul_h", "vtbi_nl", "drug", "regimen", "delivered_nl", "unsure_nl")))
        if self._live:
            therapy = self._app.infusion()
            told["rate_ul_h"], told["regimen"] = therapy.course.rate_ul_h, therapy.regimen
            told["drug"] = self._app.pharmacy.drug()
            told["delivered_nl"], told["unsure_nl"] = self._app.delivery.delivered_nl(), 0
        elif self._outcome:
            self._tell_kept(told)
        if told["regimen"] is not None:
            told["vtbi_nl"] = told["regimen"].get("vtbi_nl")
        return told

    def _tell_kept(self, told):
        try:
            ordered = self._ordered()
        except (RecordFault, ValueError):
            return
        if ordered is None:
            return
        told["rate_ul_h"], told["regimen"], told["drug"] = self._basal_ul_h, ordered["regimen"], ordered["drug"]
        if self._unsure != _NO_BOUND:
            told["delivered_nl"] = max(0, self._nl(self._steps))
            told["unsure_nl"] = self._nl(self._unsure) + 2 if self._unsure else 0


def _top_of(therapy):
    """The highest rate that it may have, as it stands."""
    top_ul_h = 0
    for segment in therapy.regimen["segments"]:
        top_ul_h = max(top_ul_h, segment[0], segment[1])
    if "bolus" in therapy.regimen:
        top_ul_h += therapy.regimen["bolus"]["rate_ul_h"]
    return top_ul_h + (therapy.square.rate_ul_h if therapy.square.left else 0)
