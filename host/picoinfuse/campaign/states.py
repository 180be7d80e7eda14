"""Brings the pump into each of its states."""

from __future__ import annotations

from collections.abc import Callable

from picoinfuse.bench.base import Bench

RATE_UL_H = 100_000  # 79 steps/s with the 50 mL syringe


def _idle(bench: Bench) -> None:
    """The state after a start."""
    assert bench.pump.status().state == "idle"


def _self_test(bench: Bench) -> None:
    bench.pump.self_test()


def _infusing(bench: Bench) -> None:
    bench.pump.start(RATE_UL_H)
    bench.sleep(2.0)


def _paused(bench: Bench) -> None:
    _infusing(bench)
    bench.pump.pause()
    bench.sleep(1.0)


def _relieving(bench: Bench) -> None:
    """The occlusion alarm has stopped the infusion, and the plunger is being drawn back."""
    bench.occlude()
    bench.pump.start(bench.profile.compiled()["mechanics"]["max_rate_ul_h"])
    for _ in range(300):
        bench.sleep(0.05)
        if bench.pump.status().recovery == "relieving":
            return
    raise AssertionError("the plunger was not drawn back within 15 s of a closed line")


def _alarm_stopped(bench: Bench) -> None:
    _relieving(bench)
    bench.sleep(10.0)
    bench.occlude(False)
    bench.sleep(2.0)


def _fault(bench: Bench) -> None:
    """Caused by a self-test with a shorted sensor; the sensor works again afterwards."""
    bench.sensor_fault("short")
    bench.pump.self_test()
    bench.sleep(1.0)
    bench.sensor_fault(None)
    bench.sleep(3.0)


def _service(bench: Bench) -> None:
    bench.pump.service()
    bench.sleep(1.0)


STATES: dict[str, Callable[[Bench], None]] = {
    "self_test": _self_test,
    "idle": _idle,
    "infusing": _infusing,
    "paused": _paused,
    "relieving": _relieving,
    "alarm_stopped": _alarm_stopped,
    "fault": _fault,
    "service": _service,
}
