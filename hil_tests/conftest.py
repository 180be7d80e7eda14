"""The suite's fixtures: `--bench` chooses the board, `bench` hands each test a freshly reset one.

A test names the capabilities that it needs, `@pytest.mark.needs("occlude")`; a bench that lacks one skips it, with
the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from picoinfuse.bench import Bench
from picoinfuse.bench.base import CAPABILITIES, MOST_S
from picoinfuse.bench.kinds import KINDS, BenchKind, BenchMissing, bench_kind
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.evidence.measuring import Measure
from picoinfuse.profile import load_profile
from picoinfuse.pytest_plugin.board_pool import copied, needs, profile_name

if TYPE_CHECKING:
    from picoinfuse.pytest_plugin.evidence import Watch

for _name in ("cuts", "expect", "recorded_day"):  # so that their asserts show values
    pytest.register_assert_rewrite(f"hil_tests.{_name}")

pytest_plugins = [
    "picoinfuse.pytest_plugin.evidence",
    "picoinfuse.pytest_plugin.rig_scheduling",
    "picoinfuse.pytest_plugin.lost_boards",
    "picoinfuse.pytest_plugin.forked_boards",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("picoinfuse")
    group.addoption("--bench", default="stub", help=f"{', '.join(KINDS)}, serial:PORT or rig:FILE.toml")
    group.addoption("--profile", default="syringe-50ml", help="its profile in boards/")
    group.addoption("--cut", default="", help="OPERATION:TORN of test_power_cuts.py, as a failure prints it")
    group.addoption("--seed", type=int, default=1, help="of the sensor's noise; the same seed gives the same run")


def pytest_report_header(config: pytest.Config) -> str:
    bench, profile, seed = (_option(config, name) for name in ("--bench", "--profile", "--seed"))
    return f"bench: {bench}, profile {profile}, seed {seed}"


def _option(config: pytest.Config, name: str) -> str:
    return str(config.getoption(name))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Deploys once, before the workers of a parallel run start. When the bench is missing, the tests
    are skipped.
    """
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    kind = bench_kind(_option(config, "--bench"))
    try:
        with suppress(BenchMissing):
            kind.prepare(load_profile(_option(config, "--profile")))
    except PicoinfuseError as error:
        if kind.boards is None:
            raise
        raise pytest.UsageError(f"bench {kind.name}: {error}") from error  # no board, no adapter: one sentence


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose needs this bench cannot meet, also one that makes its own board. Runs before the fixtures:
    some of them record a whole day.
    """
    needed = needs(item)
    unknown = needed - set(CAPABILITIES)
    assert not unknown, f"no bench has {', '.join(unknown)}; bench/base.py lists what there is"
    kind = bench_kind(_option(item.config, "--bench"))
    missing = needed - kind.capabilities
    if missing:
        pytest.skip(f"bench {kind.name} has no {', '.join(sorted(missing))}")


@pytest.fixture(scope="session")
def bench_here(pytestconfig: pytest.Config) -> BenchKind:
    """The kind of bench. Skips the test when the bench is missing."""
    kind = bench_kind(_option(pytestconfig, "--bench"))
    try:
        kind.prepare(load_profile(_option(pytestconfig, "--profile")))
    except BenchMissing as reason:
        pytest.skip(f"bench {kind.name}: {reason}")
    return kind


@pytest.fixture(autouse=True)
def _evidence(measure: Measure, bench_here: BenchKind) -> None:
    """Every test of this suite is evidence through its measurements; a test without one is listed as such. Skips
    the test when the bench is missing, also a test that makes its own board.
    """


@pytest.fixture
def bench(request: pytest.FixtureRequest, bench_here: BenchKind, watched: Watch) -> Iterator[Bench]:
    """A board just after power-on, its pump connected and idle."""
    name = profile_name(request.node)
    if bench_here.boards is not None and name != _option(request.config, "--profile"):
        pytest.skip(f"bench {bench_here.name} has the mechanics of --profile, not of {name}")
    profile = load_profile(name)
    opening = copied(request.config, name) or bench_here.open(profile, int(_option(request.config, "--seed")))
    with watched(opening) as opened:  # before it starts, so that a board that fails to start has a log too
        began_s = opened.now()
        yield opened
        took_s = opened.now() - began_s
    allowed = took_s <= MOST_S or "virtual_time" in needs(request.node)
    assert allowed, f"{took_s:.0f} s of bench time: this test needs virtual_time"
