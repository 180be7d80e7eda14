"""The reservoir's task and its commands: the level after a reset, the alarms, the refill, and what bars a start."""

import types

import pytest

from pump.commands.reservoir import ReservoirCommands
from pump.core.supervisor import FAULT, IDLE, INFUSING, STOP
from pump.link.schema import Refused
from pump.storage.record import RecordStore
from pump.tasks import reservoir as module
from pump.tasks.reservoir import ReservoirTask

STEP_NL = 350
LIMITS = {
    "capacity_ul": 50_000, "low_ul": 5_000, "empty_ul": 500, "near_empty_min": 30, "harmful_near_empty_min": 60,
    "must_be_told": 1,
}  # fmt: skip


class World:
    def __init__(self, root):
        self.root = str(root)
        self.state, self.net, self.moving, self.busy = IDLE, 0, False, False
        self.therapy = None
        self.active, self.sent, self.drug_in_use = set(), [], None
        self.boot()

    def boot(self):
        nothing = lambda *what: None  # noqa: E731
        scheduler = types.SimpleNamespace(wake=nothing, excuse_stall=nothing)
        store = RecordStore(self.root)
        self.task = ReservoirTask(
            LIMITS, [STEP_NL * 1000, 1], store, self, self, self, scheduler, self.report, self.report
        )
        self.commands = ReservoirCommands(self.task, self, self, self)
        return self.task

    def report(self, name, active, now_ms=0):
        (self.active.add if active else self.active.discard)(name)

    def net_steps(self):
        return self.net

    # As drug orders and operator:

    def check_drug(self, drug):
        pass

    def drug(self):
        return self.drug_in_use

    def send(self, event):
        self.sent.append(event)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "time", types.SimpleNamespace(ticks_ms=lambda: 0))
    return World(tmp_path)


def refusal(call, *what):
    with pytest.raises(Refused) as refused:
        call(*what)
    return refused.value.code


def test_an_unknown_level_bars_a_start_and_a_refill_allows_it(world):
    assert refusal(world.commands.check_start, None) == "reservoir_unknown"
    changes, act, _ = world.commands.refill(20_000_000)
    assert (changes, world.task.left_nl()) == ({"reservoir_nl": [None, 20_000_000]}, None)
    act()
    world.commands.check_start(None)
    assert 20_000_000 <= world.task.left_nl() < 20_000_000 + STEP_NL


def test_an_empty_reservoir_and_another_drug_bar_a_start(world):
    world.task.fill(400_000, None)
    assert refusal(world.commands.check_start, None) == "reservoir_empty"
    world.task.fill(20_000_000, "morphine")
    assert refusal(world.commands.check_start, None) == "other_drug"
    world.commands.check_start(types.SimpleNamespace(drug="morphine"))


def test_the_level_outlives_a_reset_at_rest_and_not_one_in_motion(world):
    world.task.fill(20_000_000, "morphine")
    left_nl = world.task.left_nl()
    assert (world.boot().left_nl(), world.task.drug) == (left_nl, "morphine")
    world.task.on_account()
    world.task.before_motion()
    world.state, world.moving, world.net = INFUSING, True, 1000
    assert world.task.left_nl() == left_nl - 1000 * STEP_NL
    assert world.boot().left_nl() is None


def test_steps_of_the_self_test_take_nothing_off(world):
    world.task.on_account()
    world.task.fill(20_000_000, None)
    before_nl = world.task.left_nl()
    world.task.before_test()
    world.net = 10
    assert world.task.left_nl() == before_nl


def test_another_drug_stops_a_running_infusion(world):
    world.state = INFUSING
    changes, act, _ = world.commands.refill(20_000_000, "morphine")
    assert changes["state"] == ["infusing", "idle"]
    act()
    assert world.sent == [STOP]


@pytest.mark.parametrize(("state", "volume_nl", "code"), [(IDLE, 0, "out_of_range"), (FAULT, 1000, "wrong_state")])
def test_a_refill_is_refused(world, state, volume_nl, code):
    world.state = state
    assert refusal(world.commands.refill, volume_nl) == code


def test_an_empty_alarm_stays_until_the_refill(world, monkeypatch):
    monkeypatch.setattr(module, "seconds_until", lambda therapy, volume_nl: 10_000)
    world.state, world.therapy = INFUSING, types.SimpleNamespace(regimen={})
    world.task.fill(4_000_000, None)
    world.task.run(0)
    assert world.active == {"reservoir_low"}
    world.task.fill(400_000, None)
    world.task.run(0)
    world.state = IDLE
    world.task.run(0)
    assert world.active == {"reservoir_empty"}
    world.task.fill(20_000_000, None)
    world.task.run(0)
    assert world.active == set()
