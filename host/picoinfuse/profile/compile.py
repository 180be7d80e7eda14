"""From a profile to what the pump reads: `/profile.json`, one frame of integers.

A key that the pump's table (firmware/pump/storage/profile_table.py) and the file have under one name is copied.
CONVERTED has the others. The volume of a step is a ratio of picolitres, so that the firmware's arithmetic stays exact;
it replaces the geometric value to better than 1 in a million (`cross_checks.check_step_volume`).
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from picoinfuse.client.frame import encode
from picoinfuse.common.firmware_tables import pure_module
from picoinfuse.common.units import pa_of_mmhg

MAX_DENOMINATOR = 256
PL_PER_UL = 1_000_000
PL_PER_ML = 1_000_000_000
PA_PER_BAR = 100_000

Values = dict[str, Any]  # the tables of a profile: {"mechanics": {"full_steps": 200, …}, …}, as in schema.py


def step_pl_exact(mechanics: Values) -> Fraction:
    """Picolitres for one microstep, from the geometry in [mechanics]."""
    motor_turns, screw_turns = mechanics["gear"]
    steps = Fraction(mechanics["full_steps"] * mechanics["microsteps"] * motor_turns, screw_turns)
    if mechanics["kind"] == "syringe":
        # mm³ are µL: the area of the barrel times the travel of one turn of the screw
        turn_ul = Fraction(math.pi) / 4 * _exact(mechanics["diameter_mm"]) ** 2 * _exact(mechanics["lead_mm"])
    else:
        turn_ul = _exact(mechanics["ul_per_turn"])
    return turn_ul * PL_PER_UL / steps


def step_pl_ratio(mechanics: Values) -> Fraction:
    """The same as a ratio of small integers."""
    return step_pl_exact(mechanics).limit_denominator(MAX_DENOMINATOR)


def compile_values(values: Values) -> Values:
    """The tables of a valid profile → the object of `/profile.json`."""
    table = pure_module("pump.storage.profile_table")
    sections = {
        section: {key: _compiled(section, key, values) for key in keys}
        for section, keys in table.SECTIONS.items()
        if section in values
    }
    return {"format": table.FORMAT, "name": values["name"], "wiring": dict(values["wiring"]), **sections}


def compile_frame(values: Values) -> bytes:
    """The bytes of the file. Raises FrameError when the pump would not read as many."""
    return encode(compile_values(values), pure_module("pump.storage.profile_table").MAX_BYTES)


def world_values(values: Values) -> Values:
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


def _compiled(section: str, key: str, values: Values) -> Any:
    convert = CONVERTED.get((section, key))
    if convert is not None:
        return convert(values[section])
    value = values[section][key]
    return int(value) if isinstance(value, bool) else value


def _exact(number: int | float) -> Fraction:
    """The decimal that the file shows, not the binary float next to it."""
    return Fraction(str(number))


def _pair(ratio: Fraction) -> list[int]:
    return list(ratio.as_integer_ratio())


# (section, the pump's key): its value from the file's table. 0 is none: no sensor upstream, no resonance.
CONVERTED: dict[tuple[str, str], Callable[[Values], Any]] = {
    ("mechanics", "step_pl"): lambda mechanics: _pair(step_pl_ratio(mechanics)),
    ("mechanics", "resonance_hz"): lambda mechanics: mechanics.get("resonance_hz", [0, 0]),
    ("sensor", "gain_pa_per_mv"): lambda sensor: _pair(_exact(sensor["pa_per_mv"]).limit_denominator(MAX_DENOMINATOR)),
    ("occlusion", "low_pa"): lambda occlusion: pa_of_mmhg(occlusion["low_mmhg"]),
    ("occlusion", "medium_pa"): lambda occlusion: pa_of_mmhg(occlusion["medium_mmhg"]),
    ("occlusion", "high_pa"): lambda occlusion: pa_of_mmhg(occlusion["high_mmhg"]),
    ("occlusion", "retract_to_pa"): lambda occlusion: pa_of_mmhg(occlusion["retract_to_mmhg"]),
    ("occlusion", "upstream_pa"): lambda occlusion: pa_of_mmhg(occlusion.get("upstream_mmhg", 0)),
    ("occlusion", "compliance_pl_per_pa"): lambda occlusion: round(
        _exact(occlusion["compliance_ml_per_bar"]) * PL_PER_ML / PA_PER_BAR
    ),
    ("alarms", "escalate_ms"): lambda alarms: alarms["escalate_s"] * 1000,
}
