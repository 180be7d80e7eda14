"""The chip's driver on a fake of `machine` and `rp2`: registers at their addresses, identity as text."""

import importlib
import sys
import types

import pytest

SCRATCH = (0x4005800C, 0x40058010, 0x40058014, 0x40058018)  # RP2040 datasheet, 4.7.6: SCRATCH0 to SCRATCH3


@pytest.fixture
def machine():
    module = types.ModuleType("machine")
    module.mem32 = dict.fromkeys(SCRATCH, 0)
    module.watchdogs = []
    module.unique_id = lambda: bytes([0xE6, 0x60, 0x05])

    class WDT:
        def __init__(self, timeout):
            module.watchdogs.append(timeout)
            self.fed = 0

        def feed(self):
            self.fed += 1

    module.WDT = WDT
    return module


@pytest.fixture
def chip(machine, monkeypatch):
    rp2 = types.ModuleType("rp2")
    rp2.Flash = lambda: "the flash"
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "rp2", rp2)
    monkeypatch.delitem(sys.modules, "pump.drivers.chip", raising=False)
    module = importlib.import_module("pump.drivers.chip")
    yield module
    sys.modules.pop("pump.drivers.chip")


def test_the_watchdog_is_started_once_and_fed(chip, machine):
    watchdog = chip.Watchdog()
    assert machine.watchdogs == [chip.WATCHDOG_MS] == [2000]
    watchdog.feed()
    assert watchdog.feed.__self__.fed == 1


def test_scratch_words_are_the_four_registers_in_order(chip, machine):
    scratch = chip.Scratch()
    for index, address in enumerate(SCRATCH):
        scratch[index] = 100 + index
        assert machine.mem32[address] == 100 + index
        assert scratch[index] == 100 + index
    with pytest.raises(IndexError):
        scratch[4] = 1  # SCRATCH4 is the boot ROM's
    with pytest.raises(IndexError):
        scratch[4]


def test_identity_is_text(chip):
    assert chip.unique_id() == "e66005"
    assert chip.micropython_version() == ".".join(str(part) for part in sys.implementation.version[:3])
    assert chip.board() == sys.platform  # CPython has no _machine
    assert chip.flash_blocks() == "the flash"


@pytest.mark.parametrize(
    ("random", "number"), [(b"\x00\x00\x00", 1), (b"\x12\x34\x56", 0x123456), (b"\xff" * 3, 0xFFFFFF)]
)
def test_a_random_number_has_24_bits_and_is_never_0(chip, monkeypatch, random, number):
    monkeypatch.setattr(chip.os, "urandom", lambda count: random)
    assert chip.random_24() == number
