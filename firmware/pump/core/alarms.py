"""Every alarm there is, and the manager that knows which of them are active.

ALARMS is the whole list: how urgent, what it does to delivery, how it ends, what to tell a person.
AlarmManager holds one fixed row for each of them, so raising an alarm needs no memory. It decides nothing
about the motor (the supervisor does, and asks `stops_delivery`) and makes no sound (the annunciator does,
and asks `highest` and `silenced`).

An alarm is *present* while its condition is, *active* while it is shown. One that passes is active while
present. One that latches stays active until a person clears it: whatever stopped delivery must not fall
silent on its own beside a pump that stands still.

Priorities follow IEC 60601-1-8's question, how bad and how soon, as secondary sources tell it.
"""

from micropython import const

from pump.core.ticks import MASK, elapsed_ms

NONE = const(0)
LOW = const(1)
MEDIUM = const(2)
HIGH = const(3)
PRIORITIES = ("none", "low", "medium", "high")

GO_ON = const(0)
KVO = const(1)  # for therapies that keep the vein open; today's only one does not
STOP = const(2)
EFFECTS = ("go_on", "kvo", "stop")

PASSES = const(0)  # ends with its condition
LATCHES = const(1)  # ends when its condition is gone and a person clears it
UNTIL_RESET = const(2)  # ends with the next reset
LATCHINGS = ("passes", "latches", "until_reset")

# Audio pause: GIP, Dräger and Baxter say 2 min at most, with reactivation by itself; Open PCA says 10. A
# stopped opioid or vasopressor is felt within minutes, so 2.
AUDIO_PAUSE_MS = const(120_000)

# name, priority, effect, latching, what a person reads, what to do
ALARMS = (
    # HIGH against Open PCA's MEDIUM. IEC 60601-2-24's accepted means is a HIGH alarm at the threshold, and
    # flow is stopped: of a short-lived drug the patient gets none from now on, and a bolus is in the line.
    ("occlusion", HIGH, STOP, LATCHES, "Line blocked: pressure above the limit, delivery stopped",
     "Find the kink, clamp or blocked catheter. Relieve the pressure away from the patient. Clear, start."),
    # A sensor that cannot be believed is a missing protection: stop. Four names, because the repair differs.
    ("sensor_open", HIGH, STOP, LATCHES, "Pressure sensor not connected, delivery stopped",
     "Check the sensor's plug and cable, clear the alarm, start again."),
    ("sensor_short", HIGH, STOP, LATCHES, "Pressure sensor shorted, delivery stopped",
     "Check the sensor's plug and cable, clear the alarm, start again."),
    ("sensor_frozen", HIGH, STOP, LATCHES, "Pressure reading does not move, delivery stopped",
     "Replace the sensor. Use another pump meanwhile."),
    ("sensor_stale", HIGH, STOP, LATCHES, "Pressure was not read in time, delivery stopped",
     "Clear the alarm and start again. If it returns, use another pump."),
    ("motor_fault", HIGH, STOP, LATCHES, "Motor does not follow, delivery stopped",
     "Compare the volume in the syringe with the volume shown. Use another pump."),
    # The step queue starved: steps come late, none is lost. GIP calls it under-infusion only below 90 % for
    # 15 min. A stop would turn a small delay into no delivery at all: MEDIUM, go on. Like an overrun it is
    # over when it is noticed: without its latch nobody would hear it.
    ("delivery_late", MEDIUM, GO_ON, LATCHES, "Delivery is behind its schedule",
     "Clear the alarm, watch the volume delivered. If it returns, use another pump."),
    ("system_fault", HIGH, STOP, UNTIL_RESET, "Pump fault, delivery stopped",
     "Use another pump. Reset this one to test it; send it to service if the fault returns."),
    ("profile_fault", HIGH, STOP, UNTIL_RESET, "No valid wiring and mechanics profile, no delivery possible",
     "Deploy the profile of this pump again."),
    # As for the profile: to go on with factor 1 would be to give another dose than yesterday, and tell nobody.
    ("calibration_fault", HIGH, STOP, UNTIL_RESET, "Calibration damaged or not for this profile, no delivery possible",
     "Use another pump. Set the calibration of this one anew (picoinfuse calibrate --factor)."),
    # HIGH, as for an occlusion: nobody asked for the stop, and the patient gets nothing. STOP bars a start
    # until somebody has seen it.
    ("interrupted", HIGH, STOP, LATCHES, "Pump restarted during an infusion, delivery stopped",
     "Look up the volume delivered before the restart. Clear the alarm, start the rest, or change the pump."),
    # MEDIUM. Pumps that fall to KVO at the end (Alaris, B. Braun) can afford to inform; this one stops,
    # nothing keeps the vein open, and a continuous drug needs its next syringe within minutes. Not HIGH:
    # the stop is the one that was ordered.
    ("infusion_complete", MEDIUM, GO_ON, LATCHES, "Infusion complete",
     "Clear the alarm. Change the syringe or disconnect the line."),
    # MEDIUM: delivery goes on from its queue; a pump that is late for good is stopped by its watchdog.
    ("task_overrun", MEDIUM, GO_ON, LATCHES, "Pump's software was late",
     "Clear the alarm. If it returns, use another pump."),
    # GIP: a reminder every 15 min while suspended. The therapy raises it; it passes with RESUME or STOP.
    ("suspended_reminder", MEDIUM, GO_ON, PASSES, "Infusion is paused",
     "Resume or stop the infusion."),
)  # fmt: skip


