"""The pump: what its parts tell each other while it runs. assembly.py makes them.

    commands ─► supervisor ─► delivery ─► stepper          (what to give)
    pressure, monitor, self-test ─► alarms ─► supervisor    (what is safe)
    alarms ─► annunciator, outbox                           (who is told)

An alarm that stops delivery is obeyed in the same call that raised it.
"""

import time

from pump.core import supervisor as sv
from pump.selftest.sequence import LAMP, PIEZO
from pump.storage.reset_note import WAS_INFUSING, WAS_RUNNING
from pump.tasks.occlusion_recovery import OCCLUSIONS
from pump.tasks.therapy import NOT_INFUSING

_ALARM_OF_TEST = {PIEZO: "piezo_fault", LAMP: "lamp_fault"}


class App:
    """The pump. Without a valid profile and calibration it has no delivery, is in FAULT, sounds, and answers."""

    def __init__(self, note, profile):
        self.note = note
        self.profile = profile
        self.sensors = ()  # tasks that read one
        self.delivery = self.pressure = self.detector = self.self_test = self.relief = self.recovery = None
        self.buttons = self.battery = self.treatment = self.reservoir = None
        self.scheduler = None
        self._sample = {}

    # ---- what happens ----

    def report(self, name, active, now_ms):
        """The condition of an alarm holds, or holds no longer."""
        if active:
            was_infusing = self.supervisor.permits_motor
            self.alarms.raise_alarm(name, now_ms)
            self.obey_alarms(now_ms)
            if self.recovery is not None:
                self.recovery.alarm_raised(name, was_infusing and not self.supervisor.permits_motor, now_ms)
        elif name not in OCCLUSIONS or not self.relief.busy:  # a line that is being relieved is not yet open
            self.alarms.condition_gone(name, now_ms)

    def tell_of(self, name, now_ms):
        """Something happened that is over when it is noticed: its alarm stays by its latch, or is heard once."""
        self.report(name, True, now_ms)
        self.alarms.condition_gone(name, now_ms)

    def tell_restored(self, now_ms):
        """A copy of something was damaged, and the other is in use."""
        if self.store.restored:
            self.store.restored.clear()
            self.tell_of("record_restored", now_ms)

    def obey_alarms(self, now_ms):
        if self.alarms.stops_delivery():
            self.supervisor.handle(sv.ALARM_STOP, now_ms)

    def request_bolus(self, now_ms):
        """The patient asks for one. Returns why it is not given (tasks/therapy.py), or None when it is."""
        return NOT_INFUSING if self.treatment is None else self.treatment.request_bolus(now_ms)

    def infusion(self):
        """The therapy, or None; while the plunger is drawn back, the one that it is drawn from."""
        delivery = self.delivery
        if delivery is None:
            return None
        return delivery.therapy.infusion if delivery.back else delivery.therapy

    def fault(self, now_ms):
        self.report("system_fault", True, now_ms)
        self.supervisor.handle(sv.FAULT_FOUND, now_ms)

    def collect_soon(self):
        """A task left much behind: it is collected in a turn of its own, before MicroPython does it in any other."""
        self.memory.collect_next()
        self.wake(self.memory)

    def collected(self):
        self.scheduler.excuse()

    def wake(self, task):
        if self.scheduler is not None:  # before the loop begins everything is due anyway
            self.scheduler.wake(task)

    def on_alarm(self, name, priority, active, seq, now_ms):
        if active:
            self.commands.two_steps.void()
        self.outbox.alarm(name, priority, active, now_ms)
        self.wake(self.annunciator)
        self.witness.alarm(name, priority, active)
        if self.treatment is not None:
            self.wake(self.treatment)

    def motor_has_current(self):
        return self.stepper.enabled

    def stalled(self):
        """The CPU stood while the flash was erased, as planned: nobody is late for it."""
        now_ms = time.ticks_ms()
        self.scheduler.excuse()
        for task in self.sensors:
            task.excuse(now_ms)

    def on_state(self, old, new, event, now_ms):
        self.witness.state(new, event)
        self.commands.two_steps.void()
        if self.delivery is not None:
            self._move(old, new, now_ms)
        self.ledger.state(old, new, event)
        if new in (sv.INFUSING, sv.PAUSED):
            self.note.set(WAS_INFUSING)
        elif new == sv.IDLE and not self.alarms.stops_delivery():
            self.note.set(WAS_RUNNING)  # an infusion that an alarm ended counts as cut short until somebody has seen it
        self.outbox.state(sv.STATES[new], sv.EVENTS[event], now_ms)
        if new == sv.SELF_TEST:
            self.wake(self.self_test)
        self.obey_alarms(now_ms)

    def _move(self, old, new, now_ms):
        """The motor follows the state: go, finish what is granted, or halt."""
        delivery = self.delivery
        self.recovery.cut(now_ms)
        if old == sv.SELF_TEST:
            delivery.begin(None)  # the test counted steps of its own
        elif new == sv.SELF_TEST:
            self.reservoir.before_test()
        if self.supervisor.permits_motor:
            delivery.therapy.on_motion_start()
            self.reservoir.before_motion()
            delivery.go()
        elif new in (sv.PAUSED, sv.IDLE):
            delivery.stop()
            if new == sv.IDLE:
                delivery.release()
        elif new != sv.SELF_TEST:
            delivery.halt()
        if not self.supervisor.permits_motor and self.infusion() is not None:
            self.infusion().cancel_bolus()  # a bolus that is interrupted is over
            self.wake(self.treatment)
        self.monitor.start()

    def on_end(self, completed, now_ms):
        if completed and self.supervisor.handle(sv.COMPLETED, now_ms):
            self.tell_of("infusion_complete", now_ms)
        if self.supervisor.state == sv.IDLE:
            self.delivery.release()

    def on_late(self, late_us, now_ms):
        self.tell_of("delivery_late", now_ms)

    def on_test_failed(self, name, now_ms):
        self.report(_ALARM_OF_TEST.get(name, "system_fault"), True, now_ms)

    def on_overrun(self, name, late_ms):
        self.witness.overrun(name, late_ms)
        self.tell_of("task_overrun", time.ticks_ms())

    # ---- what is told ----

    def telemetry(self, now_ms):
        sample = self._sample
        sample["t_ms"] = now_ms
        sample["state"] = sv.STATES[self.supervisor.state]
        delivery = self.delivery
        sample["rate_ul_h"] = 0 if delivery is None else delivery.rate_ul_h
        sample["delivered_nl"] = 0 if delivery is None else delivery.delivered_nl()
        sample["pressure_pa"] = None if self.pressure is None else self.pressure.pressure_pa
        return sample
