"""The journal task: when it writes, and when it may hold the CPU for an erase."""

import types

import pytest

from pump.core.supervisor import INFUSING, SELF_TEST
from pump.tasks.journal import JournalTask


class World:
    def __init__(self):
        self.state = INFUSING
        self.moving, self.covered = True, True
        self.erases = self.stalls = 0
        self.fails = False
        self.reports = []
        self.task = JournalTask(self, self, self, lambda name, active, now_ms: self.reports.append(active), self.stall)

    def stall(self):
        self.stalls += 1

    def cover(self):
        return self.covered

    # As the journal:

    def update_clock(self, now_ms):
        pass

    def write(self):
        if self.fails:
            raise OSError(5)
        return False

    def wants_erase(self, moving):
        return types.SimpleNamespace(erase=self.erase)

    def erase(self):
        self.erases += 1


@pytest.fixture
def world():
    return World()


def test_an_erase_needs_motion_that_is_granted_ahead(world):
    world.covered = False
    world.task.run(0)
    assert world.erases == 0
    world.covered = True
    world.task.run(0)
    assert (world.erases, world.stalls) == (1, 1)


def test_while_something_moves_erases_are_two_seconds_apart(world):
    for now_ms in range(0, 4001, 50):
        world.task.run(now_ms)
    assert world.erases == 3  # at 0, 2000 and 4000 ms


def test_the_self_test_is_not_held_up(world):
    world.state, world.moving = SELF_TEST, False
    world.task.run(0)
    assert world.erases == 0


def test_a_flash_that_fails_is_reported_once_and_again_when_it_is_over(world):
    world.fails = True
    assert [world.task.run(ms) for ms in (0, 1000)] == [1000, 1000]
    world.fails = False
    world.task.run(2000)
    assert world.reports == [True, False]
