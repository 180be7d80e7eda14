"""Several rigs in one run: one worker a rig, each test where it can be run, and refused what cannot be meant."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from picoinfuse.rig.rig_list import NoRigs, rigs_of, shares

RIG = """
capabilities = [{capabilities}]
[pump]
port = "/dev/{name}"
[adapter]
kind = "ft232h"
[lines]
valve = "C0"
run = "C1"
"""
CONFTEST = """
from pathlib import Path
import pytest
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.bench.stub import StubBench
from picoinfuse.profile import load_profile

pytest_plugins = ["picoinfuse.pytest_plugin.rig_scheduling", "picoinfuse.pytest_plugin.lost_boards"]

def pytest_addoption(parser):
    parser.addoption("--bench", default="stub")

def pytest_configure(config):
    config.addinivalue_line("markers", "needs(*capabilities)")

@pytest.fixture
def bench(request):
    '''The board in software in the place of the rig's, with what the rig claims.'''
    kind = bench_kind(str(request.config.getoption("--bench")))
    for mark in request.node.iter_markers("needs"):
        if not set(mark.args) <= kind.capabilities:
            pytest.skip("it has not got it")
    with StubBench(load_profile("syringe-50ml")) as bench:
        yield bench
    with (Path(__file__).parent / "ran").open("a") as file:
        file.write(f"{Path(kind.name).stem} {request.node.name} {bench.pump.boot}\\n")
"""
TESTS = """
import pytest

@pytest.mark.needs("occlude")
@pytest.mark.parametrize("n", range(2))
def test_valve(bench, n):
    assert bench.pump.status().state == "idle"

@pytest.mark.needs("reset")
@pytest.mark.parametrize("n", range(2))
def test_reset(bench, n):
    bench.reset()

@pytest.mark.parametrize("n", range(4))
def test_any(bench, n):
    assert bench.pump.status().state == "idle"

@pytest.mark.needs("battery")
def test_nobody(bench):
    raise AssertionError
"""


def rigs(folder: Path) -> Path:
    for name, capabilities in (("one", '"occlude"'), ("two", '"reset"')):
        (folder / f"{name}.toml").write_text(RIG.format(name=name, capabilities=capabilities), "utf-8")
    return folder


def ran(folder: Path, bench: str, *options: str) -> str:
    (folder / "conftest.py").write_text(CONFTEST, "utf-8")
    (folder / "test_little.py").write_text(TESTS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-c", "/dev/null", "--bench", bench, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    return done.stdout + done.stderr


@pytest.mark.timeout(240)
def test_each_worker_has_a_rig_and_the_tests_that_it_can_run(tmp_path: Path) -> None:
    told = ran(tmp_path, f"rig:{rigs(tmp_path)}", "-n", "2")
    assert "8 passed, 1 skipped" in told, told
    on: dict[str, list[str]] = {"one": [], "two": []}
    for line in (tmp_path / "ran").read_text().splitlines():
        rig, test, _ = line.split()
        on[rig].append(re.sub(r"\[.*", "", test))
    assert sorted(on["one"]) == ["test_any"] * 2 + ["test_valve"] * 2
    assert sorted(on["two"]) == ["test_any"] * 2 + ["test_reset"] * 2


def test_several_rigs_want_as_many_workers(tmp_path: Path) -> None:
    folder = rigs(tmp_path)
    named = f"rig:{folder / 'one.toml'},rig:{folder / 'two.toml'}"
    assert "2 rigs are named: a worker for each is -n 2, not none" in ran(tmp_path, named)
    assert "-n 2, not 3" in ran(tmp_path, named, "-n", "3")


def test_a_mistake_in_any_of_them_ends_the_run_before_the_first_test(tmp_path: Path) -> None:
    folder = rigs(tmp_path)
    (folder / "two.toml").write_text(RIG.format(name="two", capabilities='"power"'), "utf-8")
    told = ran(tmp_path, f"rig:{folder}", "-n", "2")
    assert "two.toml:2: power is claimed, but [lines] has no supply_off" in told
    assert "passed" not in told


def test_one_rig_named_twice_is_refused(tmp_path: Path) -> None:
    file = rigs(tmp_path) / "one.toml"
    with pytest.raises(NoRigs, match=r"one\.toml is named twice"):
        rigs_of(f"rig:{file},rig:{file}")
    with pytest.raises(NoRigs, match="no rig file in"):
        rigs_of(f"rig:{tmp_path / 'nothing'},rig:{_empty(tmp_path)}")


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_what_few_can_do_is_placed_first() -> None:
    small, big = frozenset({"reset"}), frozenset({"reset", "capture"})
    capture, anything = frozenset({"capture"}), frozenset[str]()
    # Three that only the second can do, three that both can: these go to the first.
    assert shares([anything, anything, anything, capture, capture, capture], [small, big]) == [0, 0, 0, 1, 1, 1]
    assert shares([frozenset({"power"})], [small, big]) == [0]  # none can: it is skipped somewhere
