"""A little suite that measures, fails, skips and forgets to measure, for the tests of the evidence plugin."""

from __future__ import annotations

CONFTEST = """
import pytest

from picoinfuse.client.serial_log import Traffic
from picoinfuse.trace.trace import Trace

pytest_plugins = ["picoinfuse.pytest_plugin.evidence"]


@pytest.fixture(autouse=True)
def _evidence(measure):
    pass


class Board:
    '''What the plugin asks of a bench.'''

    def __init__(self):
        self.pump = self
        self.traffic = Traffic()
        self.last_hello = None
        self.trace = Trace()


@pytest.fixture
def bench(watched):
    board = watched(Board())
    board.traffic.clock = lambda: 1.5
    board.traffic.sent(b'{"id":1,"method":"status"}#1234\\n')
    board.traffic.heard(b'{"method":"alarm","params":{"name":"occlusion","priority":"high","active":true}}#1')
    for t in range(1000):
        board.trace.level("step", 1000 * t + 500, 1)
        board.trace.level("step", 1000 * t + 900, 0)
    board.trace.real("pressure_pa", 10, 1000.0)
    return board
"""

TESTS = """
import pytest


def test_measures(measure):
    measure("time to alarm", 0.31, unit="s", at_most=0.6, req="OCC-3")


@pytest.mark.requirement("OCC-1")
def test_fails(measure, bench):
    '''The alarm comes in time.'''
    measure("time to alarm", 0.25, unit="s", at_most=0.6)
    measure("time to alarm again", 0.73, unit="s", at_most=0.6)


def test_measures_nothing():
    assert 1 + 1 == 2


@pytest.mark.skip(reason="bench stub has no wings")
def test_is_skipped():
    pass


@pytest.mark.requirement("NO-1")
def test_without_a_requirement(measure):
    measure("steps", 10, equal=10)


@pytest.mark.waveform
def test_with_a_picture(measure, bench):
    measure("edges", bench.trace.count("step"), equal=1000)


@pytest.fixture
def broken(bench):
    raise RuntimeError("the board did not come up")


def test_has_no_board(measure, broken):
    measure("never", 1, equal=1)
"""
