"""Checks that a pump can be used again: after clearing its alarms, or a reset if they require one, it must infuse."""

from __future__ import annotations

from picoinfuse.bench.base import Bench
from picoinfuse.campaign.window import ask
from picoinfuse.common.errors import PicoinfuseError, PumpError


def check_recovery(bench: Bench, rate_ul_h: int) -> str | None:
    """Tries an infusion at `rate_ul_h`. Returns None, or the reason why it failed. All faults must have ended."""
    pump = bench.pump
    ask(bench)
    try:
        if not _made_idle(bench):
            bench.reset()
            bench.sleep(3.0)
            pump.clear_alarms()
        pump.start(rate_ul_h)
        bench.sleep(1.0)
        status = pump.status()
    except PicoinfuseError as error:
        return str(error)
    return None if status.state == "infusing" else f"{status.state} with {status.alarms}"


def _made_idle(bench: Bench) -> bool:
    """False when a reset is needed: an alarm requires it, or there is no memory for an answer."""
    try:
        bench.pump.stop()
        bench.pump.clear_alarms()
        bench.sleep(1.0)
        return bench.pump.status().state == "idle"
    except PumpError as error:
        if error.code != "internal":
            raise
        return False
