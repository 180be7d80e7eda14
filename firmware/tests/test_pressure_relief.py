"""The relief task on a fake stepper: when it turns the motor, when it ends, and what it leaves behind."""

import pytest

from pump.core.occlusion.retraction import Retraction
from pump.core.therapy.regimen import continuous
from pump.core.therapy.therapy import Therapy
from pump.tasks import delivery as module
from pump.tasks import pressure_relief as relief_module
from pump.tasks.delivery import Delivery
from pump.tasks.pressure_relief import PressureRelief
from tests.fake_stepper import FakeCounter, FakeStepper, FakeTime

# A step is 350 nL; 500 mL/h are 397 Hz, and need no ramp.
MECHANICS = {"step_pl": [350_000, 1], "start_hz": 400, "accel_hz_s": 4000}
OCCLUSION = {
    "retract_to_pa": 1333, "retract_ul_h": 500_000, "retract_max_ul": 2500, "compliance_pl_per_pa": 14370,
}  # fmt: skip
PUSHED = 4_000  # steps: 1.4 mL
PA_PER_STEP = 350 / 14.37


class Rig:
    """A closed line with 68.9 kPa, after an occlusion stop: stepper, counter, delivery, relief."""

    def __init__(self):
        self.time = FakeTime()
        module.time = self.time
        self.stepper = FakeStepper(self.time)
        self.delivery = Delivery(MECHANICS, self.stepper, FakeCounter(self.stepper), lambda *_: None, lambda *_: None)
        self.therapy = Therapy(continuous(500_000, 5_000_000), 350_000, 1)
        self.ends = []
        self.permits_retraction = True
        self.closed = True
        self.broken = False
        retraction = Retraction(OCCLUSION, 350_000, 1, self.delivery.ramp.start_ul_h)
        self.relief = PressureRelief(retraction, self.delivery, self, self)
        self._push()

    def _push(self):
        self.delivery.begin(self.therapy)
        self.delivery.go()
        while self.delivery.net_steps() < PUSHED:
            self.delivery.run(0)
            self.time.us += 10_000
        self.delivery.halt()
        self.pushed = self.delivery.net_steps()

    @property
    def pressure_pa(self):
        if self.broken:
            return None
        return int(68_900 - (self.pushed - self.delivery.net_steps()) * PA_PER_STEP) if self.closed else 68_900

    def run(self, seconds):
        for _ in range(int(seconds * 100)):
            now_ms = self.time.us // 1000
            self.relief.run(now_ms)
            self.delivery.run(now_ms)
            self.time.us += 10_000

    def begin(self):
        self.relief.begin(lambda how, now_ms: self.ends.append(how), self.time.us // 1000)


@pytest.fixture
def rig():
    return Rig()


def test_nothing_happens_before_it_is_asked(rig):
    rig.run(5)
    assert (rig.ends, rig.delivery.net_steps()) == ([], rig.pushed)


def test_it_waits_for_the_motor_to_stand_and_draws_back_until_the_pressure_is_gone(rig):
    rig.begin()
    rig.run(0.19)
    assert not rig.delivery.back
    rig.run(10)
    assert rig.ends == ["relieved"]
    # 67.6 kPa of 24.4 Pa a step are 2774 steps; it looks every 10 ms, four steps.
    drawn = rig.pushed - rig.delivery.net_steps()
    assert drawn == pytest.approx((68_900 - 1_333) / PA_PER_STEP, abs=8)
    assert rig.therapy.given_steps == rig.delivery.net_steps()
    assert (rig.delivery.therapy, rig.delivery.back, rig.stepper.enabled) == (rig.therapy, False, False)


@pytest.mark.parametrize(
    ("what", "how"), [("closed", "no_fall"), ("broken", "no_pressure"), ("permits_retraction", "cancelled")]
)
def test_it_ends_by_name_and_leaves_the_account_right(rig, what, how):
    rig.begin()
    rig.run(0.1 if what == "closed" else 2)
    setattr(rig, what, what == "broken")
    rig.run(5)
    assert rig.ends == [how]
    assert not rig.relief.busy
    assert rig.therapy.given_steps == rig.delivery.net_steps()
    assert not rig.stepper.enabled


def test_a_cancel_ends_it_at_once_and_only_once(rig):
    rig.begin()
    rig.run(1)
    rig.relief.cancel(0)
    rig.relief.cancel(0)
    assert rig.ends == ["cancelled"]
    assert not rig.stepper.enabled


def test_a_line_without_pressure_is_relieved_as_it_is(rig):
    rig.pushed += 10_000  # the pressure is far below
    rig.begin()
    rig.run(1)
    assert rig.ends == ["relieved"]
    assert not rig.stepper.enabled
    assert relief_module.CANCELLED not in rig.ends
