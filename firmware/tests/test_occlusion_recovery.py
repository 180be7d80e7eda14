"""Recovery from an occlusion: relief, 15 s of checking, and a restart only where nothing speaks against it."""

import pytest

from pump.core.alarms.manager import AlarmManager
from pump.core.occlusion.restarts import Restarts
from pump.core.supervisor import ALARM_STOP, INFUSING, START, TEST_PASSED, Supervisor
from pump.tasks.occlusion_recovery import OcclusionRecovery


class World:
    """A pump that an occlusion has just stopped."""

    def __init__(self, restarts=1):
        self.busy = self.occluded = self.flash_fails = False
        self.pressure_pa, self.limit_pa = 1_000, 68_900
        self.once, self.woken, self.on_end = [], [], None
        self.alarms = AlarmManager(lambda *what: None)
        self.supervisor = Supervisor(lambda *what: None)
        for event in (TEST_PASSED, START, ALARM_STOP):
            self.supervisor.handle(event, 0)
        self.recovery = OcclusionRecovery(
            Restarts(restarts), self, self, self, self, self.supervisor, self.alarms,
            lambda name, active, now_ms: self.alarms.raise_alarm(name, now_ms),
            lambda name, now_ms: self.once.append(name), self.woken.append,
        )  # fmt: skip
        self.alarms.raise_alarm("occlusion", 0)
        self.recovery.on_alarm("occlusion", True, 0)

    # As the relief and the delivered volume:

    def begin(self, on_end, now_ms):
        self.on_end, self.busy = on_end, True

    def cancel(self, now_ms):
        self.busy = False

    def before_motion(self):
        if self.flash_fails:
            raise OSError(28)

    def relieve(self, how="relieved"):
        self.busy = False
        self.on_end(how, 1000)

    def wait(self):
        for now_ms in range(1000, 17_000, 100):
            self.recovery.run(now_ms)


@pytest.fixture
def world():
    return World()


def test_while_the_line_is_relieved_its_alarm_is_held(world):
    assert world.recovery.phase() == "relieving"
    assert world.recovery.holds("occlusion")
    assert not world.recovery.holds("sensor_open")
    world.relieve()
    assert (world.recovery.phase(), world.recovery.holds("occlusion")) == ("checking", False)


def test_an_open_line_restarts_the_infusion(world):
    world.relieve()
    world.wait()
    assert (world.supervisor.state, world.alarms.active()) == (INFUSING, [])


@pytest.mark.parametrize("against", ["person", "pressure", "sensor", "flash", "alarm", "pull"])
def test_nothing_restarts_when_something_speaks_against_it(world, against):
    world.relieve("no_fall" if against == "pull" else "relieved")
    if against == "person":
        world.recovery.cancel_restart()
    elif against == "pressure":
        world.pressure_pa = 34_450  # half the limit
    elif against == "sensor":
        world.pressure_pa = None
    elif against == "flash":
        world.flash_fails = True
    elif against == "alarm":
        world.alarms.raise_alarm("motor_fault", 2000)
        world.recovery.on_alarm("motor_fault", False, 2000)
    world.wait()
    assert world.supervisor.state != INFUSING
    assert world.once == (["pressure_not_following"] if against == "pull" else [])


def test_a_profile_without_restarts_only_relieves():
    world = World(restarts=0)
    world.relieve()
    assert world.recovery.phase() is None


def test_another_alarm_that_stops_delivery_ends_the_relief(world):
    world.alarms.raise_alarm("sensor_open", 100)
    world.recovery.on_alarm("sensor_open", False, 100)
    assert not world.busy
