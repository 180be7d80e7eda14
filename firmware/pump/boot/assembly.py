"""Composition: makes every part of the pump and hands it the parts that it uses. Dropped after the boot (run.py), so
nothing that stays may be a function from here. Modules that a profile can do without are loaded only where it has them.

The order follows from who needs whom. Three calls close the circles that remain: Scheduler.set_tasks (startup.py),
App.connect and Delivery.connect.
"""

# The parts are a plain record, whose attributes the checker cannot know.
# pyright: reportAttributeAccessIssue=false

import time

from pump import wiring
from pump.app import App
from pump.boot.link_functions import link_functions
from pump.commands.calibration import CalibrationCommands
from pump.commands.confirmation import Confirmation
from pump.commands.drug_orders import DrugOrders
from pump.commands.flow_changes import FlowChanges, OcclusionLevel
from pump.commands.maintenance import Maintenance, SelfTestCommands
from pump.commands.queries import NoDelivery, Queries
from pump.commands.reservoir import ReservoirCommands
from pump.core.alarms.manager import ESCALATE_MS
from pump.core.alarms.table import ALARMS
from pump.core.motion.monitor import DeliveryMonitor
from pump.core.occlusion.early_occlusion import EarlyOcclusion
from pump.core.occlusion.restarts import Restarts
from pump.core.occlusion.retraction import Retraction
from pump.core.occlusion.threshold import ThresholdDetector
from pump.drivers import chip
from pump.drivers.inputs import BatterySensor, PressureSensor
from pump.drivers.lamps import Lamps, lamp_feedback
from pump.drivers.piezo import Piezo
from pump.drivers.serial_port import SerialPort
from pump.drivers.step_counter import FEEDBACK_STATE_MACHINE, StepCounter
from pump.drivers.stepper import Stepper
from pump.link.line_reader import LineReader
from pump.link.outbox import Outbox
from pump.link.server import Server
from pump.link.task import LinkTask
from pump.link.telemetry import TelemetryTask
from pump.motor import Motor
from pump.operator import Operator
from pump.scheduler import Scheduler
from pump.selftest import firmware_crc
from pump.selftest.lamp_check import LampCheck
from pump.selftest.memory_pattern import MemoryCheck
from pump.selftest.periodic import PeriodicSelfTest
from pump.selftest.sequence import ABSENT, FAILED, NOT_RUN, PASSED, SelfTest, StepCheck
from pump.selftest.settings_crc import SettingsCheck
from pump.selftest.sliced import SlicedChecks
from pump.selftest.sound_check import SoundCheck
from pump.storage.at_boot import CalibrationFault, load_calibration, open_journal
from pump.storage.event_log import EventLog
from pump.storage.last_therapy import LastTherapy
from pump.storage.record import RecordStore
from pump.tasks.annunciator import Annunciator
from pump.tasks.delivered_volume import DeliveredVolume
from pump.tasks.delivery import Delivery
from pump.tasks.delivery_monitor import DeliveryMonitorTask
from pump.tasks.early_occlusion import EarlyOcclusionTask
from pump.tasks.garbage_collection import GarbageCollection
from pump.tasks.journal import JournalTask
from pump.tasks.occlusion_recovery import OcclusionRecovery
from pump.tasks.pressure import PressureTask
from pump.tasks.pressure_relief import PressureRelief
from pump.tasks.reminder import SuspendedReminder
from pump.tasks.reservoir import ReservoirTask
from pump.tasks.shutdown import Shutdown
from pump.tasks.therapy import TherapyTask


class Parts:
    """The parts of the pump by name. Without a valid profile and calibration `delivery` is None.

    It has no methods: the garbage collector may find an old pointer to it on the stack and keep it, and must not keep
    the code of this module with it.
    """


def assemble(note, profile):
    """Returns the Parts. `note`: the ResetNote. `profile`: the checked profile, or None."""
    p = Parts()
    p.note = note
    p.profile = profile
    p.delivery = p.pressure = p.therapy = p.reservoir = p.battery = p.buttons = None
    p.relief = p.recovery = p.self_test = None
    p.samplers = ()
    _make_base(p)
    _load_calibration(p)
    p.sensor_tasks = []
    if profile is not None and p.calibration_fault is None:
        _make_delivery(p)
        _make_sensors(p)
    _make_commands(p)
    if p.delivery is not None:
        _make_self_test(p)
    _make_link(p)
    _connect(p)
    return p


def _make_base(p):
    """The parts that every pump has, and that the others report to."""
    profile = p.profile
    p.scheduler = Scheduler(time.ticks_ms, time.sleep_ms)
    p.store = RecordStore()
    p.journal, p.journal_trouble = open_journal(p.store, chip.flash_blocks(), chip.random_24())
    p.event_log = EventLog(p.journal)
    p.outbox = Outbox([row[0] for row in ALARMS])
    p.confirmation = Confirmation(chip.random_24)
    escalate_ms = ESCALATE_MS if profile is None else profile["alarms"]["escalate_ms"]
    app = App(p.note, p.outbox, p.event_log, p.confirmation, p.scheduler, escalate_ms)
    p.app = app
    p.alarms, p.supervisor = app.alarms, app.supervisor
    p.report, p.report_once = app.report, app.report_once
    p.annunciator = Annunciator(p.alarms, Piezo(), Lamps())
    p.memory = GarbageCollection(app.report_fault, p.scheduler)
    p.shutdown = Shutdown(p.outbox, p.note, p.scheduler)
    p.reminder = SuspendedReminder(p.supervisor, p.report)
    p.last_therapy = LastTherapy(p.store, p.journal)


