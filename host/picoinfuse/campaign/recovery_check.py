"""Whether a pump can still be used: cleared, or reset where an alarm asks for that, it must give an infusion."""

from __future__ import annotations

from picoinfuse.bench.base import Bench
from picoinfuse.campaign.look import ask
from picoinfuse.common.errors import PicoinfuseError, PumpError


def revive(bench: Bench, rate_ul_h: int) -> str | None:
    """What is in the way, or None. Every fault is mended by then."""
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
    """False where only a reset helps: an alarm asks for it, or there is no memory for an answer."""
    try:
        bench.pump.stop()
        bench.pump.clear_alarms()
        bench.sleep(1.0)
        return bench.pump.status().state == "idle"
    except PumpError as error:
        if error.code != "internal":
            raise
        return False
