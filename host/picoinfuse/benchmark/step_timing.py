"""Side by side on one emulated Pico, in one run: this step generator, and a plain `machine.Timer`.

On the emulated Pico, because there code takes its time and the Timer is MicroPython's own. On the stub code takes
none, which would flatter the Timer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picoinfuse.bench.emulator import EmulatorBench
from picoinfuse.bench.kinds import bench_kind
from picoinfuse.bench.repl import enter_repl
from picoinfuse.benchmark.reading import Say, number
from picoinfuse.benchmark.timer_rival import START_S, program
from picoinfuse.profile import load_profile

PROFILE = "syringe-50ml-geared"
_RATES_HZ = (1, 10, 100, 1000, 5000, 10_000)
_SETTLE_S = 2.0  # the ramp, and what was granted of the rate before
_MEASURED_S = 12.0  # longer than twice the 5 s from one collection of garbage to the next
_WATCHDOG_S = 2.0
_NS = 10**9

HEAD = ("steps a second", "generator", "mean error, ppm", "worst interval, µs off", "steps lost", "beside")


@dataclass(frozen=True)
class Timing:
    """`mean_ppm` and `worst_us` against the ordered interval; `lost` of what the generator's own period asks for."""

    hz: float
    generator: str
    mean_ppm: float
    worst_us: float
    lost: int
    beside: str

    def cells(self) -> tuple[str, ...]:
        mean, worst = f"{self.mean_ppm:+.2f}", number(self.worst_us)
        return (f"{self.hz:.1f}", self.generator, mean, worst, str(self.lost), self.beside)


def compare(say: Say) -> list[Timing]:
    """Both at each rate, whole µL/h. BenchMissing without a MicroPython image for the emulated Pico."""
    profile = load_profile(PROFILE)
    bench_kind("emulator").prepare(profile)
    num, den = profile.compiled()["mechanics"]["step_pl"]
    found = []
    for wanted_hz in _RATES_HZ:
        rate_ul_h = round(wanted_hz * 3600 * num / (den * 10**6))
        hz = rate_ul_h * 10**6 * den / (3600 * num)
        with EmulatorBench(profile) as bench:
            say(f"PIO at {wanted_hz} Hz")
            found.append(_timing(_pump(bench, rate_ul_h, hz), hz, _NS / hz, "this pump"))
            say(f"Timer at {wanted_hz} Hz")
            period_ns = int(1e6 / hz) * 1000  # MicroPython truncates it to whole µs
            edges, death = _timer(bench, hz)
            found.append(_timing(edges, hz, period_ns, "machine.Timer", death))
    return found


def _pump(bench: EmulatorBench, rate_ul_h: int, hz: float) -> NDArray[np.int64]:
    bench.pump.start(rate_ul_h)
    bench.sleep(_SETTLE_S + 1 / hz)
    begin_ns = round(bench.now() * _NS)
    bench.sleep(_MEASURED_S)
    edges = bench.trace.edges("step", True, begin_ns, round(bench.now() * _NS))
    bench.pump.stop()
    bench.sleep(_SETTLE_S)
    return edges


def _timer(bench: EmulatorBench, hz: float) -> tuple[NDArray[np.int64], str]:
    """Edges, and the exception that ended the program, if one did."""
    enter_repl(bench)
    bench.write_raw(b"\x01" + program(hz, bench.profile.values["wiring"]["dir"]).encode() + b"\x04")
    bench.sleep(START_S - 1)
    begin_ns = round(bench.now() * _NS)
    bench.sleep(1 + 1 / hz + _MEASURED_S)
    death = re.findall(r"\w+Error", bench.pump.link.heard().decode(errors="replace"))
    return bench.trace.edges("dir", True, begin_ns, round(bench.now() * _NS)), death[-1] if death else ""


def _timing(edges: NDArray[np.int64], hz: float, period_ns: float, generator: str, death: str = "") -> Timing:
    """A stop of more than the watchdog's time ends what is measured: the board was reset."""
    intervals = np.diff(edges)
    dead = np.flatnonzero(intervals > _WATCHDOG_S * _NS)
    if len(dead):
        edges = edges[: int(dead[0]) + 1]
        intervals = np.diff(edges)
    beside = f"the program ended after {(edges[-1] - edges[0]) / _NS:.1f} s, {death}" if len(dead) or death else ""
    span_ns = float(edges[-1] - edges[0])
    lost = round(span_ns / period_ns) - len(intervals)
    mean_ppm = (span_ns / len(intervals) * hz / _NS - 1) * 1e6
    return Timing(hz, generator, mean_ppm, float(np.abs(intervals - _NS / hz).max()) / 1000, lost, beside)