def _load_calibration(p):
    """Puts the calibrated volume of a step in the place of the geometric one: before all that is made with it."""
    profile = p.profile
    p.calibration_in_force = p.calibration_fault = p.geometric_step_pl = None
    if profile is None:
        return
    mechanics = profile["mechanics"]
    p.geometric_step_pl = mechanics["step_pl"]
    try:
        p.calibration_in_force = load_calibration(profile["name"], p.geometric_step_pl, p.store)
        mechanics["step_pl"] = list(p.calibration_in_force.step_pl)
    except CalibrationFault as fault:
        p.calibration_fault = fault


def _make_delivery(p):
    """Motion, occlusion and therapy."""
    profile, supervisor, report, wake = p.profile, p.supervisor, p.report, p.scheduler.wake
    mechanics, occlusion = profile["mechanics"], profile["occlusion"]
    step_pl = mechanics["step_pl"]
    p.stepper, p.counter = Stepper(mechanics["reverse"]), StepCounter()
    p.detector = ThresholdDetector(occlusion[occlusion["default"] + "_pa"], occlusion["persistence_ms"])
    sensor = PressureSensor(wiring.PRESSURE)
    p.pressure = pressure = PressureTask(sensor, profile["sensor"], p.detector, report)
    p.samplers += (pressure,)
    app = p.app
    delivery = Delivery(mechanics, p.stepper, p.counter, app.on_motion_end, app.on_late_motion)
    p.delivery = delivery
    p.therapy = TherapyTask(delivery, step_pl, supervisor, p.alarms, report, p.report_once)
    retraction = Retraction(occlusion, step_pl[0], step_pl[1], delivery.ramp.start_ul_h)
    p.relief = relief = PressureRelief(retraction, delivery, pressure, supervisor)
    p.reservoir = ReservoirTask(
        profile["reservoir"], step_pl, p.store, delivery, relief, supervisor, p.scheduler, report,
        p.report_once,
    )  # fmt: skip
    _make_delivered_volume(p)
    p.recovery = OcclusionRecovery(
        Restarts(occlusion["auto_restarts"]), relief, pressure, p.detector, p.delivered_volume, supervisor,
        p.alarms, report, p.report_once, wake,
    )  # fmt: skip
    p.monitor = DeliveryMonitorTask(DeliveryMonitor(mechanics), delivery, supervisor, report)
    detector = EarlyOcclusion(occlusion["compliance_pl_per_pa"], step_pl[0], step_pl[1])
    p.early = EarlyOcclusionTask(detector, delivery, pressure, supervisor, report)


def _make_delivered_volume(p):
    p.delivered_volume = DeliveredVolume(
        p.last_therapy, p.note.scratch, p.alarms, p.scheduler, p.delivery, p.relief, p.profile
    )


def _make_sensors(p):
    """The tasks of the sensors that the profile may have."""
    profile, report, tasks = p.profile, p.report, p.sensor_tasks
    wired, occlusion = profile["wiring"], profile["occlusion"]
    if "battery" in profile:
        from pump.tasks.battery import BatteryTask

        config = profile["battery"]
        p.battery = BatteryTask(BatterySensor(config["divider"]), config, p.stepper, report)
        tasks.append(p.battery)
    if "upstream" in wired:
        from pump.tasks.upstream import UpstreamTask

        sensor = PressureSensor(wiring.UPSTREAM)
        limit_pa, persistence_ms = occlusion["upstream_pa"], occlusion["persistence_ms"]
        upstream = UpstreamTask(sensor, profile["sensor"], limit_pa, persistence_ms, report)
        tasks.append(upstream)
        p.samplers += (upstream,)
    if "air" in wired:
        from pump.tasks.upstream import AirTask

        tasks.append(AirTask(wiring.AIR, report))


def _make_commands(p):
    """What the link and the buttons can do."""
    profile, supervisor, delivery, scheduler = p.profile, p.supervisor, p.delivery, p.scheduler
    if delivery is None:
        _make_delivered_volume(p)
    p.operator = Operator(
        supervisor, p.alarms, p.annunciator, p.reminder, p.confirmation, scheduler.wake, p.therapy,
        p.recovery,
    )  # fmt: skip
    required = profile is not None and profile["library"]["required"]
    p.drug_orders = DrugOrders(p.store, supervisor, delivery, scheduler, p.report, p.report_once, required)
    p.calibration = CalibrationCommands(
        None if profile is None else profile["name"], p.geometric_step_pl, p.calibration_in_force,
        p.calibration_fault, p.store, supervisor, delivery, p.shutdown,
    )  # fmt: skip
    if delivery is not None:
        p.reservoir_commands = ReservoirCommands(p.reservoir, supervisor, p.drug_orders, p.operator)
        p.occlusion_level = OcclusionLevel(profile["occlusion"], p.detector)
        p.flow_changes = FlowChanges(
            profile, supervisor, p.operator, delivery, p.therapy, p.delivered_volume,
            p.reservoir_commands, p.drug_orders, p.report_once,
        )  # fmt: skip