class Alarm:
    """One row of the table with its state. Read it; only the manager writes it."""

    def __init__(self, row):
        self.name, self.priority, self.effect, self.latching = row[:4]
        self.active = False  # shown
        self.present = False  # its condition holds
        self.acknowledged = False  # somebody paused the sound while it was active
        self.born = 0  # `seq` when it became active: age, without times that wrap

    def is_latched(self):
        """Held by its latch alone: a clear, or the reset, ends it."""
        return self.active and not self.present


class AlarmManager:
    def __init__(self, notify):
        """`notify(name, priority_name, active, seq, now_ms)` is told each time an alarm becomes active or
        inactive."""
        self._notify = notify
        self._alarms = tuple([Alarm(row) for row in ALARMS])
        self._by_name = {alarm.name: alarm for alarm in self._alarms}
        self._owner = None  # highest active alarm, older first; raise and retire keep it
        self._stopping = 0  # active alarms that stop delivery
        self._paused_at_ms = 0
        self.silenced = False  # audio pause; ended by tick, a higher alarm, or the last alarm's end
        self.seq = 0  # counts changes; a listener that was given only the newest sees the gap

    def raise_alarm(self, name, now_ms):
        """The condition holds. May be called as often as one likes; only the first time changes anything.
        Allocates nothing."""
        alarm = self._by_name[name]
        if alarm.present:
            return
        alarm.present = True
        alarm.acknowledged = False
        if alarm.active:
            return  # still held by its latch: nothing new to tell
        owner = self._owner
        alarm.active = True
        if alarm.effect == STOP:
            self._stopping += 1
        if owner is None or alarm.priority > owner.priority:
            self._owner = alarm
            self.silenced = False  # only a higher one breaks through an audio pause
        self._tell(alarm, now_ms)
        alarm.born = self.seq

    def condition_gone(self, name, now_ms):
        """The condition no longer holds. An alarm that latches stays active."""
        alarm = self._by_name[name]
        alarm.present = False
        if alarm.active and alarm.latching == PASSES:
            self._retire(alarm, now_ms)

    def clear(self, now_ms):
        """The operator's reset: ends what only its latch holds. What is present, or waits for a reset of
        the pump, stays."""
        for alarm in self._alarms:
            if alarm.active and not alarm.present and alarm.latching == LATCHES:
                self._retire(alarm, now_ms)

    def silence(self, now_ms):
        """Audio pause. Returns the ms left of it, 0 when there is nothing to silence: a pause taken in
        advance would swallow the next alarm. Asking again acknowledges newer alarms and does not prolong
        the pause, so the sound cannot be held off for ever."""
        if self._owner is None:
            return 0
        for alarm in self._alarms:
            if alarm.active:
                alarm.acknowledged = True
        if not self.silenced:
            self.silenced = True
            self._paused_at_ms = now_ms
        return self.silenced_ms(now_ms)

    def silenced_ms(self, now_ms):
        """What is left of the audio pause."""
        if not self.silenced:
            return 0
        return max(0, AUDIO_PAUSE_MS - elapsed_ms(now_ms, self._paused_at_ms))

    def tick(self, now_ms):
        """Ends an audio pause that has lasted. The annunciator calls it each time it runs."""
        if self.silenced and elapsed_ms(now_ms, self._paused_at_ms) >= AUDIO_PAUSE_MS:
            self.silenced = False

    def highest(self):
        """The owner of sound and lamps, or None."""
        return self._owner

    def stops_delivery(self):
        return self._stopping > 0

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

    def _retire(self, alarm, now_ms):
        alarm.active = False
        if alarm.effect == STOP:
            self._stopping -= 1
        owner = None
        for other in self._alarms:
            if other.active and (owner is None or _before(other, owner)):
                owner = other
        self._owner = owner
        if owner is None:
            self.silenced = False  # the next alarm is a new one and sounds
        self._tell(alarm, now_ms)

    def _tell(self, alarm, now_ms):
        self.seq = (self.seq + 1) & MASK
        self._notify(alarm.name, PRIORITIES[alarm.priority], alarm.active, self.seq, now_ms)


def _before(one, other):
    """Whether `one` owns the sound rather than `other`."""
    if one.priority != other.priority:
        return one.priority > other.priority
    return elapsed_ms(one.born, other.born) < 0
