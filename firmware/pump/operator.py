"""What a person can do at the pump, by the link or by the buttons: stop, pause, silence, acknowledge, clear alarms,
request a bolus.

Every one of these is noted as user activity, so the reminder of a paused infusion begins anew; a bolus request is not:
it comes from the patient. None of them needs a confirmation: they make the pump safer or quieter.
"""

import time

from micropython import const

from pump.core.supervisor import CLEAR_ALARMS, EVENTS, PAUSE, STATES, STOP
from pump.link.schema import Refused
from pump.tasks.therapy import NOT_INFUSING

_NAMES = const(8)  # of active alarms, in a reply: a line has 1024 bytes


class Operator:
    def __init__(self, supervisor, alarms, annunciator, reminder, confirmation, wake, therapy=None, recovery=None):
        """`therapy` and `recovery` are the tasks, None without a valid profile."""
        self._supervisor = supervisor
        self._alarms = alarms
        self._annunciator = annunciator
        self._reminder = reminder
        self._confirmation = confirmation
        self._wake = wake
        self._therapy = therapy
        self._recovery = recovery

    def send(self, event):
        """Hands an event to the supervisor; returns the new state. Raises Refused."""
        now_ms = time.ticks_ms()
        self.note_activity(now_ms)
        if not self._supervisor.handle(event, now_ms):
            raise self.wrong_state(EVENTS[event])
        return {"state": STATES[self._supervisor.state]}

    def wrong_state(self, what):
        """The Refused of a command that the state does not allow."""
        state = STATES[self._supervisor.state]
        return Refused("wrong_state", "%s is refused while %s" % (what, state), {"state": state})

    def note_activity(self, now_ms):
        """A person is there, whatever becomes of the command."""
        self._reminder.note_user_activity(now_ms)

    # ---- the infusion ----

    def stop(self):
        """Ends the infusion, an open proposal, and an automatic restart that is waiting."""
        self._confirmation.void()
        if self._recovery is not None:
            self._recovery.cancel_restart()
        return self.send(STOP)

    def pause(self):
        return self.send(PAUSE)

    def request_bolus(self):
        """The patient's request. It is no error when it is not given: `why` says why."""
        why = NOT_INFUSING if self._therapy is None else self._therapy.request_bolus(time.ticks_ms())
        return {"given": why is None, "why": why}

    # ---- alarms ----

    def acknowledge(self):
        now_ms = time.ticks_ms()
        self.note_activity(now_ms)
        return {"acknowledged": self._alarms.acknowledge(now_ms)}

    def silence(self):
        now_ms = time.ticks_ms()
        self.note_activity(now_ms)
        silenced_ms = self._alarms.silence(now_ms)
        self._wake(self._annunciator)
        return {"silenced_ms": silenced_ms}

    def toggle_silence(self):
        """The button: it silences, and pressed again it ends the audio pause (Open PCA)."""
        if self._alarms.silenced:
            self._alarms.end_silence()
            self._wake(self._annunciator)
        else:
            self.silence()

    def clear_alarms(self):
        """Ends the alarms whose cause is gone; the pump is idle again when none of the rest stops delivery."""
        now_ms = time.ticks_ms()
        self.note_activity(now_ms)
        self._alarms.clear(now_ms)
        if not self._alarms.stops_delivery():
            self._supervisor.handle(CLEAR_ALARMS, now_ms)
        return {"state": STATES[self._supervisor.state], "alarms": alarm_names(self._alarms)}


def alarm_names(alarms):
    """The names of the active alarms, highest first, at most 8; the query `alarms` has all."""
    return [alarm.name for alarm in alarms.active()[:_NAMES]]
