"""Composition: what the pump is made of, and which part is told of what. Needed once, and not kept (run.py): nothing
that stays may be a function from here. What a profile may leave out is loaded where it does not.
"""

import time

from pump import wiring
from pump.app import App
from pump.commands.calibration import Calibrator
from pump.commands.drug_orders import Pharmacy
from pump.commands.methods import Commands
from pump.core.alarms.manager import ESCALATE_MS, AlarmManager
from pump.core.alarms.table import ALARMS
from pump.core.motion.monitor import DeliveryMonitor
from pump.core.occlusion.early_occlusion import EarlyOcclusion
from pump.core.occlusion.restarts import Restarts
from pump.core.occlusion.retraction import Retraction
from pump.core.occlusion.threshold import ThresholdDetector
from pump.core.supervisor import Supervisor
from pump.drivers import chip
from pump.drivers.lamps import Lamps, lamp_feedback
from pump.drivers.piezo import Piezo
from pump.drivers.pressure_sensor import PressureSensor
from pump.drivers.serial_port import SerialPort
from pump.drivers.step_counter import FEEDBACK_STATE_MACHINE, StepCounter
from pump.drivers.stepper import Stepper
from pump.link.line_reader import LineReader
from pump.link.outbox import Outbox
from pump.link.server import Server
from pump.link.task import LinkTask
from pump.link.telemetry import TelemetryTask
from pump.selftest import firmware_crc
from pump.selftest.lamp_check import LampCheck
from pump.selftest.memory_pattern import MemoryPart
from pump.selftest.periodic import RepeatedParts
from pump.selftest.sequence import SLICED, SelfTest
from pump.selftest.settings_crc import SettingsPart
from pump.selftest.sliced import SlicedParts
from pump.selftest.sound_check import SoundCheck
from pump.storage.event_log import EventLog
from pump.storage.journal import open_journal
from pump.storage.record import RecordStore
from pump.tasks.annunciator import Annunciator
from pump.tasks.delivered_volume import Ledger
from pump.tasks.delivery import Delivery
from pump.tasks.delivery_monitor import MonitorTask
from pump.tasks.early_occlusion import EarlyTask
from pump.tasks.garbage_collection import MemoryTask
from pump.tasks.journal import JournalTask
from pump.tasks.occlusion_recovery import Recovery
from pump.tasks.pressure import PressureTask
from pump.tasks.pressure_relief import Relief
from pump.tasks.reminder import SuspendedReminder
from pump.tasks.reservoir import ReservoirTask
from pump.tasks.shutdown import Leave
from pump.tasks.therapy import Treatment


def assemble(note, profile):
    """Returns the App, and whether the journal was damaged."""
    app = App(note, profile)
    app.store = RecordStore()
    app.journal, trouble = open_journal(app.store, chip.flash_blocks(), chip.random_24())
    app.witness = EventLog(app.journal)
    app.ledger = Ledger(app, note.scratch)
    app.boot = chip.random_24()
    app.outbox = Outbox([row[0] for row in ALARMS])
    app.alarms = AlarmManager(app.on_alarm, ESCALATE_MS if profile is None else profile["alarms"]["escalate_ms"])
    app.supervisor = Supervisor(app.on_state)
    app.annunciator = Annunciator(app.alarms, Piezo(), Lamps())
    app.port = SerialPort()
    app.telemetry_task = TelemetryTask(app, app.outbox)
    app.commands = Commands(app)
    app.pharmacy = Pharmacy(app)
    app.memory = MemoryTask(app.fault, app.collected)
    app.leave = Leave(app.outbox, note)
    app.calibrator = Calibrator(app, profile)  # before all that knows the volume of a step
    server = Server(app.commands, app.boot, app.outbox, app.witness.command)
    link = LinkTask(app.port, LineReader(), server, app.outbox, app.collect_soon)
    app.reminder = SuspendedReminder(app.supervisor, app.report)
    two_steps = app.commands.two_steps
    tasks = [link, app.annunciator, app.telemetry_task, app.reminder, app.leave, two_steps, app.memory]
    tasks.append(JournalTask(app))
    if profile is not None and app.calibrator.fault is None:
        tasks = _make_delivery(app, profile) + tasks
    app.tasks = tasks
    return app, trouble


