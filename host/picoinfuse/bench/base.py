"""What every bench can do. A test asks for capabilities by name and is skipped where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from picoinfuse.client.pump import Pump
from picoinfuse.profile import Profile
from picoinfuse.trace.trace import Trace

# Every capability there is: what it lets a test do.
CAPABILITIES = {
    "capture": "trace: edges of step, dir, enable, piezo and lamps",
    "exact": "trace: edges to the ns of the board's own clock; an instrument has 1 µs, by a crystal of its own",
    "pressure": "trace: true pressure in the line, delivered and patient volume",
    "occlude": "occlude(): the valve in the line",
    "patient": "patient(): pressure on the patient's side of the line",
    "sensor": "sensor_fault(): open or short; frozen too where `converter` is",
    "upstream": "upstream(), upstream_fault(): the supply before the pump, where the profile has its sensor",
    "converter": "sensor_fault(): jump, stuck or reference; sensor_drift()",
    "motor": "motor_fault(): a motor that does not follow its steps",
    "reset": "reset(): the RUN pin",
    "power": "power_cycle(): the supply",
    "hang": "hang_cpu(): the CPU stops executing",
    "slow": "slow_cpu(): every turn of the loop takes longer",
    "damage": "break_task(), exhaust_heap(), clock_jump(), soft_reset(): program, memory or clock go wrong",
    "pin": "drive_pin(): a strap, a button, or a wire held by a fault",
    "watchdog": "watchdog_fault(): a watchdog that does not bite",
    "buttons": "press(): a person at the buttons, where the profile has them",
    "battery": "battery(): its charge, what it can hold, its resistance, where the profile has one",
    "host_reading": "host_reading(): a host that does not read",
    "usb": "usb_cable(): the cable is pulled and put back",
    "flash": "flash_fault(), fill_flash(), flash_erase_s(): the flash under the filesystem",
    "flash_cut": "cut_at_flash_operation(): the supply fails within a write or erase of the flash",
    "deploy": "port: a serial port that mpremote can use",
    "any_profile": "runs with the mechanics of any profile in boards/",
    "replay": "the same seed gives the same trace",
    "virtual_time": "hours pass in seconds; what lets more than MOST_S pass needs it",
}
MOST_S = 75  # of the bench's time, in a test that does not need virtual_time


class Bench(Protocol):
    """A board with firmware, the world around it, and a client on its serial port. Time is the bench's time."""

    name: str
    capabilities: frozenset[str]
    profile: Profile
    pump: Pump
    trace: Trace
    seed: int

    @property
    def port(self) -> str:
        """What another program opens to reach the board."""
        ...

    def now(self) -> float:
        """Bench time in s."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def reset(self) -> None: ...

    def power_cycle(self, off_s: float = 2.0) -> None: ...

    def occlude(self, closed: bool = True) -> None: ...

    def patient(self, pressure_pa: float) -> None:
        """The pressure on the patient's side: a vein, a patient who moves, a bag hung higher or lower."""
        ...

    def sensor_fault(self, kind: str | None) -> None: ...

    def sensor_drift(self, millivolts: float) -> None:
        """Moves the sensor's output, as temperature does; 0 puts it back."""
        ...

    def upstream(self, pressure_pa: float) -> None:
        """The pressure before the pump; a blocked supply is below zero."""
        ...

    def upstream_fault(self, kind: str | None) -> None:
        """Of the sensor before the pump, as `sensor_fault`."""
        ...

    def motor_fault(self, kind: str | None) -> None: ...

    def hang_cpu(self) -> None: ...

    def slow_cpu(self, delay_ms: int) -> None:
        """Each sleep of the firmware's loop takes `delay_ms` longer."""
        ...

    def break_task(self, name: str) -> None:
        """The task (a class of the firmware, as "pressure_task.PressureTask") raises from now on, until a reset."""
        ...

    def exhaust_heap(self, left_bytes: int) -> None:
        """Leaves the firmware `left_bytes` of heap, until a reset."""
        ...

    def clock_jump(self, ms: int) -> None:
        """The pump's clock of ms jumps."""
        ...

    def soft_reset(self) -> None:
        """The interpreter starts anew, as by `machine.soft_reset()`; the chip goes on."""
        ...

    def drive_pin(self, name: str, level: int | None) -> None:
        """Drives the wire `name` of the profile's wiring from outside; None lets go."""
        ...

    def watchdog_fault(self, kind: str | None) -> None:
        """ "dead": it never bites."""
        ...

    def press(self, name: str, seconds: float, bounce: Sequence[float] = ()) -> None:
        """Presses the button on the wire `name`; the time passes. `bounce`: s for which the contact is closed, open,
        closed, … before it holds; as it is let go, the same the other way round.
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
        """Sets what is named: its charge, what a full one holds, its resistance, what a charger gives. Returns the
        true voltage at its poles, in mV.
        """
        ...

    def battery_fault(self, kind: str | None) -> None:
        """ "open": the wire from the divider to the converter is off."""
        ...

    def flash_fault(self, dead: bool) -> None:
        """While it is dead every write and erase fails."""
        ...

    def fill_flash(self, full: bool) -> None:
        """A file takes all the room that the filesystem has left, or is removed."""
        ...

    def flash_erase_s(self, seconds: float) -> None:
        """How long an erase of a sector takes from here on."""
        ...

    def cut_at_flash_operation(self, left: int, torn: str = "before", seed: int = 1) -> None:
        """Takes the supply away at the write or erase after `left` more. `torn`: "before" it began, "after" it was
        done, "half" done, or "bits", each of them settled or not, from `seed`.
        """
        ...

    def host_reading(self, reading: bool) -> None: ...

    def usb_cable(self, plugged: bool) -> None:
        """What is on the way when it is pulled is lost, and so is what is said while it is out."""
        ...

    def write_raw(self, data: bytes) -> None: ...


def battery_values(
    permille: float | None, capacity_mah: float | None, resistance_mohm: float | None, charger_ma: float | None
) -> dict[str, float]:
    """Those that are named, as the battery's model takes them."""
    values = {
        "permille": permille,
        "capacity_mah": capacity_mah,
        "resistance_mohm": resistance_mohm,
        "charger_ma": charger_ma,
    }
    return {name: value for name, value in values.items() if value is not None}
