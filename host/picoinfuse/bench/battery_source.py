"""A battery simulated by a converter's voltage: the battery model under an idle pump's load, at a constant charge."""

from __future__ import annotations

from typing import Any

from picoinfuse.bench.serial import NotWired
from picoinfuse.profile import Profile
from picoinfuse.world.battery import Battery


class _Enable:
    """The ENABLE wire for the model; it never changes, so the motor stays off."""

    def __init__(self) -> None:
        self.listeners: list[Any] = []


class BatterySource:
    """The battery of a profile, full at first. Raises NotWired if the profile has none."""

    def __init__(self, profile: Profile) -> None:
        config = profile.world().get("battery")
        if config is None:
            raise NotWired(f"the rig has a battery_dac, but the profile {profile.name} has no battery")
        self._battery = Battery(config, _Enable())
        whole, part = config["divider"]
        self._share = part / whole

    def set(self, values: dict[str, float]) -> None:
        """Sets values as `world.battery.Battery.set` does."""
        self._battery.set(0, values)

    @property
    def millivolts(self) -> float:
        """Voltage at the terminals."""
        return self._battery.millivolts(0)

    @property
    def pin_mv(self) -> float:
        """Voltage behind the divider, at the pump's ADC pin."""
        return self.millivolts * self._share
