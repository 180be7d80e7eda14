"""The world around the emulated Pico: the same motor, line and sensor as around the stub, at its pins.

The models are the stub's own files (`stub/vm`), which run on MicroPython and on CPython alike. Wires go into the
trace when their level changes; pressure and volumes on a time grid, and only what changed.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from picoinfuse.emulator.device import Pico
from picoinfuse.stub.process import VM_FOLDER
from picoinfuse.trace import REALS, WIRES, Trace

_TEMPERATURE = 4  # the channel of the chip's own
_ADC0_GPIO = 26


def _model(name: str) -> ModuleType:
    """A model of the stub. The models import each other by these names."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, VM_FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class World:
    """`config` is what `Profile.world()` gives."""

    def __init__(
        self, pico: Pico, config: dict[str, Any], *, seed: int, trace: Trace, real_grid_ms: int = 250
    ) -> None:
        self._pico = pico
        self._trace = trace
        self._grid_ns = real_grid_ms * 1_000_000
        self._last: dict[str, float] = {}
        wiring = config["wiring"]
        pico.nets[wiring["enable"]].pull(1)
        pico.nets[wiring["piezo"]].pull(0)
        pico.nets[wiring["strap"]].pull(1)
        for name in ("button_request", "button_stop"):
            if name in wiring:
                pico.nets[wiring[name]].pull(1)
        self.fluid = _model("_fluid").FluidPath(config)
        self.sensor = _model("_sensor").PressureSensor(config["sensor"], seed)
        self.motor = _model("_motor").Motor(
            pico.nets[wiring["step"]],
            pico.nets[wiring["dir"]],
            pico.nets[wiring["enable"]],
            self.fluid,
            config["step_nl"],
            config["reverse"],
        )
        for name in WIRES:
            net = pico.nets[wiring[name]]
            trace.level(name, 0, net.level)
            net.listeners.append(_Probe(name, trace))
        pico.analog(wiring["pressure"] - _ADC0_GPIO, self._read_sensor)
        pico.analog(_TEMPERATURE, lambda t_ns: self.sensor.temperature_u16() >> 4)
        self._schedule = pico.alarm(self._sample)
        self._sample()

    def occlude(self, closed: bool) -> None:
        self.fluid.valve(self._pico.now_ns, closed)

    def patient(self, pressure_pa: float) -> None:
        self.fluid.back_pressure(self._pico.now_ns, pressure_pa)

    def _read_sensor(self, t_ns: int) -> int:
        return self.sensor.read_u16(t_ns, self.fluid.pressure_at(t_ns)) >> 4

    def _sample(self) -> None:
        t_ns = self._pico.now_ns
        self.fluid.advance(t_ns)
        for name in REALS:
            value = getattr(self.fluid, name)
            if value != self._last.get(name):
                self._last[name] = value
                self._trace.real(name, t_ns, value)
        self._trace.extend_to(t_ns)
        self._schedule(self._grid_ns - t_ns % self._grid_ns)


class _Probe:
    """A channel of the logic analyser."""

    def __init__(self, name: str, trace: Trace) -> None:
        self._name = name
        self._level: Callable[[str, int, int], None] = trace.level

    def on_level(self, t_ns: int, level: int) -> None:
        self._level(self._name, t_ns, level)
