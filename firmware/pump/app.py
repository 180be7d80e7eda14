"""The dispatcher of alarms and of changes of state: what follows in the other parts when one happens.

    pressure, monitor, self-test ─► report ─► alarms ─► supervisor    (what is safe)
    commands ─► supervisor ─► on_state ─► motor ─► delivery           (what to deliver)
    alarms, states ─► annunciator, outbox, event log, confirmation    (who gets to know)

An alarm that stops delivery stops it within the call that raised it.
"""

import time

from pump.core.alarms.manager import AlarmManager
from pump.core.supervisor import (
    ALARM_STOP,
    COMPLETED,
    EVENTS,
    FAULT_FOUND,
    IDLE,
    INFUSING,
    PAUSED,
    SELF_TEST,
    STATES,
    Supervisor,
)  # fmt: skip
from pump.storage import reset_note

_UNDER_WAY = (INFUSING, PAUSED)


class App:
    """Owns the alarms and the supervisor. Without a valid profile and calibration there is no motor; the pump is in
    FAULT then, sounds, and answers.
    """

    def __init__(self, note, outbox, event_log, confirmation, scheduler, escalate_ms):
        """`note`: the ResetNote. `escalate_ms`: after which a MEDIUM alarm without a reaction becomes HIGH."""
        self.alarms = AlarmManager(self._on_alarm, escalate_ms)
        self.supervisor = Supervisor(self._on_state)
        self._note = note
        self._outbox = outbox
        self._event_log = event_log
        self._confirmation = confirmation
        self._wake = scheduler.wake
        # See `connect`.
        self._annunciator = self._delivered_volume = None
        self._motor = self._recovery = self._therapy = self._self_test = None

    def connect(self, annunciator, delivered_volume, motor=None, recovery=None, therapy=None, self_test=None):
        """Sets the parts that follow alarms and states. They report to this object, so they are made after it. The
        last four are None without a valid profile.
        """
        self._annunciator = annunciator
        self._delivered_volume = delivered_volume
        self._motor = motor
        self._recovery = recovery
        self._therapy = therapy
        self._self_test = self_test

    # ---- alarms ----

    def report(self, name, active, now_ms):
        """The condition of the alarm `name` has begun, or has ended."""
        if active:
            was_infusing = self.supervisor.permits_motor
            self.alarms.raise_alarm(name, now_ms)
            self._obey_alarms(now_ms)
            if self._recovery is not None:
                self._recovery.on_alarm(name, was_infusing and not self.supervisor.permits_motor, now_ms)
        elif self._recovery is None or not self._recovery.holds(name):
            self.alarms.condition_gone(name, now_ms)

    def report_once(self, name, now_ms):
        """Something happened that is already over: its alarm stays by its latch, or sounds once."""
        self.report(name, True, now_ms)
        self.alarms.condition_gone(name, now_ms)

    def report_fault(self, now_ms):
        """The firmware is broken: the pump stops, until a reset."""
        self.report("system_fault", True, now_ms)
        self.supervisor.handle(FAULT_FOUND, now_ms)

    def _obey_alarms(self, now_ms):
        if self.alarms.stops_delivery():
            self.supervisor.handle(ALARM_STOP, now_ms)

    def _on_alarm(self, name, priority, active, seq, now_ms):
        if active:
            self._confirmation.void()
        self._outbox.alarm(name, priority, active, now_ms)
        self._event_log.alarm(name, priority, active)
        if self._annunciator is not None:
            self._wake(self._annunciator)
        if self._therapy is not None:
            self._wake(self._therapy)

    # ---- states ----

    def _on_state(self, old, new, event, now_ms):
        self._event_log.state(new, event)
        self._confirmation.void()
        if self._motor is not None:
            self._motor.follow(old, new, now_ms)
        self._delivered_volume.on_state(old, new, event)
        if new in _UNDER_WAY:
            self._note.set(reset_note.WAS_INFUSING)
        elif new == IDLE and not self.alarms.stops_delivery():
            # Not before: an infusion that an alarm stopped counts as interrupted until a person clears the alarm.
            self._note.set(reset_note.WAS_RUNNING)
        self._outbox.state(STATES[new], EVENTS[event], now_ms)
        if new == SELF_TEST and self._self_test is not None:
            self._wake(self._self_test)
        self._obey_alarms(now_ms)

    # ---- what the tasks call ----

    def on_motion_end(self, completed, now_ms):
        """The motor stands; `completed`: all of the therapy is delivered."""
        if completed and self.supervisor.handle(COMPLETED, now_ms):
            self.report_once("infusion_complete", now_ms)
        self._motor.rest()

    def on_late_motion(self, late_us, now_ms):
        """The stepper ran out of granted motion."""
        self.report_once("delivery_late", now_ms)

    def on_overrun(self, task, late_ms):
        """A task missed its deadline."""
        self._event_log.overrun(task, late_ms)
        self.report_once("task_overrun", time.ticks_ms())

    def on_internal_error(self, error):
        """A command raised an exception that is not its own: the pump is made safe before the host is answered."""
        self._event_log.internal_error()
        self.report_fault(time.ticks_ms())
