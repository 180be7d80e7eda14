"""The alarm manager: which alarms are active, which of them owns sound and lamps, and what a person did about them.

It holds one fixed row for each alarm of the table, so raising one needs no memory. It decides nothing about the motor
(the supervisor does, and asks `stops_delivery`) and makes no sound (the annunciator does, and asks `highest` and
`silenced`).

A person can do three things, and they are not the same:
- *acknowledge*: "I have seen these and I am here". Each alarm that is active is marked, and will not escalate. The
sound
  goes on: GIP 3.1 wants no alarm silent for longer than 2 min, so there is no way to silence one for as long as it
  lasts.
- *silence*: audio pause, 2 min. It comes back by itself, and a higher alarm breaks through. It postpones escalation
by as
  much, because a person was present; it marks nothing as seen, because silencing is not reading.
- *clear*: ends what only its latch holds. What is present stays.

A MEDIUM alarm that is neither acknowledged nor silenced for `escalate_ms` becomes HIGH: sound, lamp, order and what is
reported to the host. It is MEDIUM again when a person acknowledges, silences or clears.
"""

from micropython import const

from pump.core.alarms.table import ALARMS, HIGH, KEEPS_VEIN_OPEN, LATCHES, MEDIUM, PASSES, PRIORITIES, STOPS_DELIVERY
from pump.core.units import MASK, elapsed_ms, later

# Audio pause: GIP, Dräger and Baxter say 2 min at most, with reactivation by itself; Open PCA says 10. A
# stopped opioid or vasopressor is felt within minutes, so 2.
_AUDIO_PAUSE_MS = const(120_000)

# Without a profile: as long as an audio pause, in which a person in reach has had the time to react.
ESCALATE_MS = const(120_000)


class Alarm:
    """One row of the table with its state. Read it; only the manager writes it."""

    def __init__(self, row):
        self.name, self.priority, self.effect, self.latching = row
        self.active = False  # shown
        self.present = False  # its condition holds
        self.acknowledged = False  # a person has said that it was seen
        self.escalated = False  # its priority is HIGH because no person reacted
        self.raised_seq = 0  # `seq` when it became active: age, without times that wrap
        self.unattended_ms = 0  # the tick since which no person has reacted; in the future during an audio pause

    def is_latched(self):
        """Held by its latch alone: a clear, or the reset, ends it."""
        return self.active and not self.present


