"""All faults that a bench can inject: how each begins and ends, and what it needs of the bench and the profile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from picoinfuse.bench.base import Bench
from picoinfuse.client.frame import encode
from picoinfuse.common.errors import PicoinfuseError
from picoinfuse.profile import Profile

Action = Callable[[Bench], None]


def _nothing(bench: Bench) -> None:
    del bench


@dataclass(frozen=True)
class Fault:
    """A fault. `begin` causes it, `end` removes it; without `end` it passes by itself or with a reset. `needs`:
    capabilities of the bench. `shows_s`: time after which its effect is visible. `wires`: wires that the profile must
    have.
    """

    name: str
    needs: tuple[str, ...]
    begin: Action
    end: Action = _nothing
    shows_s: float = 7.0  # most tasks run at least every 5 s
    wires: tuple[str, ...] = ()

    @property
    def lasts(self) -> bool:
        return self.end is not _nothing

    def fits(self, profile: Profile) -> bool:
        return set(self.wires) <= set(profile.values["wiring"])


def _sensor(kind: str, needs: str = "sensor") -> Fault:
    return Fault(
        f"sensor {kind}", (needs,), lambda bench: bench.sensor_fault(kind), lambda bench: bench.sensor_fault(None)
    )


def _motor(kind: str, name: str) -> Fault:
    return Fault(name, ("motor",), lambda bench: bench.motor_fault(kind), lambda bench: bench.motor_fault(None))


def _wire(wire: str, level: int, name: str | None = None, shows_s: float = 7.0, wires: tuple[str, ...] = ()) -> Fault:
    held = "high" if level else "low"
    return Fault(
        name or f"{wire} wire {held}",
        ("pin",),
        lambda bench: bench.drive_pin(wire, level),
        lambda bench: bench.drive_pin(wire, None),
        shows_s,
        wires,
    )


def _stuck(wire: str) -> Fault:
    return _wire(wire, 0, f"{wire} stuck", shows_s=62.0, wires=(wire,))


def _broken(name: str, task: str) -> Fault:
    wires = WIRES_OF_TASK.get(name, ())
    return Fault(f"exception in {name}", ("damage",), lambda bench: bench.break_task(task), shows_s=11.0, wires=wires)


def _battery(name: str, permille: float) -> Fault:
    """A charge of the battery. The pump's estimate approaches it from the voltage by an eighth every 10 s."""

    def charge(to: float) -> Action:
        def do(bench: Bench) -> None:
            bench.battery(permille=to)

        return do

    return Fault(f"battery {name}", ("battery",), charge(permille), charge(900), 300.0, ("battery",))


def _kill_flash(bench: Bench) -> None:
    """Also causes a journal entry, so that the pump writes to the flash."""
    bench.flash_fault(True)
    with suppress(PicoinfuseError):
        bench.pump.acknowledge()


def _be_late(bench: Bench) -> None:
    """One turn of the loop takes 80 ms: too long for the deadline of the pressure task, too short for a stale value."""
    bench.slow_cpu(70)
    bench.sleep(0.05)
    bench.slow_cpu(0)


def _flood(bench: Bench) -> None:
    """Sends as many queries as fit into two seconds, without waiting for answers."""
    for number in range(1, 200):
        bench.write_raw(encode({"id": number, "method": "status"}))


def _garbage(bench: Bench) -> None:
    bench.write_raw(bytes(range(256)) * 8 + b"\n")


def _run_away(bench: Bench) -> None:
    """Makes 50 uncommanded steps on the wire in half a second."""
    for _ in range(50):
        bench.drive_pin("step", 1)
        bench.sleep(0.005)
        bench.drive_pin("step", 0)
        bench.sleep(0.005)


HEAP_LEFT = 4_000  # bytes, in small pieces: the stub's models use the same heap and must keep running

