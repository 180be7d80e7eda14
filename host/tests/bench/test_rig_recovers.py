"""A rig whose board is lost: its test fails with what happened, and the next one has the board back.

The board is one in software at a pseudo-terminal; the relay in its supply ends its process and starts another.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from picoinfuse.bench.rig import RigBench
from picoinfuse.bench.serial import LOST, BoardLost
from picoinfuse.client.port import UsbPort
from picoinfuse.common import paths
from picoinfuse.profile import Profile, load_profile
from picoinfuse.rig.file import Line, Rig

pytestmark = pytest.mark.timeout(240)

PROFILE = load_profile("syringe-50ml")
LOCATION = "1-1.2"
START_S = 60
RIG = Rig(
    Path("bench.toml"), "bench", None, LOCATION, "software", 1, {"supply_off": Line("CS", False)}, {},
    frozenset({"power"}), None,
)  # fmt: skip


class Supply:
    """The board in software behind a relay; each time it comes back under another device name. Stands for `Stimuli`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "flash.img"
        self.starts = 0
        self.dead = False
        self.process: subprocess.Popen[bytes] | None = None
        self.give()

    @property
    def port(self) -> Path:
        return self.folder / f"port{self.starts}"

    def give(self) -> None:
        if self.dead:
            return
        self.starts += 1
        command = [sys.executable, "-c", "from picoinfuse.cli import main; main()", "stub"]
        options = ["--link", str(self.port), "--image", str(self.image), "--pace", "real"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, cwd=paths.root())
        deadline_s = time.monotonic() + START_S
        while not self.port.exists() and time.monotonic() < deadline_s:
            time.sleep(0.1)

    def take(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.port.unlink(missing_ok=True)
            self.process = None

    def drive(self, line: str, active: bool) -> None:
        assert line == "supply_off"
        self.take()
        if not active:
            self.give()

    def put_out(self, name: str, millivolts: float) -> None:
        raise AssertionError("this rig has no converter")

    def usb_ports(self) -> list[UsbPort]:
        there = self.process is not None and self.port.exists()
        return [UsbPort(str(self.port), None, LOCATION, "")] if there else []


@pytest.fixture
def supply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supply]:
    supply = Supply(tmp_path)
    monkeypatch.setattr("picoinfuse.rig.port_lookup.usb_ports", supply.usb_ports)
    monkeypatch.setattr("picoinfuse.bench.serial.RESET_TIMEOUT_S", 8.0)
    monkeypatch.setattr("picoinfuse.bench.rig.BACK_S", 4.0)
    yield supply
    supply.take()


def rig_bench(supply: Supply) -> RigBench:
    return RigBench(PROFILE, RIG, supply)  # pyright: ignore[reportArgumentType]


def test_a_board_that_is_unplugged_is_found_again_under_its_new_name(supply: Supply) -> None:
    first = str(supply.port)
    with rig_bench(supply) as bench:
        bench.pump.timeout_s = 0.5
        supply.take()
        with pytest.raises(LOST, match=first):
            bench.pump.status()
    with rig_bench(supply) as bench:
        assert bench.pump.status().state == "idle"
        assert bench.port == str(supply.port) != first


def test_a_board_that_hangs_gets_its_supply_taken_away(supply: Supply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picoinfuse.bench.serial.RESET_TIMEOUT_S", 4.0)
    with rig_bench(supply) as bench:
        bench.pump.timeout_s = 0.3
        assert supply.process is not None
        supply.process.send_signal(signal.SIGSTOP)
        with pytest.raises(LOST, match="no answer to status"):
            bench.pump.status()
    monkeypatch.setattr("picoinfuse.bench.serial.RESET_TIMEOUT_S", 8.0)
    with rig_bench(supply) as bench:
        assert bench.pump.status().state == "idle"
    assert supply.starts >= 2


def test_a_board_that_lost_its_firmware_is_deployed_to(supply: Supply, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed: list[str] = []

    kept = supply.image.read_bytes()

    def deploy(port: str, profile: Profile) -> None:
        """Stands for the real one, which takes half a minute: test_deploy.py."""
        deployed.append(port)
        supply.take()
        supply.image.write_bytes(kept)
        supply.give()

    monkeypatch.setattr("picoinfuse.bench.rig.deploy", deploy)
    monkeypatch.setattr("picoinfuse.bench.serial.RESET_TIMEOUT_S", 4.0)
    supply.take()
    supply.image.write_bytes(b"\xff" * supply.image.stat().st_size)
    supply.give()
    with rig_bench(supply) as bench:
        assert bench.pump.status().state == "idle"
        assert len(deployed) == 1


def test_a_board_that_does_not_come_back_is_lost_with_what_happened(supply: Supply) -> None:
    supply.take()
    supply.dead = True
    with pytest.raises(BoardLost) as lost, rig_bench(supply):
        pass
    assert f"the board of {RIG.file} is lost" in str(lost.value)
    assert f"no Pico is at USB location {LOCATION}" in str(lost.value)
