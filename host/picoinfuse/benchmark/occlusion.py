"""How soon an occlusion is found, and how often where there is none: the firmware's detectors against the fluid model.

Each seed is a pump of its own: noise, drift, a patient, a bag. Pressure is in a closed form, dP = dV/C or
P = patient + R·Q, so that three days of a pump pass in a second. In an open line the early detector is asked once a
segment, when it is full; in between it would only answer False. In a closed one it is asked once a second, as on the
pump.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from picoinfuse.benchmark.reading import Found, Say, number
from picoinfuse.common import paths
from picoinfuse.profile import load_profile

PROFILE = "syringe-50ml"
RATES_UL_H = (500, 1_000, 5_000, 20_000)
SEEDS = 50
_HOURS = 72
_SWING_PA = 50 * 133.322  # of a patient who moves
_BAG_PA_PER_CM = 98.1
_BAG_CM = 30  # either way
_FILTERED_NOISE = 0.19  # of a read's: the mean of four behind the filter of core/occlusion/sensor_check.py
_LOOK_S = 1  # of the early task
_MASK = 0x3FFFFFFF


@dataclass(frozen=True)
class Pump:
    """What of a profile the detectors and the model want."""

    step_pl: tuple[int, int]
    compliance_pl_per_pa: int
    limit_pa: int
    persistence_ms: int
    resistance_pa_per_ul_h: float
    compliance_nl_per_pa: float
    noise_pa: float


def pump(profile_name: str) -> Pump:
    profile = load_profile(profile_name)
    compiled, world = profile.compiled(), profile.world()
    occlusion = compiled["occlusion"]
    num, den = compiled["mechanics"]["step_pl"]
    return Pump(
        (num, den),
        occlusion["compliance_pl_per_pa"],
        occlusion[occlusion["default"] + "_pa"],
        occlusion["persistence_ms"],
        world["resistance_pa_s_per_nl"] / 3.6,  # 1 µL/h is 1/3.6 nL/s
        world["compliance_nl_per_pa"],
        world["sensor"]["noise_mv"] / world["sensor"]["mv_per_pa"] * _FILTERED_NOISE,
    )


def _core(module: str) -> Any:
    """A module of the firmware's core, which is plain Python, by its dotted name."""
    firmware = str(paths.firmware())
    if firmware not in sys.path:
        sys.path.insert(0, firmware)
    sys.modules.setdefault("micropython", _micropython())
    return importlib.import_module(module)


def _micropython() -> Any:
    import types

    module = types.ModuleType("micropython")
    module.const = lambda value: value  # type: ignore[attr-defined]
    return module


def detector(pump_: Pump) -> Any:
    return _core("pump.core.occlusion.early_occlusion").EarlyOcclusion(pump_.compliance_pl_per_pa, *pump_.step_pl)


# ---- the world of an open line ----


def disturbances(rng: np.random.Generator, t_s: np.ndarray) -> np.ndarray:
    """Pressure at the patient's side and the sensor's own error, in Pa: a patient who moves within 50 mmHg, by steps
    every few minutes and waves of a breath, a minute, a quarter of an hour and some hours; a bag hung anew every few
    hours; drift.
    """
    end_s = float(t_s[-1])
    patient = np.zeros_like(t_s)
    for low_s, high_s in ((3, 6), (20, 120), (600, 1800), (3_600, 21_600)):
        period_s, phase = rng.uniform(low_s, high_s), rng.uniform(0, 2 * np.pi)
        patient += rng.uniform(0, 0.25) * np.sin(2 * np.pi * t_s / period_s + phase)
    patient += 0.5 * _staircase(rng, t_s, end_s, mean_s=rng.uniform(120, 1800))
    patient += 0.25 * np.sin(2 * np.pi * t_s / rng.uniform(1_200, 2_400)) * _staircase(rng, t_s, end_s, 7_200)
    patient *= _SWING_PA / max(np.ptp(patient), 1e-9)  # all of the 50 mmHg, whoever it is
    bag = _BAG_PA_PER_CM * _BAG_CM * _staircase(rng, t_s, end_s, mean_s=2 * 3600)
    drift = rng.uniform(-1_500, 1_500) * np.sin(2 * np.pi * t_s / 86_400 + rng.uniform(0, 2 * np.pi))
    return patient + bag + drift


def _staircase(rng: np.random.Generator, t_s: np.ndarray, end_s: float, mean_s: float) -> np.ndarray:
    """A level in -1..1 that jumps to another one at random times."""
    count = int(end_s / mean_s) + 1
    times = np.sort(rng.uniform(0, end_s, count))
    levels = rng.uniform(-1, 1, count + 1)
    return levels[np.searchsorted(times, t_s)]


