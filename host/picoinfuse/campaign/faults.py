"""Every fault that a bench can inject, how it ends, and what the bench must have for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from picoinfuse.bench.base import Bench
from picoinfuse.frame import encode

Deed = Callable[[Bench], None]


def _nothing(bench: Bench) -> None:
    del bench


@dataclass(frozen=True)
class Fault:
    """`come` brings it about; `go` mends it. Without a `go` it is over when it has come, or ends with a reset."""

    name: str
    needs: tuple[str, ...]
    come: Deed
    go: Deed = _nothing
    shows_s: float = 7.0  # by then it has done what it does; the slowest task runs every 5 s

    @property
    def lasts(self) -> bool:
        return self.go is not _nothing


def _sensor(kind: str, needs: str = "sensor") -> Fault:
    return Fault(
        f"sensor {kind}", (needs,), lambda bench: bench.sensor_fault(kind), lambda bench: bench.sensor_fault(None)
    )


def _motor(kind: str, name: str) -> Fault:
    return Fault(name, ("motor",), lambda bench: bench.motor_fault(kind), lambda bench: bench.motor_fault(None))


def _wire(wire: str, level: int) -> Fault:
    held = "high" if level else "low"
    return Fault(
        f"{wire} wire {held}",
        ("pin",),
        lambda bench: bench.drive_pin(wire, level),
        lambda bench: bench.drive_pin(wire, None),
    )


def _broken(name: str, task: str) -> Fault:
    return Fault(f"exception in {name}", ("damage",), lambda bench: bench.break_task(task))


def _flood(bench: Bench) -> None:
    """As many queries as fit into two seconds of the line, and nobody who waits for the answers."""
    for number in range(1, 200):
        bench.write_raw(encode({"id": number, "method": "status"}))


def _garbage(bench: Bench) -> None:
    bench.write_raw(bytes(range(256)) * 8 + b"\n")


def _run_away(bench: Bench) -> None:
    """Steps on the wire that nobody ordered: 50 in half a second."""
    for _ in range(50):
        bench.drive_pin("step", 1)
        bench.sleep(0.005)
        bench.drive_pin("step", 0)
        bench.sleep(0.005)


HEAP_LEFT = 4_000  # bytes, in small pieces: the stub's own models live on the same heap, and must go on

# The tasks of the loop: name, class in the firmware.
TASKS = {
    "pressure": "pressure_task.PressureTask",
    "delivery": "delivery.Delivery",
    "monitor": "monitor_task.MonitorTask",
    "relief": "relief.Relief",
    "early": "early_task.EarlyTask",
    "recovery": "recovery.Recovery",
    "link": "link.task.LinkTask",
    "annunciator": "annunciator.Annunciator",
    "memory": "memory.MemoryTask",
    "reminder": "reminder.SuspendedReminder",
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
    Fault("motor running away", ("pin",), _run_away, lambda bench: bench.drive_pin("step", None)),
    _wire("step", 0),
    _wire("step", 1),
    _wire("enable", 0),
    _wire("piezo", 0),
    _wire("lamp_red", 0),
    *(_broken(name, task) for name, task in TASKS.items()),
    Fault("heap exhausted", ("damage",), lambda bench: bench.exhaust_heap(HEAP_LEFT)),
    Fault("clock ahead by 5 s", ("damage",), lambda bench: bench.clock_jump(5_000)),
    Fault("clock back by 5 s", ("damage",), lambda bench: bench.clock_jump(-5_000)),
    Fault("loop slow", ("slow",), lambda bench: bench.slow_cpu(60), lambda bench: bench.slow_cpu(0)),
    Fault("CPU hung", ("hang",), lambda bench: bench.hang_cpu()),
    Fault(
        "host deaf",
        ("host_reading",),
        lambda bench: bench.host_reading(False),
        lambda bench: bench.host_reading(True),
    ),
    Fault("host floods", (), _flood),
    Fault("bytes that are no frames", (), _garbage),
    Fault("Ctrl-C", (), lambda bench: bench.write_raw(b"\x03\x03\x03")),
    Fault("RUN pin", ("reset",), lambda bench: bench.reset()),
    Fault("power lost", ("power",), lambda bench: bench.power_cycle()),
)