# Tasks of the main loop: name -> class in the firmware; as the command `tasks` lists them with every wire.
TASKS = {
    "pressure": "pump.tasks.pressure.PressureTask",
    "pressure_relief": "pump.tasks.pressure_relief.PressureRelief",
    "delivery": "pump.tasks.delivery.Delivery",
    "delivery_monitor": "pump.tasks.delivery_monitor.DeliveryMonitorTask",
    "early_occlusion": "pump.tasks.early_occlusion.EarlyOcclusionTask",
    "occlusion_recovery": "pump.tasks.occlusion_recovery.OcclusionRecovery",
    "self_test": "pump.selftest.sequence.SelfTest",
    "periodic_selftest": "pump.selftest.periodic.PeriodicSelfTest",
    "therapy": "pump.tasks.therapy.TherapyTask",
    "reservoir": "pump.tasks.reservoir.ReservoirTask",
    "delivered_volume": "pump.tasks.delivered_volume.DeliveredVolume",
    "battery": "pump.tasks.battery.BatteryTask",
    "buttons": "pump.tasks.buttons.ButtonsTask",
    "upstream": "pump.tasks.upstream.UpstreamTask",
    "air": "pump.tasks.upstream.AirTask",
    "link": "pump.link.task.LinkTask",
    "annunciator": "pump.tasks.annunciator.Annunciator",
    "telemetry": "pump.link.telemetry.TelemetryTask",
    "reminder": "pump.tasks.reminder.SuspendedReminder",
    "shutdown": "pump.tasks.shutdown.Shutdown",
    "confirmation": "pump.commands.confirmation.Confirmation",
    "garbage_collection": "pump.tasks.garbage_collection.GarbageCollection",
    "journal": "pump.tasks.journal.JournalTask",
}
# Wires without which a task does not exist.
WIRES_OF_TASK = {
    "battery": ("battery",),
    "buttons": ("button_request", "button_stop"),
    "upstream": ("upstream",),
    "air": ("air",),
}

FAULTS = (
    _sensor("open"),
    _sensor("short"),
    _sensor("frozen"),
    _sensor("jump", "converter"),
    _sensor("stuck", "converter"),
    _sensor("reference", "converter"),
    # 100 mL/h need 36 s for the 69 kPa of the limit.
    Fault("line closed", ("occlude",), lambda bench: bench.occlude(), lambda bench: bench.occlude(False), 45.0),
    _motor("stalled", "motor stalled"),
    _motor("slip 200", "motor slipping"),
    Fault("motor runaway", ("pin",), _run_away, lambda bench: bench.drive_pin("step", None)),
    _wire("step", 0),
    _wire("step", 1),
    _wire("enable", 0),
    _wire("piezo", 0),
    _wire("lamp_red", 0),
    _wire("lamp_yellow", 0),
    Fault(
        "battery wire open",
        ("battery",),
        lambda bench: bench.battery_fault("open"),
        lambda bench: bench.battery_fault(None),
        21.0,
        ("battery",),
    ),
    _battery("low", 50),  # 8 ‰ are out of reach under the motor's load; 42 ‰ of 2000 mAh are 11 min at 460 mA
    _battery("empty", 20),
    _stuck("button_request"),
    _stuck("button_stop"),
    Fault("flash dead", ("flash",), _kill_flash, lambda bench: bench.flash_fault(False)),
    Fault("flash full", ("flash",), lambda bench: bench.fill_flash(True), lambda bench: bench.fill_flash(False)),
    *(_broken(name, task) for name, task in TASKS.items()),
    Fault("heap exhausted", ("heap",), lambda bench: bench.exhaust_heap(HEAP_LEFT)),
    Fault("clock ahead by 5 s", ("damage",), lambda bench: bench.clock_jump(5_000)),
    Fault("clock back by 5 s", ("damage",), lambda bench: bench.clock_jump(-5_000)),
    Fault("task late", ("slow",), _be_late),
    Fault("loop slow", ("slow",), lambda bench: bench.slow_cpu(60), lambda bench: bench.slow_cpu(0)),
    Fault("CPU hung", ("hang",), lambda bench: bench.hang_cpu()),
    Fault(
        "host not reading",
        ("host_reading",),
        lambda bench: bench.host_reading(False),
        lambda bench: bench.host_reading(True),
    ),
    Fault("host silent", (), _nothing, shows_s=60.0),
    Fault("cable unplugged", ("usb",), lambda bench: bench.usb_cable(False), lambda bench: bench.usb_cable(True)),
    Fault("host floods", (), _flood),
    Fault("malformed frames", (), _garbage),
    Fault("Ctrl-C", (), lambda bench: bench.write_raw(b"\x03\x03\x03")),
    Fault("Ctrl-D", (), lambda bench: bench.write_raw(b"\x04")),
    Fault("soft reset", ("damage",), lambda bench: bench.soft_reset()),
    Fault("RUN pin", ("reset",), lambda bench: bench.reset()),
    Fault("power lost", ("power",), lambda bench: bench.power_cycle()),
)