def looks(pump_: Pump, rate_ul_h: int, end_s: float) -> np.ndarray:
    """The seconds at which the early detector finds a segment full: multiples of its period at a steady rate."""
    early = _core("pump.core.occlusion.early_occlusion")
    segment_nl = early.SEGMENT_PA * pump_.compliance_pl_per_pa / 1000 + pump_.step_pl[0] / pump_.step_pl[1] / 1000
    period_s = max(early.SEGMENT_MS / 1000, np.ceil(segment_nl / (rate_ul_h / 3.6) / _LOOK_S) * _LOOK_S)
    return np.arange(0, end_s, period_s)


def false_alarms(pump_: Pump, rate_ul_h: int, seed: int, hours: float = _HOURS) -> tuple[int, float]:
    """Of 72 h with an open line: how often the detector alarmed, and the highest score in Pa. Every few minutes the
    rate changes by some percent, which moves the pressure by the line's resistance.
    """
    rng = np.random.default_rng((seed, rate_ul_h))
    t_s = looks(pump_, rate_ul_h, hours * 3600)
    rates = np.round(rate_ul_h * (1 + 0.1 * _staircase(rng, t_s, float(t_s[-1]), mean_s=300))).astype(int)
    pressure = disturbances(rng, t_s) + rates * pump_.resistance_pa_per_ul_h
    pressure += rng.normal(0, pump_.noise_pa, len(t_s))
    steps = np.cumsum(rates * np.diff(t_s, append=t_s[-1]) / 3.6) * 1000 * pump_.step_pl[1] / pump_.step_pl[0]
    found, highest = 0, 0
    early = detector(pump_)
    for pa, made, rate, ms in zip(
        pressure.astype(int).tolist(), steps.astype(int).tolist(), rates.tolist(), (t_s * 1000).astype(int).tolist(),
        strict=True,
    ):  # fmt: skip
        if early.update(pa, made, rate, ms & _MASK):
            found += 1
            early.forget()
        highest = max(highest, early.score_pa)
    return found, highest


# ---- a line that closes ----


def delays(pump_: Pump, rate_ul_h: int, seed: int) -> tuple[float, float]:
    """Seconds from the closing of the line to the alarm: of the early detector, of the threshold in the same run."""
    rng = np.random.default_rng((seed, rate_ul_h, 1))
    flow_nl_s = rate_ul_h / 3.6
    rise_s = pump_.limit_pa * pump_.compliance_nl_per_pa / flow_nl_s
    closed_s = rng.uniform(600, 1200)
    t_s = np.arange(0, closed_s + 1.3 * rise_s, _LOOK_S) + rng.uniform(0, _LOOK_S)
    step_nl = pump_.step_pl[0] / pump_.step_pl[1] / 1000
    steps = np.floor(t_s * flow_nl_s / step_nl + rng.uniform())
    before = disturbances(rng, t_s) + rate_ul_h * pump_.resistance_pa_per_ul_h
    at = int(np.searchsorted(t_s, closed_s))
    closed = before[at] + (steps - steps[at]) * step_nl / pump_.compliance_nl_per_pa
    pressure = np.where(t_s < closed_s, before, closed) + rng.normal(0, pump_.noise_pa, len(t_s))
    early = detector(pump_)
    threshold = _core("pump.core.occlusion.threshold").ThresholdDetector(pump_.limit_pa, pump_.persistence_ms)
    early_s = threshold_s = float("nan")
    for now_s, pa, made in zip(t_s.tolist(), pressure.astype(int).tolist(), steps.astype(int).tolist(), strict=True):
        ms = int(now_s * 1000)
        if np.isnan(early_s) and early.update(pa, made, rate_ul_h, ms):
            early_s = now_s - closed_s
        if threshold.update(pa, ms):
            threshold_s = now_s - closed_s
            break
    return early_s, threshold_s


# ---- rows of the table ----


def delay_row(rate_ul_h: int, say: Say) -> Found:
    """The longest delay over all seeds, in minutes."""
    pump_ = pump(PROFILE)
    found = []
    for seed in range(SEEDS):
        say(f"seed {seed + 1} of {SEEDS}")
        found.append(delays(pump_, rate_ul_h, seed))
    early_s, threshold_s = np.array(found).T
    beside = (
        f"longest of {SEEDS} seeds; median {number(float(np.median(early_s)) / 60)}; "
        f"threshold alone {number(float(np.median(threshold_s)) / 60)}"
    )
    return Found(float(early_s.max()) / 60, beside)


def false_row(rate_ul_h: int, say: Say) -> Found:
    """Alarms of an open line in 72 h, all seeds together."""
    pump_ = pump(PROFILE)
    total, highest = 0, 0.0
    for seed in range(SEEDS):
        say(f"seed {seed + 1} of {SEEDS}")
        count, score = false_alarms(pump_, rate_ul_h, seed)
        total += count
        highest = max(highest, score)
    trip = _core("pump.core.occlusion.early_occlusion").TRIP_PA
    return Found(total, f"{SEEDS} seeds; highest score {number(highest)} of {trip} Pa")


DELAYS = {rate: partial(delay_row, rate) for rate in RATES_UL_H}
FALSE_ALARMS = {rate: partial(false_row, rate) for rate in RATES_UL_H}
