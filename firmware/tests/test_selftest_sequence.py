"""The sequence of the self-test: the order of its checks, the first failure, and its results."""

import types

import pytest

from pump.core.supervisor import FAULT, IDLE, SELF_TEST, Supervisor
from pump.selftest.sequence import ABSENT, SelfTest


class World:
    def __init__(self, **results):
        self.calls, self.reports = [], []
        self.sliced = types.SimpleNamespace(names=("memory",), failed=None, run_slice=lambda whole: False)
        self.sliced.begin = lambda: self.calls.append("read")
        self.part = types.SimpleNamespace(
            begin=lambda: self.calls.append("begin"), poll=lambda: None, end=lambda: self.calls.append("end")
        )
        self.supervisor = Supervisor(lambda *what: None)
        checks = [(name, ABSENT if passed is None else lambda p=passed: p, name) for name, passed in results.items()]
        asked = types.SimpleNamespace(asked=False)
        self.test = SelfTest(
            self.sliced, self.part, self.part, self.part, checks, self.supervisor, asked,
            types.SimpleNamespace(free=50_000), lambda name, active, now_ms: self.reports.append(name),
        )  # fmt: skip

    def run(self):
        for now_ms in range(0, 2000, 100):
            self.test.run(now_ms)


def test_all_passed_leads_to_idle():
    world = World(one=True, two=None)
    world.run()
    assert world.test.results == {"memory": "passed", "one": "passed", "two": "absent"}
    assert (world.supervisor.state, world.test.failed, world.reports) == (IDLE, None, [])
    assert world.calls == ["read", "begin", "begin", "begin", "end"]


def test_the_first_failure_ends_it_with_its_own_alarm():
    world = World(one=True, two=False, three=False)
    world.run()
    assert world.test.results == {"memory": "passed", "one": "passed", "two": "failed", "three": "not_run"}
    assert (world.supervisor.state, world.test.failed, world.reports) == (FAULT, "two", ["two"])
    assert world.calls[-1] == "end"  # the steps are taken back


def test_a_check_that_reads_fails_before_anything_moves():
    world = World(one=True)
    world.sliced.failed = "memory"
    world.run()
    assert (world.supervisor.state, world.reports, world.calls) == (FAULT, ["system_fault"], ["read"])


@pytest.mark.parametrize("asked", ["shutdown", "memory"])
def test_it_waits_until_it_may_begin(asked):
    world = World(one=True)
    if asked == "shutdown":
        world.test._shutdown.asked = True
    else:
        world.test._memory.free = 0
    world.run()
    assert (world.supervisor.state, world.calls) == (SELF_TEST, [])
