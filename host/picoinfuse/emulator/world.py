"""Connects the models of `picoinfuse.world` to the pins of the emulated Pico, and records the trace.

Wires are recorded when their level changes; pressure and volumes on a time grid, and only if they have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from picoinfuse.emulator.device import Pico
from picoinfuse.emulator.errors import EmulatorError
from picoinfuse.emulator.nets import Net
from picoinfuse.trace.trace import REALS, WIRES, Trace
from picoinfuse.world.battery import Battery
from picoinfuse.world.fluid import FluidPath
from picoinfuse.world.motor import Motor
from picoinfuse.world.sensor import PressureSensor

_TEMPERATURE = 4  # ADC channel of the chip's temperature sensor
_ADC0_GPIO = 26


class World:
    """The models around `pico`. `config`: as from `Profile.world()`. `seed`: of the sensors' noise. `real_grid_ms`:
    sampling interval of pressure and volumes.
    """

    def __init__(self, pico: Pico, config: dict[str, Any], *, seed: int, trace: Trace, real_grid_ms: int = 250) -> None:
        self._pico = pico
        self._trace = trace
        self._grid_ns = real_grid_ms * 1_000_000
        self._last: dict[str, float] = {}
        wiring = config["wiring"]
        self._add_circuits(wiring)
        self.fluid = FluidPath(config)
        self.sensor = PressureSensor(config["sensor"], seed)
        self.motor = Motor(
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
        self._battery: Any = None
        self.upstream = PressureSensor(config["sensor"], seed + 1)
        self.upstream_pa = 0.0
        self._add_sensors(config)
        self._schedule = pico.alarm(self._sample)
        self._sample()

    def _add_circuits(self, wiring: dict[str, int]) -> None:
        """Adds the board's resistors and feedback. Buttons close to ground; the air detector is low at rest."""
        nets = {name: self._pico.nets[pin] for name, pin in wiring.items()}
        for name in ("enable", "strap", "button_request", "button_stop"):
            if name in nets:
                nets[name].pull(1)
        for name in ("piezo", "air"):
            if name in nets:
                nets[name].pull(0)
        if "piezo_feedback" in nets:
            _Follower(nets["piezo_feedback"], [nets["piezo"]])
        if "lamp_feedback" in nets:
            _Follower(nets["lamp_feedback"], [nets["lamp_red"], nets["lamp_yellow"]])

    def _add_sensors(self, config: dict[str, Any]) -> None:
        pico, wiring = self._pico, config["wiring"]
        pico.analog(_TEMPERATURE, lambda t_ns: self.sensor.temperature_u16() >> 4)
        pico.analog(wiring["pressure"] - _ADC0_GPIO, self._read_sensor)
        if "upstream" in wiring:
            pico.analog(wiring["upstream"] - _ADC0_GPIO, self._read_upstream)
        if "battery" in config:
            self._battery = Battery(config["battery"], pico.nets[wiring["enable"]])
            pico.analog(wiring["battery"] - _ADC0_GPIO, lambda t_ns: self._battery.read_u16(t_ns) >> 4)

    def occlude(self, closed: bool) -> None:
        """Closes or opens the valve in the line."""
        self.fluid.valve(self._pico.now_ns, closed)

    def patient(self, pressure_pa: float) -> None:
        """Sets the pressure on the patient's side."""
        self.fluid.back_pressure(self._pico.now_ns, pressure_pa)

    def battery(self, values: dict[str, Any]) -> float:
        """Sets values as `world.battery.Battery.set` does; returns the voltage at the terminals in mV. Raises
        EmulatorError when the profile has no battery.
        """
        if self._battery is None:
            raise EmulatorError("the profile has no battery")
        self._battery.set(self._pico.now_ns, values)
        return self._battery.millivolts(self._pico.now_ns)

    def _read_upstream(self, t_ns: int) -> int:
        return self.upstream.read_u16(t_ns, self.upstream_pa) >> 4

    def _read_sensor(self, t_ns: int) -> int:
        return self.sensor.read_u16(t_ns, self.fluid.pressure_at(t_ns)) >> 4

    def _sample(self) -> None:
        self.update()
        self._schedule(self._grid_ns - self._pico.now_ns % self._grid_ns)

    def update(self) -> None:
        """Records the current pressure and volumes in the trace."""
        t_ns = self._pico.now_ns
        self.fluid.advance(t_ns)
        for name in REALS:
            value = getattr(self.fluid, name)
            if value != self._last.get(name):
                self._last[name] = value
                self._trace.real(name, t_ns, value)
        self._trace.extend_to(t_ns)


class _Follower:
    """A wire that a circuit on the board makes high while one of others is, as on the stub."""

    def __init__(self, net: Net, followed: list[Net]) -> None:
        self._net = net
        self._followed = followed
        for other in followed:
            other.listeners.append(self)
        net.pull(0)

    def on_level(self, t_ns: int, level: int) -> None:
        self._net.pull(max(other.level for other in self._followed))


class _Probe:
    """Records the levels of one wire."""

    def __init__(self, name: str, trace: Trace) -> None:
        self._name = name
        self._level: Callable[[str, int, int], None] = trace.level

    def on_level(self, t_ns: int, level: int) -> None:
        self._level(self._name, t_ns, level)
