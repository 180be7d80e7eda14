"""The interface of every bench. A test names the capabilities it needs and is skipped where one is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from picoinfuse.client.pump import Pump
from picoinfuse.profile import Profile
from picoinfuse.trace.trace import Trace

# All capabilities: name -> what a test can do with it.
CAPABILITIES = {
    "capture": "trace: edges of step, dir, enable, piezo and lamps",
    "exact": "trace: edges to the ns by the board's own clock; an instrument resolves 1 µs, by its own crystal",
    "pressure": "trace: true pressure in the line, delivered and patient volume",
    "occlude": "occlude(): the valve in the line",
    "patient": "patient(): pressure on the patient's side of the line",
    "sensor": "sensor_fault(): open or short; with `converter` also frozen",
    "upstream": "upstream(), upstream_fault(): the supply before the pump, if the profile has its sensor",
    "converter": "sensor_fault(): jump, stuck or reference; sensor_drift()",
    "motor": "motor_fault(): a motor that does not follow its steps",
    "reset": "reset(): the RUN pin",
    "power": "power_cycle(): the supply",
    "hang": "hang_cpu(): the CPU stops executing",
    "slow": "slow_cpu(): every turn of the main loop takes longer",
    "damage": "break_task(), clock_jump(), soft_reset(): faults of program or clock",
    "heap": "exhaust_heap(): a heap of the size of a Pico's",
    "pin": "drive_pin(): a strap, a button, or a wire held by a fault",
    "watchdog": "watchdog_fault(): a watchdog that does not reset the chip",
    "buttons": "press(): the buttons, if the profile has them",
    "battery": "battery(): charge, capacity and resistance, if the profile has a battery",
    "host_reading": "host_reading(): a host that does not read",
    "usb": "usb_cable(): the cable is unplugged and plugged in",
    "flash": "flash_fault(), fill_flash(), flash_erase_s(): the flash under the filesystem",
    "flash_cut": "cut_at_flash_operation(): the supply fails during a write or erase of the flash",
    "deploy": "port: a serial port that mpremote can use",
    "any_profile": "runs with the mechanics of any profile in boards/",
    "replay": "the same seed gives the same trace",
    "virtual_time": "hours pass in seconds; tests that let more than MOST_S pass need it",
}
MOST_S = 75  # longest bench time of a test that does not need virtual_time


class Bench(Protocol):
    """A board with firmware, its surroundings, and a client on its serial port; a context manager.

    All times are bench time in s, which is virtual on a board in software. A method whose capability is missing from
    `capabilities` raises a PicoinfuseError. `profile`: of the pump. `trace`: recorded signals, with the capability
    "capture". `seed`: of all randomness.
    """

    name: str
    capabilities: frozenset[str]
    profile: Profile
    pump: Pump
    trace: Trace
    seed: int

    @property
    def port(self) -> str:
        """Path or URL of a serial port through which another program reaches the board."""
        ...

    def now(self) -> float:
        """Bench time in s since power-on."""
        ...

    def sleep(self, seconds: float) -> None:
        """Lets bench time pass, and waits until the client has handled everything received in it."""
        ...

    def reset(self) -> None:
        """Pulls the RUN pin low, and waits until the pump is ready."""
        ...

    def power_cycle(self, off_s: float = 2.0) -> None:
        """Switches the supply off for `off_s`, then on, and waits until the pump is ready."""
        ...

    def occlude(self, closed: bool = True) -> None:
        """Closes or opens the valve in the line."""
        ...

    def patient(self, pressure_pa: float) -> None:
        """Sets the pressure on the patient's side: of a vein, or of a container above or below the pump."""
        ...

    def sensor_fault(self, kind: str | None) -> None:
        """Sets a fault of the pressure sensor or its converter (world/sensor.py); None ends it."""
        ...

    def sensor_drift(self, millivolts: float) -> None:
        """Shifts the sensor's output, as temperature does; 0 restores it."""
        ...

    def upstream(self, pressure_pa: float) -> None:
        """Sets the pressure before the pump; a blocked supply has a negative one."""
        ...

    def upstream_fault(self, kind: str | None) -> None:
        """Sets a fault of the sensor before the pump, as `sensor_fault` does."""
        ...

    def motor_fault(self, kind: str | None) -> None:
        """Sets a fault of the motor (world/motor.py): "stalled" or "slip 50" (loses 50 of 1000); None ends it."""
        ...

    def hang_cpu(self) -> None:
        """Stops the CPU. The peripherals continue, and the watchdog resets the chip."""
        ...

    def slow_cpu(self, delay_ms: int) -> None:
        """Lengthens each sleep of the firmware's main loop by `delay_ms`."""
        ...

    def break_task(self, name: str) -> None:
        """Makes a task of the firmware raise until a reset. `name`: "pressure_task.PressureTask" for example."""
        ...

    def exhaust_heap(self, left_bytes: int) -> None:
        """Occupies the firmware's heap except for `left_bytes`, until a reset."""
        ...

    def clock_jump(self, ms: int) -> None:
        """Makes the pump's millisecond clock jump by `ms`."""
        ...

    def soft_reset(self) -> None:
        """Restarts the interpreter, as `machine.soft_reset()` does; the chip's peripherals continue."""
        ...

    def drive_pin(self, name: str, level: int | None) -> None:
        """Drives the wire `name` of the profile's wiring from outside with 0 or 1; None releases it."""
        ...

    def watchdog_fault(self, kind: str | None) -> None:
        """Sets a fault of the watchdog: "dead" (it never resets the chip), or None."""
        ...

    def press(self, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
        """Presses the button on the wire `name` for `seconds`.

        `bounce`: durations in s for which the contact is closed, open, closed, … before it stays closed; on release it
        bounces in the same way with the opposite levels.
        """
        ...

    def battery(
        self,
        *,
        permille: float | None = None,
        capacity_mah: float | None = None,
        resistance_mohm: float | None = None,
        charger_ma: float | None = None,
    ) -> float:
        """Sets the battery's charge, its capacity, its internal resistance and the charger's current; None keeps a
        value. Returns the true voltage at its terminals, in mV.
        """
        ...

    def battery_fault(self, kind: str | None) -> None:
        """Sets a fault of the battery's sensing: "open" (the wire from divider to converter is off), or None."""
        ...

    def flash_fault(self, dead: bool) -> None:
        """Makes every write and erase of the flash fail while `dead`."""
        ...

    def fill_flash(self, full: bool) -> None:
        """Fills the free room of the filesystem with a file, or removes that file."""
        ...

    def flash_erase_s(self, seconds: float) -> None:
        """Sets the duration of a sector erase."""
        ...

    def cut_at_flash_operation(self, left: int, torn: str = "before", seed: int = 1) -> None:
        """Cuts the supply at the write or erase that follows `left` others.

        `torn`: whether the cut comes "before" the operation, "after" it, after "half" of it, or leaves each of its
        "bits" old or new at random, by `seed`.
        """
        ...

    def host_reading(self, reading: bool) -> None:
        """Sets whether the host reads from the serial port."""
        ...

    def usb_cable(self, plugged: bool) -> None:
        """Unplugs or plugs in the USB cable. Data in transit, and all output while it is unplugged, is lost."""
        ...

    def write_raw(self, data: bytes) -> None:
        """Writes bytes to the serial port, past the client's framing."""
        ...


def battery_values(
    permille: float | None, capacity_mah: float | None, resistance_mohm: float | None, charger_ma: float | None
) -> dict[str, float]:
    """The values that are not None, in the form of `world.battery.Battery.set`."""
    values = {
        "permille": permille,
        "capacity_mah": capacity_mah,
        "resistance_mohm": resistance_mohm,
        "charger_ma": charger_ma,
    }
    return {name: value for name, value in values.items() if value is not None}
