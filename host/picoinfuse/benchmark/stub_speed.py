"""How fast the board in software runs, how soon it answers, and what is left of its heap."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from statistics import median

from picoinfuse.bench.stub import StubBench
from picoinfuse.benchmark.reading import Found, Say, number
from picoinfuse.profile import load_profile
from picoinfuse.stub.process import FIRMWARE_HEAP

PROFILE = "syringe-50ml"
RATE_UL_H = 5000
_SETTLE_S = 5.0
_STRETCH_S = 120.0  # virtual; about a second of wall time
_STRETCHES = 5
_REQUESTS = 200
_PICO_HEAP_KB = 236


def speed(telemetry_hz: float, say: Say) -> Found:
    """Virtual seconds per wall second of a steady infusion: the median of some stretches."""
    with StubBench(load_profile(PROFILE)) as bench:
        bench.pump.telemetry(telemetry_hz)
        bench.pump.start(RATE_UL_H)
        bench.sleep(_SETTLE_S)
        by_wall, by_cpu = [], []
        for stretch in range(_STRETCHES):
            say(f"stretch {stretch + 1} of {_STRETCHES}")
            wall_s, used_s = time.perf_counter(), cpu_s(bench.board.pid)
            bench.sleep(_STRETCH_S)
            by_wall.append(_STRETCH_S / (time.perf_counter() - wall_s))
            if used_s is not None:
                by_cpu.append(_STRETCH_S / max((cpu_s(bench.board.pid) or 0) - used_s, 1e-3))
    return Found(median(by_wall), f"{number(median(by_cpu))} by the board's CPU time" if by_cpu else "")


quiet_speed = partial(speed, 0)
telemetry_speed = partial(speed, 1)


def round_trip(say: Say) -> Found:
    """Wall ms from a `status` request to its reply, while infusing."""
    say(f"{_REQUESTS} requests")
    with StubBench(load_profile(PROFILE)) as bench:
        bench.pump.start(RATE_UL_H)
        bench.sleep(_SETTLE_S)
        times_s = []
        for _ in range(_REQUESTS):
            began_s = time.perf_counter()
            bench.pump.status()
            times_s.append(time.perf_counter() - began_s)
    times_s.sort()
    return Found(median(times_s) * 1e3, f"19 of 20 below {number(times_s[_REQUESTS * 19 // 20] * 1e3)}")


def heap_free(say: Say) -> Found:
    """KB that the garbage collector finds free of a Pico's heap, while infusing with telemetry.

    The VM's cells are twice as wide as a Pico's and its heap is twice as large, so what it finds is scaled.
    """
    say("infusing")
    with StubBench(load_profile(PROFILE)) as bench:
        bench.pump.telemetry(10)
        bench.pump.start(RATE_UL_H)
        bench.sleep(60)
        free = bench.pump.status().heap_free / FIRMWARE_HEAP
        beside = (
            f"of {_PICO_HEAP_KB}; {free:.0%}" if bench.engine.has_flash else "on CPython, where the heap has no bound"
        )
        return Found(free * _PICO_HEAP_KB, beside)


def cpu_s(pid: int) -> float | None:
    """User and system time of a process; None where there is no /proc."""
    file = Path(f"/proc/{pid}/stat")
    if not file.exists():
        return None
    fields = file.read_text().rsplit(")", 1)[1].split()  # the name, in brackets, may hold spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
