"""What must fit together in a profile: pins, pressures, rates.

Each check looks only at values that the schema passed.
"""

from itertools import pairwise
from typing import Any

from picoinfuse.common.units import pa_of_mmhg
from picoinfuse.profile.compile import PL_PER_UL, step_pl_exact, step_pl_ratio
from picoinfuse.profile.read import Reading
from picoinfuse.profile.schema import MAX_MMHG

PICO_PINS = frozenset((*range(23), 26, 27, 28))  # 23, 24, 25 and 29 belong to the board itself
ADC_PINS = frozenset((26, 27, 28))
# A soft reset stops only these PWM slices; on another one the tone would go on.
PIEZO_PINS = frozenset((*range(8), *range(16, 24)))
MAX_STEP_HZ = 200_000
MAX_RAMP_S = 10
STEP_ERROR = 1e-6
REFERENCE_MV = 3300
BATTERY_MARGIN_MV = 400  # a reading above full by more is no battery: core/battery.py
SMALL_INT = 2**30  # what the pump can hold without allocating


def check_pins(reading: Reading) -> None:
    used: dict[int, str] = {}
    for name, pin in reading.values["wiring"].items():
        if pin not in PICO_PINS:
            reading.mistake("no_such_pin", "wiring", name, f"{name}: a Pico has no GPIO {pin} on its edge")
        elif pin in used:
            text = f"{name} and {used[pin]} are both on GPIO {pin}"
            reading.mistake("pin_used_twice", "wiring", name, text)
        elif name == "piezo" and pin not in PIEZO_PINS:
            text = f"piezo is on GPIO {pin}, must be on 0-7 or 16-22: a soft reset leaves the tone on elsewhere"
            reading.mistake("piezo_pin", "wiring", name, text)
        elif name in ("pressure", "upstream", "battery") and pin not in ADC_PINS:
            text = f"{name} is on GPIO {pin}, must be on an ADC pin: 26, 27 or 28"
            reading.mistake("adc_pin", "wiring", name, text)
        used.setdefault(pin, name)


def check_pressures(reading: Reading) -> None:
    values, sensor = reading.values["occlusion"], reading.values["sensor"]
    order = [("", 0), *((name, values[name]) for name in ("low_mmhg", "medium_mmhg", "high_mmhg"))]
    for (before, smaller), (name, limit) in pairwise(order):
        if limit <= smaller:
            reading.mistake("limit_order", "occlusion", name, f"{name} is {limit}, must be above {before} ({smaller})")
    if values["retract_to_mmhg"] * 2 >= values["low_mmhg"]:  # half the limit is what an automatic restart asks for
        text = f"retract_to_mmhg is {values['retract_to_mmhg']}, must be below half of low_mmhg ({values['low_mmhg']})"
        reading.mistake("limit_order", "occlusion", "retract_to_mmhg", text)
    if values["high_mmhg"] >= MAX_MMHG:
        text = f"high_mmhg is {values['high_mmhg']}, must be below {MAX_MMHG} mmHg (20 psi)"
        reading.mistake("limit_order", "occlusion", "high_mmhg", text)
    if not sensor["short_mv"] < sensor["offset_mv"] < sensor["open_mv"]:
        reading.mistake("sensor_range", "sensor", "offset_mv", "short_mv < offset_mv < open_mv must hold")
    else:
        _check_reach(reading, values["high_mmhg"], sensor)


def check_motion(reading: Reading) -> None:
    values = reading.values["mechanics"]
    low, high = values["min_rate_ul_h"], values["max_rate_ul_h"]
    if low >= high:
        text = f"min_rate_ul_h is {low}, must be below max_rate_ul_h ({high})"
        reading.mistake("rate_order", "mechanics", "min_rate_ul_h", text)
    exact = step_pl_exact(values)
    if abs(step_pl_ratio(values) - exact) >= STEP_ERROR * exact:
        text = f"a step is {float(exact):.3g} pL, too little to be held as a ratio to 1 in a million"
        reading.mistake("step_volume", "mechanics", "microsteps", text)
    if step_pl_ratio(values).numerator >= SMALL_INT:
        text = f"a step is {float(exact):.3g} pL, too much for the pump's integers"
        reading.mistake("step_volume", "mechanics", "microsteps", text)
    top_hz = float(high * 1_000_000 / 3600 / exact)  # 1 µL is 1,000,000 pL
    start_hz, accel_hz_s = values["start_hz"], values["accel_hz_s"]
    if top_hz > MAX_STEP_HZ:
        limit_ul_h = int(MAX_STEP_HZ * 3600 * exact / 1_000_000)
        text = f"max_rate_ul_h {high} is {top_hz:.0f} steps/s; {MAX_STEP_HZ} can be made: {limit_ul_h} µL/h"
        reading.mistake("step_rate", "mechanics", "max_rate_ul_h", text)
    elif top_hz > start_hz and (top_hz - start_hz) > accel_hz_s * MAX_RAMP_S:
        text = f"from start_hz {start_hz} to {top_hz:.0f} Hz takes over {MAX_RAMP_S} s with {accel_hz_s} Hz/s"
        reading.mistake("ramp", "mechanics", "accel_hz_s", text)
    if "resonance_hz" in values:
        low_hz, high_hz = values["resonance_hz"]
        _check_resonance(reading, low_hz, high_hz, start_hz)


