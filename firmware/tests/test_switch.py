"""An input with a pull-up: the level of its pin."""

import importlib
import sys
import types


def test_a_switch_is_an_input_with_a_pull_up_and_reads_its_pin(monkeypatch):
    made = []

    class Pin:
        IN, PULL_UP = "in", "pull-up"

        def __init__(self, *arguments):
            made.append(arguments)

        def value(self):
            return 1

    machine = types.ModuleType("machine")
    machine.Pin = Pin
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.delitem(sys.modules, "pump.drivers.switch", raising=False)
    switch = importlib.import_module("pump.drivers.switch").Switch(17)
    monkeypatch.delitem(sys.modules, "pump.drivers.switch")
    assert made == [(17, "in", "pull-up")]
    assert switch.value() == 1