def _make_delivery(app, profile):
    mechanics = profile["mechanics"]
    occlusion = profile["occlusion"]
    app.stepper = stepper = Stepper(mechanics["reverse"])
    counter = StepCounter()
    app.level = occlusion["default"]
    app.detector = ThresholdDetector(occlusion[app.level + "_pa"], occlusion["persistence_ms"])
    sensor = PressureSensor(wiring.PRESSURE)
    app.pressure = PressureTask(sensor, profile["sensor"], app.detector, app.report)
    app.sensors += (app.pressure,)
    app.delivery = Delivery(mechanics, stepper, counter, app.on_end, app.on_late)
    app.treatment = Treatment(app, mechanics["step_pl"])
    app.reservoir = ReservoirTask(app, profile["reservoir"], mechanics["step_pl"])
    app.delivery.on_account = app.reservoir.new_account
    app.delivery.on_grant = app.ledger.granted
    monitor = DeliveryMonitor(mechanics)
    app.monitor = MonitorTask(monitor, app.delivery, app.supervisor, app.report)
    sound, lamps = _make_checks(app, profile["wiring"])
    parts = MemoryPart(app.memory), firmware_crc.make(chip.mapped_flash, app.collect_soon), SettingsPart(profile)
    sliced = SlicedParts(SLICED, parts, app.collect_soon)
    app.self_test = SelfTest(app, stepper, counter, sound, lamps, sliced, app.note.watchdog_works)
    app.repeated = RepeatedParts(app.supervisor, sliced, app.on_test_failed, time.ticks_ms())
    start_ul_h = app.delivery.ramp.start_ul_h
    retraction = Retraction(occlusion, mechanics["step_pl"][0], mechanics["step_pl"][1], start_ul_h)
    app.recovery = Recovery(app, Restarts(occlusion["auto_restarts"]))
    app.relief = Relief(retraction, app.delivery, app.pressure, app.supervisor, app.recovery.relief_ended)
    detector = EarlyOcclusion(occlusion["compliance_pl_per_pa"], mechanics["step_pl"][0], mechanics["step_pl"][1])
    early = EarlyTask(detector, app.delivery, app.pressure, app.supervisor, app.report)
    tasks = [app.pressure, app.relief, app.delivery, app.monitor, early, app.recovery]
    tasks += [app.self_test, app.repeated, app.treatment, app.reservoir, app.ledger]
    return tasks + _make_battery(app, profile) + _make_buttons(app, profile["wiring"]) + _make_upstream(app, profile)


def _make_battery(app, profile):
    if "battery" not in profile:
        return []
    from pump.drivers.battery_sensor import BatterySensor
    from pump.tasks.battery import BatteryTask

    config = profile["battery"]
    app.battery = BatteryTask(BatterySensor(config["divider"]), config, app.motor_has_current, app.report)
    return [app.battery]


def _make_buttons(app, wired):
    if "button_request" not in wired and "button_stop" not in wired:
        return []
    from pump.tasks.buttons import ButtonsTask

    app.buttons = ButtonsTask(app, wired, time.ticks_ms())
    return [app.buttons]


def _make_upstream(app, profile):
    """Where the bench has the sensors."""
    occlusion, wired, tasks = profile["occlusion"], profile["wiring"], []
    if "upstream" in wired:
        from pump.tasks.upstream import UpstreamTask

        sensor = PressureSensor(wiring.UPSTREAM)
        limit_pa, persistence_ms = occlusion["upstream_pa"], occlusion["persistence_ms"]
        upstream = UpstreamTask(sensor, profile["sensor"], limit_pa, persistence_ms, app.report)
        tasks.append(upstream)
        app.sensors += (upstream,)
    if "air" in wired:
        from pump.tasks.upstream import AirTask

        tasks.append(AirTask(wiring.AIR, app.report))
    return tasks


def _make_checks(app, wired):
    """Of sound and lamps, with the feedback that the bench has."""
    heard = StepCounter(wiring.PIEZO_FEEDBACK, FEEDBACK_STATE_MACHINE) if "piezo_feedback" in wired else None
    seen = lamp_feedback() if "lamp_feedback" in wired else None
    return SoundCheck(app.annunciator, heard), LampCheck(app.annunciator, seen)