class AlarmManager:
    """The state of every alarm of the table, and which one owns sound and lamps."""

    def __init__(self, notify, escalate_ms=ESCALATE_MS):
        """`notify(name, priority_name, active, seq, now_ms)` is called each time an alarm becomes active or
        inactive, or changes its priority."""
        self._notify = notify
        self._escalate_ms = escalate_ms
        self._alarms = tuple([Alarm(row) for row in ALARMS])
        self._by_name = {alarm.name: alarm for alarm in self._alarms}
        self._owner = None  # highest active alarm, older first; every change of an alarm keeps it
        self._stopping = 0  # active alarms that stop delivery
        self._keeping_open = 0  # that let no more flow than keeps the vein open
        self._paused_at_ms = 0
        self.silenced = False  # audio pause; ended by tick, a higher alarm, or the last alarm's end
        self.seq = 0  # counts changes; a listener that gets only the newest sees the gap

    # ---- what happens ----

    def raise_alarm(self, name, now_ms):
        """The condition holds. May be called repeatedly; only the first call changes anything.
        Allocates nothing."""
        alarm = self._by_name[name]
        if alarm.present:
            return
        alarm.present = True
        self._end_escalation(alarm, now_ms)  # it happens anew: what was seen and done was about the last time
        alarm.acknowledged = False
        if not alarm.active:
            self._show(alarm, now_ms)  # else it is still held by its latch: nothing new to tell
        alarm.unattended_ms = later(now_ms, self.silenced_ms(now_ms))

    def condition_gone(self, name, now_ms):
        """The condition no longer holds. An alarm that latches stays active."""
        alarm = self._by_name[name]
        alarm.present = False
        if alarm.active and alarm.latching == PASSES:
            self._retire(alarm, now_ms)

    def retire(self, name, now_ms):
        """The pump itself has put right what the alarm was about."""
        alarm = self._by_name[name]
        alarm.present = False
        if alarm.active:
            self._retire(alarm, now_ms)

    def tick(self, now_ms):
        """Ends an audio pause that has lasted, and escalates. The annunciator calls it each time it runs."""
        if self._owner is None:
            return
        if self.silenced and elapsed_ms(now_ms, self._paused_at_ms) >= _AUDIO_PAUSE_MS:
            self.silenced = False
        for alarm in self._alarms:
            if alarm.active and alarm.priority == MEDIUM and not alarm.acknowledged:
                self._escalate_if_unattended(alarm, now_ms)

    # ---- what a person does ----

    def acknowledge(self, now_ms):
        """Every active alarm has been seen. Returns how many there are."""
        count = 0
        for alarm in self._alarms:
            if alarm.active:
                count += 1
                alarm.acknowledged = True
                self._end_escalation(alarm, now_ms)
        return count

    def silence(self, now_ms):
        """Audio pause. Returns the ms left of it, 0 when there is nothing to silence: a pause taken in
        advance would swallow the next alarm. Asking again during one does not prolong it, so the sound cannot be
        held off for ever."""
        if self._owner is None:
            return 0
        if not self.silenced:
            self.silenced = True
            self._paused_at_ms = now_ms
        left_ms = self.silenced_ms(now_ms)
        self._note_user_activity(later(now_ms, left_ms), now_ms)
        return left_ms

    def end_silence(self):
        """Ends an audio pause before its time: what sounded before sounds again."""
        self.silenced = False

    def clear(self, now_ms):
        """The operator's reset: ends what only its latch holds. What is present, or waits for a reset of
        the pump, stays active, but does not escalate: a person was present."""
        for alarm in self._alarms:
            if alarm.active and not alarm.present and alarm.latching == LATCHES:
                self._retire(alarm, now_ms)
        if not self.silenced:
            self._note_user_activity(now_ms, now_ms)

    # ---- what is so ----

    def silenced_ms(self, now_ms):
        """What is left of the audio pause."""
        if not self.silenced:
            return 0
        return max(0, _AUDIO_PAUSE_MS - elapsed_ms(now_ms, self._paused_at_ms))

    def highest(self):
        """The owner of sound and lamps, or None."""
        return self._owner

    def stops_delivery(self):
        """Whether an active alarm stops delivery."""
        return self._stopping > 0

    def keeps_open(self):
        """An alarm lets no more flow than keeps the vein open."""
        return self._keeping_open > 0

    def stops_beside(self, names):
        """Another alarm than these stops delivery."""
        if self._stopping:
            for alarm in self._alarms:
                if alarm.active and alarm.effect == STOPS_DELIVERY and alarm.name not in names:
                    return True
        return False

    def active(self):
        """The active alarms in order, highest and then oldest first. A new list: for the link, not for the
        loop."""
        found = []
        for alarm in self._alarms:
            if alarm.active:
                place = 0
                while place < len(found) and _before(found[place], alarm):
                    place += 1
                found.insert(place, alarm)
        return found

    # ---- inside ----

    def _note_user_activity(self, until_ms, now_ms):
        """A person is present until then: the time to escalation starts from there."""
        for alarm in self._alarms:
            if alarm.active:
                alarm.unattended_ms = until_ms
                self._end_escalation(alarm, now_ms)

    def _escalate_if_unattended(self, alarm, now_ms):
        if elapsed_ms(now_ms, alarm.unattended_ms) >= self._escalate_ms:
            alarm.escalated = True
            self._set_priority(alarm, HIGH, now_ms)

    def _end_escalation(self, alarm, now_ms):
        """Takes an escalation back."""
        if alarm.escalated:
            alarm.escalated = False
            self._set_priority(alarm, MEDIUM, now_ms)

    def _set_priority(self, alarm, priority, now_ms):
        alarm.priority = priority
        self._choose_owner()
        self._report(alarm, now_ms)

    def _show(self, alarm, now_ms):
        owner = self._owner
        alarm.active = True
        alarm.raised_seq = (self.seq + 1) & MASK  # what `_report` makes of it
        self._count_effect(alarm, 1)
        if owner is None or alarm.priority > owner.priority:
            self.silenced = False  # only a higher one breaks through an audio pause
        self._choose_owner()
        self._report(alarm, now_ms)

    def _retire(self, alarm, now_ms):
        alarm.active = False
        self._count_effect(alarm, -1)
        if alarm.escalated:
            alarm.escalated = False
            alarm.priority = MEDIUM
        self._choose_owner()
        if self._owner is None:
            self.silenced = False  # the next alarm is a new one and sounds
        self._report(alarm, now_ms)

    def _count_effect(self, alarm, change):
        if alarm.effect == STOPS_DELIVERY:
            self._stopping += change
        elif alarm.effect == KEEPS_VEIN_OPEN:
            self._keeping_open += change

    def _choose_owner(self):
        owner = None
        for other in self._alarms:
            if other.active and (owner is None or _before(other, owner)):
                owner = other
        self._owner = owner

    def _report(self, alarm, now_ms):
        self.seq = (self.seq + 1) & MASK
        self._notify(alarm.name, PRIORITIES[alarm.priority], alarm.active, self.seq, now_ms)


def _before(one, other):
    """Whether `one` owns the sound rather than `other`. HIGH by the table goes before HIGH by escalation."""
    if one.priority != other.priority:
        return one.priority > other.priority
    if one.escalated != other.escalated:
        return other.escalated
    return elapsed_ms(one.raised_seq, other.raised_seq) < 0
