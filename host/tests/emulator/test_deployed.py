"""The flash that is made here is the one that a deployment over the serial port leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from picoinfuse.bench.emulator import EmulatorBench
from picoinfuse.deploy import deploy
from picoinfuse.emulator.deployed import deployed_flash, erased
from picoinfuse.image import uf2
from picoinfuse.profile import load_profile

PROFILE = load_profile("syringe-50ml")

pytestmark = pytest.mark.timeout(300)  # with the wall clock


def test_a_deployment_finds_nothing_to_do(uf2_file: Path):
    with EmulatorBench(PROFILE, uf2_file=uf2_file) as bench:
        done = deploy(bench.port, PROFILE)
    assert (done.files_copied, done.files_removed) == (0, 0)
    assert done.files_skipped > 50
    assert done.hello.profile == PROFILE.name


@pytest.mark.long
def test_an_empty_flash_is_deployed_to_over_the_serial_port(uf2_file: Path):
    with EmulatorBench(PROFILE, uf2_file=uf2_file, deployed=False) as bench:
        done = deploy(bench.port, PROFILE)
        assert deploy(bench.port, PROFILE).files_copied == 0
    assert done.files_copied > 50
    assert done.hello.micropython == "1.25.0"


def test_it_is_made_once_and_fits_the_filesystems_part_of_the_flash(uf2_file: Path):
    image = uf2.read(uf2_file)
    made = deployed_flash(PROFILE, image)
    assert made == deployed_flash(PROFILE, image)
    assert made != deployed_flash(load_profile("syringe-50ml-geared"), image)
    assert made.stat().st_size == len(erased())
