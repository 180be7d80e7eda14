"""Composition: makes every part of the pump and hands it the parts that it uses. Dropped after the boot (run.py), so
nothing that stays may be a function from here. Modules that a profile can do without are loaded only where it has them.

The order follows from who needs whom. Three calls close the circles that remain: Scheduler.set_tasks (startup.py),
App.connect and Delivery.connect.
"""

import time

from pump import wiring
from pump.app import App
from pump.boot.link_functions import link_functions
from pump.commands.calibration import CalibrationCommands
from pump.commands.confirmation import Confirmation
from pump.commands.drug_orders import DrugOrders
from pump.commands.flow_changes import FlowChanges
from pump.commands.maintenance import Maintenance, SelfTestCommands
from pump.commands.occlusion_level import OcclusionLevel
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
from pump.storage.calibration import CalibrationFault, load_calibration
from pump.storage.event_log import EventLog
from pump.storage.journal import open_journal
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


class Assembly:
    """All parts, while they are put together. Without a valid profile and calibration `delivery` is None."""

    def __init__(self, note, profile):
        """`note`: the ResetNote. `profile`: the checked profile, or None."""
        self.note = note
        self.profile = profile
        self.delivery = self.pressure = self.therapy = self.reservoir = self.battery = self.buttons = None
        self.relief = self.recovery = self.self_test = None
        self.samplers = ()
        self._make_base()
        self._load_calibration()
        self.sensor_tasks = []
        if profile is not None and self.calibration_fault is None:
            self._make_delivery()
            self._make_sensors()
        self._make_commands()
        if self.delivery is not None:
            self._make_self_test()
        self._make_link()
        self._connect()

    def _make_base(self):
        """The parts that every pump has, and that the others report to."""
        profile = self.profile
        self.scheduler = Scheduler(time.ticks_ms, time.sleep_ms)
        self.store = RecordStore()
        self.journal, self.journal_trouble = open_journal(self.store, chip.flash_blocks(), chip.random_24())
        self.event_log = EventLog(self.journal)
        self.outbox = Outbox([row[0] for row in ALARMS])
        self.confirmation = Confirmation(chip.random_24)
        escalate_ms = ESCALATE_MS if profile is None else profile["alarms"]["escalate_ms"]
        app = App(self.note, self.outbox, self.event_log, self.confirmation, self.scheduler, escalate_ms)
        self.app = app
        self.alarms, self.supervisor = app.alarms, app.supervisor
        self.report, self.report_once = app.report, app.report_once
        self.annunciator = Annunciator(self.alarms, Piezo(), Lamps())
        self.memory = GarbageCollection(app.report_fault, self.scheduler)
        self.shutdown = Shutdown(self.outbox, self.note, self.scheduler)
        self.reminder = SuspendedReminder(self.supervisor, self.report)
        self.last_therapy = LastTherapy(self.store, self.journal)

    def _load_calibration(self):
        """Puts the calibrated volume of a step in the place of the geometric one: before all that is made with it."""
        profile = self.profile
        self.calibration_in_force = self.calibration_fault = self.geometric_step_pl = None
        if profile is None:
            return
        mechanics = profile["mechanics"]
        self.geometric_step_pl = mechanics["step_pl"]
        try:
            self.calibration_in_force = load_calibration(profile["name"], self.geometric_step_pl, self.store)
            mechanics["step_pl"] = list(self.calibration_in_force.step_pl)
        except CalibrationFault as fault:
            self.calibration_fault = fault

    def _make_delivery(self):
        """Motion, occlusion and therapy."""
        profile, supervisor, report, wake = self.profile, self.supervisor, self.report, self.scheduler.wake
        mechanics, occlusion = profile["mechanics"], profile["occlusion"]
        step_pl = mechanics["step_pl"]
        self.stepper, self.counter = Stepper(mechanics["reverse"]), StepCounter()
        self.detector = ThresholdDetector(occlusion[occlusion["default"] + "_pa"], occlusion["persistence_ms"])
        sensor = PressureSensor(wiring.PRESSURE)
        self.pressure = pressure = PressureTask(sensor, profile["sensor"], self.detector, report)
        self.samplers += (pressure,)
        app = self.app
        delivery = Delivery(mechanics, self.stepper, self.counter, app.on_motion_end, app.on_late_motion)
        self.delivery = delivery
        self.therapy = TherapyTask(delivery, step_pl, supervisor, self.alarms, report, self.report_once)
        retraction = Retraction(occlusion, step_pl[0], step_pl[1], delivery.ramp.start_ul_h)
        self.relief = relief = PressureRelief(retraction, delivery, pressure, supervisor)
        self.reservoir = ReservoirTask(
            profile["reservoir"], step_pl, self.store, delivery, relief, supervisor, self.scheduler, report,
            self.report_once,
        )  # fmt: skip
        self._make_delivered_volume()
        self.recovery = OcclusionRecovery(
            Restarts(occlusion["auto_restarts"]), relief, pressure, self.detector, self.delivered_volume, supervisor,
            self.alarms, report, self.report_once, wake,
        )  # fmt: skip
        self.monitor = DeliveryMonitorTask(DeliveryMonitor(mechanics), delivery, supervisor, report)
        detector = EarlyOcclusion(occlusion["compliance_pl_per_pa"], step_pl[0], step_pl[1])
        self.early = EarlyOcclusionTask(detector, delivery, pressure, supervisor, report)

    def _make_delivered_volume(self):
        self.delivered_volume = DeliveredVolume(
            self.last_therapy, self.note.scratch, self.alarms, self.scheduler, self.delivery, self.relief, self.profile
        )

    def _make_sensors(self):
        """The tasks of the sensors that the profile may have."""
        profile, report, tasks = self.profile, self.report, self.sensor_tasks
        wired, occlusion = profile["wiring"], profile["occlusion"]
        if "battery" in profile:
            from pump.drivers.battery_sensor import BatterySensor
            from pump.tasks.battery import BatteryTask

            config = profile["battery"]
            self.battery = BatteryTask(BatterySensor(config["divider"]), config, self.stepper, report)
            tasks.append(self.battery)
        if "upstream" in wired:
            from pump.tasks.upstream import UpstreamTask

            sensor = PressureSensor(wiring.UPSTREAM)
            limit_pa, persistence_ms = occlusion["upstream_pa"], occlusion["persistence_ms"]
            upstream = UpstreamTask(sensor, profile["sensor"], limit_pa, persistence_ms, report)
            tasks.append(upstream)
            self.samplers += (upstream,)
        if "air" in wired:
            from pump.tasks.upstream import AirTask

            tasks.append(AirTask(wiring.AIR, report))

    def _make_commands(self):
        """What the link and the buttons can do."""
        profile, supervisor, delivery, scheduler = self.profile, self.supervisor, self.delivery, self.scheduler
        if delivery is None:
            self._make_delivered_volume()
        self.operator = Operator(
            supervisor, self.alarms, self.annunciator, self.reminder, self.confirmation, scheduler.wake, self.therapy,
            self.recovery,
        )  # fmt: skip
        required = profile is not None and profile["library"]["required"]
        self.drug_orders = DrugOrders(
            self.store, supervisor, delivery, scheduler, self.report, self.report_once, required
        )
        self.calibration = CalibrationCommands(
            None if profile is None else profile["name"], self.geometric_step_pl, self.calibration_in_force,
            self.calibration_fault, self.store, supervisor, delivery, self.shutdown,
        )  # fmt: skip
        if delivery is not None:
            self.reservoir_commands = ReservoirCommands(self.reservoir, supervisor, self.drug_orders, self.operator)
            self.occlusion_level = OcclusionLevel(profile["occlusion"], self.detector)
            self.flow_changes = FlowChanges(
                profile, supervisor, self.operator, delivery, self.therapy, self.delivered_volume,
                self.reservoir_commands, self.drug_orders, self.report_once,
            )  # fmt: skip

    def _make_self_test(self):
        """The self-test, and the buttons, which it checks."""
        profile, wired = self.profile, self.profile["wiring"]
        if "button_request" in wired or "button_stop" in wired:
            from pump.tasks.buttons import ButtonsTask

            self.buttons = ButtonsTask(wired, self.operator, self.report, time.ticks_ms())
            self.sensor_tasks.append(self.buttons)
        collect_soon = self.memory.collect_soon
        names = ("memory", "firmware", "settings")
        reading = MemoryCheck(self.memory), firmware_crc.make(chip.mapped_flash, collect_soon), SettingsCheck(profile)
        sliced = SlicedChecks(names, reading, collect_soon)
        self.periodic = PeriodicSelfTest(self.supervisor, sliced, self.report, time.ticks_ms())
        heard = StepCounter(wiring.PIEZO_FEEDBACK, FEEDBACK_STATE_MACHINE) if "piezo_feedback" in wired else None
        seen = lamp_feedback() if "lamp_feedback" in wired else None
        sound, lamps = SoundCheck(self.annunciator, heard), LampCheck(self.annunciator, seen)
        steps = StepCheck(self.stepper, self.counter)
        bit = self.note.watchdog_works
        checks = (
            ("step_generator", steps.passed, "system_fault"),
            ("pressure_sensor", self.pressure.check, "system_fault"),
            ("piezo", ABSENT if heard is None else sound.passed, "piezo_fault"),
            ("lamp", ABSENT if seen is None else lamps.passed, "lamp_fault"),
            ("battery", ABSENT if self.battery is None else self.battery.check, "system_fault"),
            ("buttons", ABSENT if self.buttons is None else self.buttons.check, "system_fault"),
            ("watchdog", NOT_RUN if bit is None else PASSED if bit else FAILED, "system_fault"),
        )
        self.self_test = SelfTest(
            sliced, steps, sound, lamps, checks, self.supervisor, self.shutdown, self.memory, self.report
        )
        self.self_test_commands = SelfTestCommands(self.operator, self.delivery, self.self_test, self.periodic)

    def _make_link(self):
        """The link and what it reports."""
        self.boot = chip.random_24()
        outbox, scheduler = self.outbox, self.scheduler
        name = None if self.profile is None else self.profile["name"]
        if self.delivery is None:
            delivery = pressure = NoDelivery()
            parts = ()
        else:
            delivery, pressure = self.delivery, self.pressure
            parts = self.reservoir, self.occlusion_level, self.recovery
        self.queries = Queries(
            name, self.boot, self.supervisor, self.alarms, scheduler, outbox, self.memory, self.calibration,
            self.drug_orders, delivery, pressure, parts,
        )  # fmt: skip
        self.telemetry = TelemetryTask(self.queries, outbox)
        self.maintenance = Maintenance(
            self.operator, self.annunciator, self.telemetry, self.journal, self.shutdown, scheduler.wake
        )
        functions = link_functions(self)
        server = Server(functions, self.boot, outbox, self.app.on_internal_error, self.event_log.command)
        self.port = SerialPort()
        self.link = LinkTask(self.port, LineReader(), server, outbox, self.memory.collect_soon)
        self.journal_task = JournalTask(
            self.journal, self.supervisor, self.delivery, self.report, scheduler.excuse_stall
        )

    def tasks(self):
        """All tasks, in the order in which they run when they are due at the same time."""
        tasks = [
            self.link, self.annunciator, self.telemetry, self.reminder, self.shutdown, self.confirmation, self.memory,
            self.journal_task,
        ]  # fmt: skip
        if self.delivery is None:
            return tasks
        first = [
            self.pressure, self.relief, self.delivery, self.monitor, self.early, self.recovery, self.self_test,
            self.periodic, self.therapy, self.reservoir, self.delivered_volume,
        ]  # fmt: skip
        return first + self.sensor_tasks + tasks

    def _connect(self):
        """Closes the circles: what follows alarms, states and the account was made with what it follows."""
        if self.delivery is None:
            self.app.connect(self.annunciator, self.delivered_volume)
            return
        motor = Motor(
            self.supervisor, self.delivery, self.monitor, self.reservoir, self.recovery, self.therapy,
            self.scheduler.wake,
        )  # fmt: skip
        self.app.connect(self.annunciator, self.delivered_volume, motor, self.recovery, self.therapy, self.self_test)
        self.delivery.connect(self.reservoir.on_account, self.delivered_volume.on_grant)
