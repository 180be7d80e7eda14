"""A battery that a converter plays: the stub's model of one, with the load of an idle pump, whose charge stays."""

from __future__ import annotations

from typing import Any

from picoinfuse.bench.serial import NotWired
from picoinfuse.profile import Profile
from picoinfuse.world.battery import Battery


class _Enable:
    """The wire that the model listens on: the motor is off."""

    def __init__(self) -> None:
        self.listeners: list[Any] = []


class Cell:
    """Full when it is new."""

    def __init__(self, profile: Profile) -> None:
        config = profile.world().get("battery")
        if config is None:
            raise NotWired(f"the rig has a battery_dac, and the profile {profile.name} no battery")
        self._battery = Battery(config, _Enable())
        whole, part = config["divider"]
        self._share = part / whole

    def set(self, values: dict[str, float]) -> None:
        """As `Bench.battery`."""
        self._battery.set(0, values)

    @property
    def millivolts(self) -> float:
        """At its poles."""
        return self._battery.millivolts(0)

    @property
    def pin_mv(self) -> float:
        """Behind the divider."""
        return self.millivolts * self._share