def _make_self_test(p):
    """The p-test, and the buttons, which it checks."""
    profile, wired = p.profile, p.profile["wiring"]
    if "button_request" in wired or "button_stop" in wired:
        from pump.tasks.buttons import ButtonsTask

        p.buttons = ButtonsTask(wired, p.operator, p.report, time.ticks_ms())
        p.sensor_tasks.append(p.buttons)
    collect_soon = p.memory.collect_soon
    names = ("memory", "firmware", "settings")
    reading = MemoryCheck(p.memory), firmware_crc.make(chip.mapped_flash, collect_soon), SettingsCheck(profile)
    sliced = SlicedChecks(names, reading, collect_soon)
    p.periodic = PeriodicSelfTest(p.supervisor, sliced, p.report, time.ticks_ms())
    heard = StepCounter(wiring.PIEZO_FEEDBACK, FEEDBACK_STATE_MACHINE) if "piezo_feedback" in wired else None
    seen = lamp_feedback() if "lamp_feedback" in wired else None
    sound, lamps = SoundCheck(p.annunciator, heard), LampCheck(p.annunciator, seen)
    steps = StepCheck(p.stepper, p.counter)
    bit = p.note.watchdog_works
    checks = (
        ("step_generator", steps.passed, "system_fault"),
        ("pressure_sensor", p.pressure.check, "system_fault"),
        ("piezo", ABSENT if heard is None else sound.passed, "piezo_fault"),
        ("lamp", ABSENT if seen is None else lamps.passed, "lamp_fault"),
        ("battery", ABSENT if p.battery is None else p.battery.check, "system_fault"),
        ("buttons", ABSENT if p.buttons is None else p.buttons.check, "system_fault"),
        ("watchdog", NOT_RUN if bit is None else PASSED if bit else FAILED, "system_fault"),
    )
    p.self_test = SelfTest(sliced, steps, sound, lamps, checks, p.supervisor, p.shutdown, p.memory, p.report)
    p.self_test_commands = SelfTestCommands(p.operator, p.delivery, p.self_test, p.periodic)


def _make_link(p):
    """The link and what it reports."""
    p.boot = chip.random_24()
    outbox, scheduler = p.outbox, p.scheduler
    name = None if p.profile is None else p.profile["name"]
    if p.delivery is None:
        delivery = pressure = NoDelivery()
        parts = ()
    else:
        delivery, pressure = p.delivery, p.pressure
        parts = p.reservoir, p.occlusion_level, p.recovery
    p.queries = Queries(
        name, p.boot, p.supervisor, p.alarms, scheduler, outbox, p.memory, p.calibration,
        p.drug_orders, delivery, pressure, parts,
    )  # fmt: skip
    p.telemetry = TelemetryTask(p.queries, outbox)
    p.maintenance = Maintenance(p.operator, p.annunciator, p.telemetry, p.journal, p.shutdown, scheduler.wake)
    functions = link_functions(p)
    server = Server(functions, p.boot, outbox, p.app.on_internal_error, p.event_log.command)
    p.port = SerialPort()
    p.link = LinkTask(p.port, LineReader(), server, outbox, p.memory.collect_soon)
    p.journal_task = JournalTask(p.journal, p.supervisor, p.delivery, p.report, scheduler.excuse_stall)


def tasks_of(p):
    """All tasks, in the order in which they run when they are due at the same time."""
    tasks = [
        p.link, p.annunciator, p.telemetry, p.reminder, p.shutdown, p.confirmation, p.memory,
        p.journal_task,
    ]  # fmt: skip
    if p.delivery is None:
        return tasks
    first = [
        p.pressure, p.relief, p.delivery, p.monitor, p.early, p.recovery, p.self_test,
        p.periodic, p.therapy, p.reservoir, p.delivered_volume,
    ]  # fmt: skip
    return first + p.sensor_tasks + tasks


def _connect(p):
    """Closes the circles: what follows alarms, states and the account was made with what it follows."""
    if p.delivery is None:
        p.app.connect(p.annunciator, p.delivered_volume)
        return
    motor = Motor(
        p.supervisor, p.delivery, p.monitor, p.reservoir, p.recovery, p.therapy,
        p.scheduler.wake,
    )  # fmt: skip
    p.app.connect(p.annunciator, p.delivered_volume, motor, p.recovery, p.therapy, p.self_test)
    p.delivery.connect(p.reservoir.on_account, p.delivered_volume.on_grant)