def _check_resonance(reading: Reading, low_hz: int, high_hz: int, start_hz: int) -> None:
    if low_hz >= high_hz:
        text = f"resonance_hz goes from {low_hz} to {high_hz}, the first must be below the second"
        reading.mistake("resonance", "mechanics", "resonance_hz", text)
    elif low_hz <= start_hz <= high_hz:
        text = f"resonance_hz ({low_hz} to {high_hz}) holds start_hz ({start_hz}), at which a volume ends"
        reading.mistake("resonance", "mechanics", "resonance_hz", text)


def check_upstream(reading: Reading) -> None:
    wired, limited = "upstream" in reading.values["wiring"], "upstream_mmhg" in reading.values["occlusion"]
    if wired and not limited:
        text = "upstream_mmhg is missing: a sensor is wired upstream"
        reading.mistake("missing_key", "occlusion", "upstream_mmhg", text)
    elif limited and not wired:
        text = "upstream_mmhg is a limit for a sensor that [wiring] does not have"
        reading.mistake("unknown_key", "occlusion", "upstream_mmhg", text)


def check_reservoir(reading: Reading) -> None:
    values = reading.values["reservoir"]
    for smaller, larger in (("empty_ul", "low_ul"), ("low_ul", "capacity_ul")):
        if values[smaller] >= values[larger]:
            text = f"{smaller} is {values[smaller]}, must be below {larger} ({values[larger]})"
            reading.mistake("limit_order", "reservoir", smaller, text)
    if values["near_empty_min"] > values["harmful_near_empty_min"]:
        text = "harmful_near_empty_min must not be below near_empty_min: what would harm is warned of earlier"
        reading.mistake("limit_order", "reservoir", "harmful_near_empty_min", text)


def check_battery(reading: Reading) -> None:
    wired, values = "battery" in reading.values["wiring"], reading.values.get("battery")
    if wired != (values is not None):
        text = "[battery] and battery in [wiring] belong together: one of them is missing"
        reading.mistake("missing_key", "wiring" if wired else "battery", "battery" if wired else "", text)
        return
    if values is None:
        return
    if values["empty_mv"] + 200 > values["full_mv"]:
        text = f"empty_mv is {values['empty_mv']}, must be 200 mV or more below full_mv ({values['full_mv']})"
        reading.mistake("limit_order", "battery", "empty_mv", text)
    battery_mv, pin_mv = values["divider"]
    at_pin_mv = (values["full_mv"] + BATTERY_MARGIN_MV) * pin_mv / battery_mv
    if at_pin_mv > REFERENCE_MV:
        text = f"full_mv and {BATTERY_MARGIN_MV} more give {at_pin_mv:.0f} mV at the pin, which takes {REFERENCE_MV}"
        reading.mistake("sensor_range", "battery", "divider", text)


def check_retraction(reading: Reading) -> None:
    _check_held(reading, "occlusion", "retract_ul_h")


def check_kvo(reading: Reading) -> None:
    if reading.values["therapy"]["kvo_ul_h"]:
        _check_held(reading, "therapy", "kvo_ul_h")


def _check_held(reading: Reading, table: str, name: str) -> None:
    """A rate of another table must be one that the mechanics can hold."""
    rate_ul_h, mechanics = reading.values[table][name], reading.values["mechanics"]
    low, high = mechanics["min_rate_ul_h"], mechanics["max_rate_ul_h"]
    if not low <= rate_ul_h <= high:
        text = f"{name} is {rate_ul_h}, must be from min_rate_ul_h to max_rate_ul_h, {low} to {high}"
        reading.mistake("rate_order", table, name, text)
    low_hz, high_hz = mechanics.get("resonance_hz", (0, 0))
    rate_hz = rate_ul_h * PL_PER_UL / 3600 / step_pl_ratio(mechanics)
    if low_hz <= rate_hz <= high_hz:
        text = f"{name} is {float(rate_hz):.0f} steps/s, in resonance_hz ({low_hz} to {high_hz})"
        reading.mistake("resonance", table, name, text)


def _check_reach(reading: Reading, high_mmhg: int, sensor: dict[str, Any]) -> None:
    """The highest limit must be a pressure that the sensor can still tell from an open wire."""
    at_limit_mv = sensor["offset_mv"] + pa_of_mmhg(high_mmhg) / sensor["pa_per_mv"]
    if at_limit_mv >= sensor["open_mv"]:
        text = f"high_mmhg {high_mmhg} gives {at_limit_mv:.0f} mV, not below open_mv ({sensor['open_mv']})"
        reading.mistake("sensor_range", "occlusion", "high_mmhg", text)
