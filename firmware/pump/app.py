"""Composition: what the pump is made of, and how its parts hear of each other.

    commands ─► supervisor ─► delivery ─► stepper          (what to give)
    pressure, monitor, self-test ─► alarms ─► supervisor    (what is safe)
    alarms ─► annunciator, outbox                           (who is told)

An alarm that stops delivery is obeyed in the same call that raised it.
"""

import gc
import sys
import time

from pump import part_firmware, wiring
from pump.annunciator import Annunciator
from pump.battery_task import BatteryTask
from pump.buttons_task import ButtonsTask
from pump.calibrator import Calibrator
from pump.commands import Commands
from pump.core import supervisor as sv
from pump.core.alarm_manager import ESCALATE_MS, AlarmManager
from pump.core.alarms import ALARMS
from pump.core.early import EarlyDetector
from pump.core.monitor import DeliveryMonitor
from pump.core.occlusion import ThresholdDetector
from pump.core.restarts import Restarts
from pump.core.retraction import Retraction
from pump.delivery import Delivery
from pump.drivers import flash, identity
from pump.drivers.battery_sensor import BatterySensor
from pump.drivers.lamps import Lamps, lamp_feedback
from pump.drivers.piezo import Piezo
from pump.drivers.pressure_sensor import PressureSensor
from pump.drivers.serial_port import SerialPort
from pump.drivers.step_counter import FEEDBACK_STATE_MACHINE, StepCounter
from pump.drivers.stepper import Stepper
from pump.drivers.watchdog import Watchdog
from pump.early_task import EarlyTask
from pump.journal_task import JournalTask
from pump.lamp_check import LampCheck
from pump.leave import Leave
from pump.ledger import Ledger
from pump.link.line_reader import LineReader
from pump.link.outbox import Outbox
from pump.link.server import Server
from pump.link.task import LinkTask
from pump.link.telemetry import TelemetryTask
from pump.memory import MemoryTask, chain_modules
from pump.monitor_task import MonitorTask
from pump.part_memory import MemoryPart
from pump.part_settings import SettingsPart
from pump.pharmacy import Pharmacy
from pump.pressure_task import PressureTask
from pump.recovery import OCCLUSIONS, Recovery
from pump.relief import Relief
from pump.reminder import SuspendedReminder
from pump.repeated import RepeatedParts
from pump.reservoir_task import ReservoirTask
from pump.scheduler import Scheduler
from pump.selftest import LAMP, PIEZO, SLICED, SelfTest
from pump.sliced_parts import SlicedParts
from pump.sound_check import SoundCheck
from pump.storage.journal import open_journal
from pump.storage.record import Shelf
from pump.storage.reset_note import CRASHED, INFUSING, RUNNING
from pump.treatment import NOT_INFUSING, Treatment
from pump.upstream import AirTask, UpstreamTask
from pump.witness import Witness

_ALARM_OF_TEST = {PIEZO: "piezo_fault", LAMP: "lamp_fault"}


