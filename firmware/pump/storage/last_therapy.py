"""The last therapy and its delivered volume: the record `therapy`, and the ring `volume` of the journal.

An entry holds the steps made at least, and how many more may be made until the next entry is in the flash. So after a
power cut the delivered volume lies within the bounds of the newest entry.

    entry: code: number of the therapy (8 bits), 8: a person has seen its end, outcome
           a: steps, the least; b: how many more at most (24 bits, all ones: unknown), basal rate
"""

import json
import struct

from micropython import const

from pump.core.units import nl_of
from pump.storage.journal import ENTRY_VOLUME
from pump.storage.record import RecordFault
from pump.storage.ring import BODY, BODY_BYTES

OUTCOMES = ("none", "infusing", "paused", "stopped", "complete", "alarm_stopped", "interrupted", "unknown")
_OUTCOME_NONE = const(0)
OUTCOME_INFUSING = const(1)
OUTCOME_PAUSED = const(2)
OUTCOME_STOPPED = const(3)
OUTCOME_COMPLETE = const(4)
OUTCOME_ALARMED = const(5)
_OUTCOME_INTERRUPTED = const(6)
OUTCOME_UNKNOWN = const(7)

NO_BOUND = const(0xFFFFFF)
_RING = const(2)
_RESERVE = const(8)  # slots that are kept for changes while no erase can be covered
_SEEN = const(8)
_VERSION = const(1)
_MAX_BYTES = const(1024)
_NUMBERS = const(0x3FFFFFFF)
_ENOSPC = const(28)


class LastTherapy:
    """What is kept of the therapy that was ordered last."""

    def __init__(self, store, journal):
        self._journal = journal
        self._record = store.record("therapy", _VERSION, _MAX_BYTES)
        self.number = 0
        self.step_pl = (1, 1)  # when it was ordered
        self.outcome = _OUTCOME_NONE
        self.seen = True  # by a person: that it is over
        self.steps = 0  # as noted last
        self.unsure = 0  # so many more at most; NO_BOUND: unknown
        self.basal_ul_h = 0
        self.lost = False  # no copy of the record is readable

    # ---- at boot ----

    def recall(self, trouble):
        """Loads the newest entry and the record. `trouble`: entries of the journal were lost."""
        entry = self._newest()
        ordered = None
        try:
            ordered = self._ordered()
            self.outcome = _OUTCOME_NONE
        except (RecordFault, ValueError):
            self.outcome, self.lost = OUTCOME_UNKNOWN, True
        if ordered is None:
            self.unsure = NO_BOUND
            if entry is not None:
                self.number = entry[0]
                self.seen = self.outcome == _OUTCOME_NONE or entry[1]
            return
        self.number, self.step_pl = ordered["number"], ordered["step_pl"]
        low = self.number & 255
        if entry is not None and entry[0] == low:
            _, self.seen, self.outcome, self.steps, self.unsure, self.basal_ul_h = entry
        elif trouble or not ordered["kept"] or (self.number != 1 if entry is None else entry[0] != low - 1 & 255):
            self.outcome, self.unsure, self.seen = OUTCOME_UNKNOWN, NO_BOUND, False
        else:
            self.outcome = OUTCOME_STOPPED  # the power failed before the motor turned

    def end(self):
        """At boot: a therapy that was under way was interrupted."""
        if self.outcome in (OUTCOME_INFUSING, OUTCOME_PAUSED) or (self.outcome == OUTCOME_COMPLETE and self.unsure):
            self.outcome, self.seen = _OUTCOME_INTERRUPTED, False

    def _ordered(self):
        """The record, or None. Raises RecordFault, ValueError."""
        found = self._record.load()
        return None if found is None else json.loads(found[1])

    def _newest(self):
        """(number, seen, outcome, steps, unsure, rate) of the newest entry, or None."""
        rings = self._journal.rings
        if not rings:
            return None
        values = struct.unpack(BODY, rings[_RING].last[:BODY_BYTES])
        if values[5] != ENTRY_VOLUME:
            return None
        code, b = values[7], values[9] << 16 | values[8]
        return code >> 8, bool(code & _SEEN), code & 7, values[10], b & NO_BOUND, b >> 24

    # ---- while it runs ----

    def order(self, therapy, drug, step_pl):
        """Starts the account of a new therapy. Raises OSError."""
        number = self.number % _NUMBERS + 1
        kept = 1 if self._journal.rings else 0
        ordered = {"number": number, "step_pl": step_pl, "kept": kept, "drug": drug, "regimen": therapy.regimen}
        self._record.store(json.dumps(ordered).encode())
        self.number, self.step_pl = number, step_pl
        self.outcome, self.seen = OUTCOME_STOPPED, True
        self.steps = self.unsure = 0
        self.basal_ul_h = therapy.segments.rate_ul_h

    def note(self, steps, unsure):
        """Queues an entry in the journal. False: the ring has no room now."""
        rings = self._journal.rings
        if not rings:
            return True
        code = (self.number & 255) << 8 | (_SEEN if self.seen else 0) | self.outcome
        if not rings[_RING].room() or not self._journal.note(ENTRY_VOLUME, code, steps, self.basal_ul_h << 24 | unsure):
            return False
        self.unsure = unsure
        return True

    def is_short(self):
        """The ring has few slots left: they are kept for changes until a sector can be erased."""
        rings = self._journal.rings
        return bool(rings) and rings[_RING].room() <= _RESERVE

    def open(self, steps, unsure):
        """Writes an entry into the flash before the motor turns, or turns faster. Raises OSError."""
        journal = self._journal
        if not journal.rings:
            return
        journal.flush()
        outcome, seen = self.outcome, self.seen
        self.outcome, self.seen = OUTCOME_INFUSING, False
        taken = self.note(steps, unsure)
        self.outcome, self.seen = outcome, seen
        if taken:
            journal.flush()
        if not taken or journal.waiting:
            raise OSError(_ENOSPC)

    # ---- for the link ----

    def nl(self, steps):
        """nL of steps, as a step was when the therapy was ordered."""
        return nl_of(steps, self.step_pl)

    def to_dict(self):
        """For the link; what is unknown is None."""
        report = {"outcome": OUTCOMES[self.outcome], "number": self.number, "seen": self.seen}
        report.update(dict.fromkeys(("rate_ul_h", "vtbi_nl", "drug", "regimen", "delivered_nl", "unsure_nl")))
        return report

    def add_kept(self, report):
        """Adds to a report what the record and the newest entry hold of a therapy that has ended."""
        try:
            ordered = self._ordered()
        except (RecordFault, ValueError):
            return
        if ordered is None:
            return
        report["rate_ul_h"], report["regimen"], report["drug"] = self.basal_ul_h, ordered["regimen"], ordered["drug"]
        if self.unsure != NO_BOUND:
            report["delivered_nl"] = max(0, self.nl(self.steps))
            report["unsure_nl"] = self.nl(self.unsure) + 2 if self.unsure else 0
