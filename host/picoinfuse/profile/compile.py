"""From a profile to what the pump reads: `/profile.json`, one frame of integers.

The volume of a step is a ratio of picolitres, so that the firmware's arithmetic stays exact; it replaces
the geometric value to better than 1 in a million, which `profile_checks` asserts.
"""

import math
from fractions import Fraction
from typing import Any

from picoinfuse.client.frame import encode
from picoinfuse.common.units import pa_of_mmhg

FORMAT = 1
MAX_BYTES = 2048  # that the pump reads (firmware/pump/storage/profile.py)
MAX_DENOMINATOR = 256
PL_PER_UL = 1_000_000
PL_PER_ML = 1_000_000_000
PA_PER_BAR = 100_000


def step_pl_exact(mechanics: dict[str, Any]) -> Fraction:
    """Picolitres for one microstep, from the geometry."""
    motor_turns, screw_turns = mechanics["gear"]
    steps = Fraction(mechanics["full_steps"] * mechanics["microsteps"] * motor_turns, screw_turns)
    if mechanics["kind"] == "syringe":
        # mm³ are µL: the area of the barrel times the travel of one turn of the screw
        turn_ul = Fraction(math.pi) / 4 * _exact(mechanics["diameter_mm"]) ** 2 * _exact(mechanics["lead_mm"])
    else:
        turn_ul = _exact(mechanics["ul_per_turn"])
    return turn_ul * PL_PER_UL / steps


def step_pl_ratio(mechanics: dict[str, Any]) -> Fraction:
    """The same as a ratio of small integers."""
    return step_pl_exact(mechanics).limit_denominator(MAX_DENOMINATOR)


def compile_values(values: dict[str, Any]) -> dict[str, Any]:
    """The checked values of the TOML → the object of `/profile.json`."""
    mechanics, sensor, occlusion = values["mechanics"], values["sensor"], values["occlusion"]
    gain = _exact(sensor["pa_per_mv"]).limit_denominator(MAX_DENOMINATOR)
    kept = ("min_rate_ul_h", "max_rate_ul_h", "start_hz", "accel_hz_s")
    battery = {"battery": dict(values["battery"])} if "battery" in values else {}
    return {
        "format": FORMAT,
        "name": values["name"],
        "wiring": dict(values["wiring"]),
        "mechanics": {
            "step_pl": list(step_pl_ratio(mechanics).as_integer_ratio()),
            **{key: mechanics[key] for key in kept},
            "resonance_hz": mechanics.get("resonance_hz", [0, 0]),  # [0, 0]: none
            "reverse": int(mechanics["reverse"]),
        },
        "sensor": {
            "offset_mv": sensor["offset_mv"],
            "gain_pa_per_mv": list(gain.as_integer_ratio()),
            "open_mv": sensor["open_mv"],
            "short_mv": sensor["short_mv"],
        },
        "occlusion": {
            "low_pa": pa_of_mmhg(occlusion["low_mmhg"]),
            "medium_pa": pa_of_mmhg(occlusion["medium_mmhg"]),
            "high_pa": pa_of_mmhg(occlusion["high_mmhg"]),
            "persistence_ms": occlusion["persistence_ms"],
            "default": occlusion["default"],
            "compliance_pl_per_pa": round(_exact(occlusion["compliance_ml_per_bar"]) * PL_PER_ML / PA_PER_BAR),
            "retract_max_ul": occlusion["retract_max_ul"],
            "retract_ul_h": occlusion["retract_ul_h"],
            "retract_to_pa": pa_of_mmhg(occlusion["retract_to_mmhg"]),
            "auto_restarts": occlusion["auto_restarts"],
            "upstream_pa": pa_of_mmhg(occlusion.get("upstream_mmhg", 0)),  # 0: no sensor upstream
        },
        "alarms": {"escalate_ms": values["alarms"]["escalate_s"] * 1000},
        "reservoir": {key: int(value) for key, value in values["reservoir"].items()},
        "library": {"required": int(values["library"]["required"])},
        "therapy": dict(values["therapy"]),
        **battery,
    }


def compile_frame(values: dict[str, Any]) -> bytes:
    """The bytes of the file."""
    return encode(compile_values(values), MAX_BYTES)


def world_values(values: dict[str, Any]) -> dict[str, Any]:
    """What a board in software plays, as floats in the units of the fluid model: nL, Pa, s, mV."""
    mechanics, sensor, world = values["mechanics"], values["sensor"], values["world"]
    return {
        "step_nl": float(step_pl_exact(mechanics)) / 1000,
        "compliance_nl_per_pa": world["compliance_ml_per_bar"] * 1e6 / 1e5,  # mL in nL, bar in Pa
        "resistance_pa_s_per_nl": world["resistance_kpa_per_ml_h"] * 1e3 * 3600 / 1e6,  # kPa in Pa, mL/h in nL/s
        "stall_pa": world["stall_kpa"] * 1e3,
        "sensor": {
            "offset_mv": sensor["offset_mv"],
            "mv_per_pa": 1 / sensor["pa_per_mv"],
            "noise_mv": world["sensor_noise_mv"],
        },
        "wiring": dict(values["wiring"]),
        "reverse": mechanics["reverse"],
        **({"battery": dict(values["battery"])} if "battery" in values else {}),
    }


def _exact(number: int | float) -> Fraction:
    """The decimal that the file shows, not the binary float next to it."""
    return Fraction(str(number))