class App:
    """The pump. Without a valid profile and calibration it has no delivery, is in FAULT, sounds, and answers."""

    def __init__(self, note, profile):
        self.note = note
        self.profile = profile
        self.shelf = Shelf()
        self.journal, self._journal_trouble = open_journal(self.shelf, flash.blocks(), identity.random_24())
        self.witness = Witness(self.journal)
        self.ledger = Ledger(self, note.mem32)
        self.boot = identity.random_24()
        self.outbox = Outbox([row[0] for row in ALARMS])
        self.alarms = AlarmManager(self._on_alarm, ESCALATE_MS if profile is None else profile["alarms"]["escalate_ms"])
        self.supervisor = sv.Supervisor(self._on_state)
        self.annunciator = Annunciator(self.alarms, Piezo(), Lamps())
        self.port = SerialPort()
        self.telemetry_task = TelemetryTask(self, self.outbox)
        self.commands = Commands(self)
        self.pharmacy = Pharmacy(self)
        self.memory = MemoryTask(self.fault, self._collected)
        self.reminder = SuspendedReminder(self.supervisor, self.report)
        self.leave = Leave(self.outbox, note)
        self.calibrator = Calibrator(self, profile)  # before all that knows the volume of a step
        server = Server(self.commands, self.boot, self.outbox, self.witness.command)
        link = LinkTask(self.port, LineReader(), server, self.outbox, self.collect_soon)
        self.sensors = ()  # tasks that read one
        self.delivery = self.pressure = self.detector = self.self_test = self.relief = self.recovery = None
        self.buttons = self.battery = self.treatment = self.reservoir = None
        two_steps = self.commands.two_steps
        self.tasks = [link, self.annunciator, self.telemetry_task, self.reminder, self.leave, two_steps, self.memory]
        self.tasks.append(JournalTask(self))
        if profile is not None and self.calibrator.fault is None:
            self.tasks = self._make_delivery(profile) + self.tasks
        self.scheduler = None
        self._sample = {}

    def _make_delivery(self, profile):
        mechanics = profile["mechanics"]
        occlusion = profile["occlusion"]
        stepper = Stepper(mechanics["reverse"])
        counter = StepCounter()
        self.level = occlusion["default"]
        self.detector = ThresholdDetector(occlusion[self.level + "_pa"], occlusion["persistence_ms"])
        sensor = PressureSensor(wiring.PRESSURE)
        self.pressure = PressureTask(sensor, profile["sensor"], self.detector, self.report)
        self.sensors += (self.pressure,)
        self.delivery = Delivery(mechanics, stepper, counter, self._on_end, self._on_late)
        self.treatment = Treatment(self, mechanics["step_pl"])
        self.reservoir = ReservoirTask(self, profile["reservoir"], mechanics["step_pl"])
        self.delivery.on_account = self.reservoir.new_account
        self.delivery.on_grant = self.ledger.granted
        monitor = DeliveryMonitor(mechanics)
        self.monitor = MonitorTask(monitor, self.delivery, self.supervisor, self.report)
        sound, lamps = self._make_checks(profile["wiring"])
        parts = MemoryPart(self.memory), part_firmware.make(flash.mapped, self.collect_soon), SettingsPart(profile)
        sliced = SlicedParts(SLICED, parts, self.collect_soon)
        self.self_test = SelfTest(self, stepper, counter, sound, lamps, sliced, self.note.watchdog_bit)
        self.repeated = RepeatedParts(self.supervisor, sliced, self.on_test_failed, time.ticks_ms())
        start_ul_h = self.delivery.ramp.start_ul_h
        retraction = Retraction(occlusion, mechanics["step_pl"][0], mechanics["step_pl"][1], start_ul_h)
        self.recovery = Recovery(self, Restarts(occlusion["auto_restarts"]))
        self.relief = Relief(retraction, self.delivery, self.pressure, self.supervisor, self.recovery.relief_ended)
        detector = EarlyDetector(occlusion["compliance_pl_per_pa"], mechanics["step_pl"][0], mechanics["step_pl"][1])
        early = EarlyTask(detector, self.delivery, self.pressure, self.supervisor, self.report)
        tasks = [self.pressure, self.relief, self.delivery, self.monitor, early, self.recovery]
        tasks += [self.self_test, self.repeated, self.treatment, self.reservoir, self.ledger]
        if "battery" in profile:
            config = profile["battery"]
            sensor = BatterySensor(config["divider"])
            self.battery = BatteryTask(sensor, config, lambda: stepper.enabled, self.report)
            tasks.append(self.battery)
        return tasks + self._make_buttons(profile["wiring"]) + self._make_upstream(profile)

    def _make_buttons(self, wired):
        if "button_request" not in wired and "button_stop" not in wired:
            return []
        self.buttons = ButtonsTask(self, wired, time.ticks_ms())
        return [self.buttons]

    def _make_upstream(self, profile):
        """Where the bench has the sensors."""
        occlusion, wired, tasks = profile["occlusion"], profile["wiring"], []
        if "upstream" in wired:
            sensor = PressureSensor(wiring.UPSTREAM)
            limit_pa, persistence_ms = occlusion["upstream_pa"], occlusion["persistence_ms"]
            upstream = UpstreamTask(sensor, profile["sensor"], limit_pa, persistence_ms, self.report)
            tasks.append(upstream)
            self.sensors += (upstream,)
        if "air" in wired:
            tasks.append(AirTask(wiring.AIR, self.report))
        return tasks

    def _make_checks(self, wired):
        """Of sound and lamps, with the feedback that the bench has."""
        heard = StepCounter(wiring.PIEZO_FEEDBACK, FEEDBACK_STATE_MACHINE) if "piezo_feedback" in wired else None
        seen = lamp_feedback() if "lamp_feedback" in wired else None
        return SoundCheck(self.annunciator, heard), LampCheck(self.annunciator, seen)

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
        if self.shelf.restored:
            self.shelf.restored.clear()
            self.tell_of("record_restored", now_ms)

    def obey_alarms(self, now_ms):
        if self.alarms.stops_delivery():
            self.supervisor.handle(sv.ALARM_STOP, now_ms)

    def request_bolus(self, now_ms):
        """The patient asks for one. Returns why it is not given (treatment.py), or None when it is."""
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

    def _collected(self):
        self.scheduler.excuse()

    def wake(self, task):
        if self.scheduler is not None:  # before the loop begins everything is due anyway
            self.scheduler.wake(task)

    def _on_alarm(self, name, priority, active, seq, now_ms):
        if active:
            self.commands.two_steps.void()
        self.outbox.alarm(name, priority, active, now_ms)
        self.wake(self.annunciator)
        self.witness.alarm(name, priority, active)
        if self.treatment is not None:
            self.wake(self.treatment)

    def stalled(self):
        """The CPU stood while the flash was erased, as planned: nobody is late for it."""
        now_ms = time.ticks_ms()
        self.scheduler.excuse()
        for task in self.sensors:
            task.excuse(now_ms)

    def _on_state(self, old, new, event, now_ms):
        self.witness.state(new, event)
        self.commands.two_steps.void()
        if self.delivery is not None:
            self._move(old, new, now_ms)
        self.ledger.state(old, new, event)
        if new in (sv.INFUSING, sv.PAUSED):
            self.note.set(INFUSING)
        elif new == sv.IDLE and not self.alarms.stops_delivery():
            self.note.set(RUNNING)  # an infusion that an alarm ended counts as cut short until somebody has seen it
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
            delivery.therapy.going()
            self.reservoir.before_motion()
            delivery.go()
        elif new in (sv.PAUSED, sv.IDLE):
            delivery.stop()
            if new == sv.IDLE:
                delivery.release()
        elif new != sv.SELF_TEST:
            delivery.halt()
        if not self.supervisor.permits_motor and self.infusion() is not None:
            self.infusion().cut()  # a bolus that is interrupted is over
            self.wake(self.treatment)
        self.monitor.start()

    def _on_end(self, completed, now_ms):
        if completed and self.supervisor.handle(sv.COMPLETED, now_ms):
            self.tell_of("infusion_complete", now_ms)
        if self.supervisor.state == sv.IDLE:
            self.delivery.release()

    def _on_late(self, late_us, now_ms):
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

    def start(self, now_ms, reason):
        """What the last boot left behind, and what this one lacks."""
        cause = _cause(self.note, reason)
        self.witness.boot(cause, self.boot)
        self.ledger.recall(cause == "watchdog", self._journal_trouble)
        self.outbox.ready({"boot": self.boot, "version": self.commands.version, "reset_cause": cause})
        if self._journal_trouble or self.ledger.given.lost or (self.reservoir is not None and self.reservoir.lost):
            self.tell_of("storage_fault", now_ms)
        if self.profile is None:
            self.report("profile_fault", True, now_ms)
            self.supervisor.handle(sv.FAULT_FOUND, now_ms)
        if self.calibrator.fault is not None:
            self.report("calibration_fault", True, now_ms)
            self.supervisor.handle(sv.FAULT_FOUND, now_ms)
        self.pharmacy.load(self.profile is not None and self.profile["library"]["required"], now_ms)
        self.note.set(INFUSING if self.note.was_infusing else RUNNING)
        if self.note.was_infusing or not self.ledger.given.seen:
            self.tell_of("interrupted", now_ms)
        elif cause == "crash" or cause == "watchdog":
            self.tell_of("restarted", now_ms)


def _cause(note, reason):
    if note.watchdog_bit is not None:
        return "power_on"
    return {CRASHED: "crash", INFUSING: "watchdog", RUNNING: "watchdog"}.get(reason, "reset")


def _checked_profile():
    """None where it is not one. What checks it is not kept: nobody needs its tables and texts again."""
    from pump import storage
    from pump.storage import profile

    checked = None
    try:
        checked = profile.load_profile()
    except profile.ProfileFault:
        pass  # start() tells
    del storage.profile, sys.modules[profile.__name__]
    return checked


def run(note, reason):
    """Runs the pump until `service` or `reset`; the caller makes the outputs safe and resets the board."""
    profile = _checked_profile()
    app = App(note, profile)
    app.start(time.ticks_ms(), reason)
    watchdog = Watchdog()
    scheduler = Scheduler(app.tasks, time.ticks_ms, time.sleep_ms, watchdog.feed, app.on_overrun)
    app.scheduler = app.leave.scheduler = scheduler
    app.port.begin()
    chain_modules()
    gc.threshold(-1)  # main.py's, for what is made beforehand to lie close together
    gc.collect()
    try:
        scheduler.run()
    finally:
        app.ledger.settle()
        app.port.end()
