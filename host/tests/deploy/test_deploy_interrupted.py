"""Deploying to the board in software with stock mpremote, cut short at a file, then at the next, and so on.

Whatever file it was, the next start is the old application; a second deployment goes on from there. What happens in the
midst of a file's own writes, and while files are moved in, is test_deploy_cuts.py's.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.common import paths
from picoinfuse.deploy import deploy
from picoinfuse.deploy.mpremote import Runner, run_mpremote
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")
OTHER = load_profile("syringe-10ml")


class CutShort(Exception):
    pass


def cut_at(file: int) -> Runner:
    """mpremote is killed when it begins to copy that file, counted from 0."""

    def run(arguments: list[str], on_line: Callable[[str], None]) -> None:
        begun = 0

        def take(line: str) -> None:
            nonlocal begun
            on_line(line)
            begun += line.startswith("cp ")
            if begun > file:
                raise CutShort

        run_mpremote(arguments, take)

    return run


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubBench]:
    """With this firmware on it, while the clone has another one: every file differs."""
    with StubBench(PROFILE) as bench:
        if not bench.engine.has_flash:
            pytest.skip("no MicroPython VM for this platform, so no filesystem that can be cut")
        newer = tmp_path / "firmware"
        shutil.copytree(paths.firmware(), newer, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        for file in newer.rglob("*.py"):
            if file.stat().st_size:  # an empty __init__.py stays at home
                file.write_text(file.read_text() + "\n_NEWER = 1\n")
        monkeypatch.setattr("picoinfuse.deploy.staging.paths.firmware", lambda: newer)
        yield bench


def assert_old_application(bench: StubBench) -> None:
    """By granted time: on a busy machine a pump that runs by the wall clock may rightly say that it is late."""
    bench.grant_time()
    bench.power_cycle(0.1)
    assert bench.pump.hello().profile == PROFILE.name
    assert bench.pump.status().state == "idle"


def cut_short(bench: StubBench, file: int) -> None:
    with pytest.raises(CutShort):
        deploy(bench.port, OTHER, run=cut_at(file))


@pytest.mark.timeout(300)  # three deployments by the wall clock
@pytest.mark.parametrize("file", [0, 40])
def test_a_deployment_that_is_cut_short_has_changed_nothing_and_the_next_one_goes_on(
    bench: StubBench, file: int
) -> None:
    cut_short(bench, file)
    assert_old_application(bench)
    done = deploy(bench.port, OTHER)
    assert done.hello.profile == OTHER.name
    assert done.files_skipped >= file  # those were there already


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_cut_short_at_every_file_one_after_the_other(bench: StubBench) -> None:
    files = sum(path.is_file() for path in paths.firmware().rglob("*.py") if path.stat().st_size) + 1  # and the profile
    for file in range(files):
        cut_short(bench, file)
        assert_old_application(bench)
    assert deploy(bench.port, OTHER).hello.profile == OTHER.name
