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
    machine.Pin, machine.ADC = Pin, None
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.delitem(sys.modules, "pump.drivers.inputs", raising=False)
    switch = importlib.import_module("pump.drivers.inputs").Switch(17)
    monkeypatch.delitem(sys.modules, "pump.drivers.inputs")
    assert made == [(17, "in", "pull-up")]
    assert switch.value() == 1
