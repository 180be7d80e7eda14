"""The pump of the random walk: all parts that decide about dose, on a stepper and a line of its own.

The dispatcher, supervisor, alarm manager, motor, recovery, relief, therapy and the delivery task with its grid are the
real ones. The fake stepper makes the steps in the time of a clock, and keeps its own account of where the plunger is.
"""

from pump.app import App
from pump.core import supervisor as sv
from pump.core.alarms.manager import ESCALATE_MS
from pump.core.occlusion.restarts import Restarts
from pump.core.occlusion.retraction import Retraction
from pump.core.therapy.therapy import Therapy
from pump.motor import Motor
from pump.tasks import delivery as module
from pump.tasks.delivery import Delivery
from pump.tasks.occlusion_recovery import OcclusionRecovery
from pump.tasks.pressure_relief import PressureRelief
from pump.tasks.therapy import TherapyTask
from tests.fake_stepper import FakeCounter, FakeStepper, FakeTime

STEP_PL = 349930
MECHANICS = {
    "step_pl": (STEP_PL, 1), "start_hz": 400, "accel_hz_s": 4000, "min_rate_ul_h": 10, "max_rate_ul_h": 1_200_000,
    "resonance_hz": (0, 0),
}  # fmt: skip
OCCLUSION = {
    "retract_to_pa": 1333, "retract_ul_h": 500_000, "retract_max_ul": 600, "compliance_pl_per_pa": 14370,
}  # fmt: skip
LIMIT_PA = 68_900
PA_PER_STEP = STEP_PL / 1000 / 14.37  # of a closed line
LOOK_US = 1_000_000


class Syringe(FakeStepper):
    """Where the plunger is, in steps, and how far each retraction went."""

    def __init__(self, time, pump):
        super().__init__(time)
        self._pump = pump
        self._back = False
        self._turned = 0  # steps made until the last turn
        self._place = 0  # at that turn
        self.stuck = False
        # Of each retraction that is over: steps, place before, and whether the sensor was stuck all the time.
        self.drawn = []

    def place(self):
        moved = self.made() - self._turned
        return self._place + (-moved if self._back else moved)

    def turn(self, back):
        super().turn(back)
        before = self._place
        self._settle()
        if self._back:
            self.drawn.append((before - self._place, before, self.stuck))
        self._back = back
        self.stuck = self._pump.sensor == "high"

    def forget(self):
        """Of what was made only the place is kept."""
        self._settle()
        self._turned = 0
        self.steps.clear()
        self.words.clear()
        self.feed.abort()

    def _settle(self):
        self._place = self.place()
        self._turned = self.made()

    def take(self, word):
        """The motor gets words where the state permits it, or while a stop runs out."""
        supervisor = self._pump.supervisor
        forward = supervisor.permits_motor or self._pump.delivery.stopping
        assert supervisor.permits_retraction if self._back else forward, "motion that nobody permits"
        super().take(word)


class Other:
    """The parts that have no say about dose: they do nothing."""

    def __getattr__(self, name):
        return lambda *what: None


class WalkedPump:
    def __init__(self, us):
        """At `us` of the clock, switched on and tested."""
        self.time = FakeTime()
        self.time.us = us
        module.time = self.time
        self.stepper = Syringe(self.time, self)
        self.counter = FakeCounter(self.stepper)
        world = Other()
        self.app = App(world, world, world, world, world, ESCALATE_MS)
        self.alarms, self.supervisor = self.app.alarms, self.app.supervisor
        self.delivery = Delivery(MECHANICS, self.stepper, self.counter, self._on_end, lambda us, ms: None)
        report, report_once = self.app.report, self.app.report_once
        self.therapy = TherapyTask(
            self.delivery, MECHANICS["step_pl"], self.supervisor, self.alarms, report, report_once
        )
        retraction = Retraction(OCCLUSION, STEP_PL, 1, self.delivery.ramp.start_ul_h)
        # The pump is its own pressure task and detector.
        self.relief = PressureRelief(retraction, self.delivery, self, self.supervisor)
        self.recovery = OcclusionRecovery(
            Restarts(9), self.relief, self, self, world, self.supervisor, self.alarms, report, report_once, world.wake
        )
        self.limit_pa = LIMIT_PA
        motor = Motor(self.supervisor, self.delivery, world, world, self.recovery, self.therapy, world.wake)
        self.app.connect(world, world, motor, self.recovery, self.therapy)
        self.closed_at = None  # place of the plunger when the line was closed, at the limit
        self.sensor = None  # "high": it stays so; "lost"
        self.completed = False  # reported; the walk clears it
        self.started_s = 0.0
        self.started_at = 0  # place of the plunger
        self.given_at_s = []  # patient's boluses of this therapy
        self.supervisor.handle(sv.TEST_PASSED, 0)

    @property
    def now_ms(self):
        return self.time.us // 1000 & 0x3FFFFFFF

    @property
    def pressure_pa(self):
        if self.sensor == "lost":
            return None
        if self.sensor == "high":
            return LIMIT_PA
        if self.closed_at is None:
            return 0
        return max(-20_000, int(LIMIT_PA + (self.stepper.place() - self.closed_at) * PA_PER_STEP))

    @property
    def occluded(self):
        return self.pressure_pa is not None and self.pressure_pa >= LIMIT_PA

    def set_sensor(self, how):
        self.sensor = how
        self.stepper.stuck = False

    def begin(self, regimen, kvo_ul_h=1_000):
        self.stepper.forget()
        self.therapy.begin(Therapy(regimen, *MECHANICS["step_pl"], kvo_ul_h), self.now_ms)
        self.given_at_s = []
        self.started_s = self.time.us / 1e6
        self.started_at = self.stepper.place()
        assert self.supervisor.handle(sv.START, self.now_ms)

    def pass_time(self, seconds):
        end_us = self.time.us + round(seconds * 1e6)
        look_us = self.time.us
        while self.time.us < end_us:
            if self.time.us >= look_us:
                self._look()
                look_us = self.time.us + LOOK_US
            self.relief.run(self.now_ms)
            due_ms = self.delivery.run(self.now_ms)
            if self.relief.busy:
                due_ms = min(due_ms, 10)
            self.time.us += max(1000, min(due_ms * 1000, end_us - self.time.us, look_us - self.time.us))

    def _look(self):
        if self.supervisor.permits_motor and self.occluded:
            self.report("occlusion", True, self.now_ms)
        self.therapy.run(self.now_ms)
        self.recovery.run(self.now_ms)

    def report(self, name, active, now_ms):
        self.app.report(name, active, now_ms)

    def _on_end(self, completed, now_ms):
        if completed and sv.takes(self.supervisor.state, sv.COMPLETED):
            therapy = self.delivery.therapy
            assert therapy.ended, "complete, and it was not"
            assert self.delivery.net_steps() >= therapy.given_steps
            self.completed = True
        self.app.on_motion_end(completed, now_ms)
