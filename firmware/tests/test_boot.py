"""boot.py makes every output safe: the same pins as the wiring, and the enable first."""

import importlib
import sys
import types
from pathlib import Path

import pytest

from pump import wiring

OUTPUTS = ("step", "dir", "enable", "piezo", "lamp_red", "lamp_yellow")


@pytest.fixture
def driven(monkeypatch):
    """Runs boot.py against a fake Pin; the (pin, level) pairs it drove, in order."""
    calls = []

    class Pin:
        OUT = 1

        def __init__(self, number, mode, value):
            assert mode == self.OUT
            calls.append((number, value))

    machine = types.ModuleType("machine")
    machine.Pin = Pin
    monkeypatch.setitem(sys.modules, "machine", machine)
    spec = importlib.util.spec_from_file_location("boot_under_test", Path(__file__).parents[1] / "boot.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return calls


def test_every_output_is_driven_to_its_safe_level(driven):
    # ENABLE is active low; everything else rests at 0.
    assert dict(driven) == {wiring.TABLE[name]: int(name == "enable") for name in OUTPUTS}


def test_the_motor_goes_first(driven):
    assert driven[0] == (wiring.ENABLE, 1)
